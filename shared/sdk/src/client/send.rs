//! Sending to an execution: signals, cancels, pauses. All are inputs on its log; signals and cancels are kept if they come before its
//! start.

use std::time::Duration;

use sagaline_broker::ports::Message;
use sagaline_events::{
    Envelope, Input,
    input::{Cancel, Pause, Resume, Signal},
};
use sagaline_model::{ExecutionId, Name, Span};
use serde_json::{Map, Value};

use super::{
    Client, Error, id,
    publish::{self, Written},
};

/// Where something sent is now: it will be taken into account, whatever dies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its position on the log.
    pub sequence: u64,
}

impl Client {
    /// Sends a signal. One that nobody waits for yet is kept; so is one for an execution that has not started, for ten minutes.
    /// One that does not fit the schema that the workflow has for it is refused.
    pub async fn signal(&self, execution: &ExecutionId, name: &Name, data: Value) -> Result<Sent, Error> {
        self.check_signal(execution, name, &data).await?;
        let data = self.offload(execution, data).await?;
        let attempt = format!("send the signal `{name}` to `{execution}`");
        self.send(execution, &Input::Signal(Signal { name: name.clone(), data }), &attempt).await
    }

    /// Asks for the end of an execution: what it waits for is given up, and it ends as `cancelled`.
    pub async fn cancel(&self, execution: &ExecutionId, reason: Option<String>) -> Result<Sent, Error> {
        self.cancel_so(execution, Cancel::at_once(reason)).await
    }

    /// The same, but those at work are told to stop, and what they answer within the grace (30 s if nothing is said) still counts;
    /// only then it ends. A second cancel does not wait for that.
    pub async fn cancel_with_cleanup(
        &self,
        execution: &ExecutionId,
        reason: Option<String>,
        grace: Option<Duration>,
    ) -> Result<Sent, Error> {
        self.cancel_so(execution, Cancel { cleanup: true, grace: grace.map(Span::from), ..Cancel::at_once(reason) })
            .await
    }

    /// The same, but what it did is undone before it ends, and then it ends as `rolled_back`. One that has nothing to undo ends as
    /// `cancelled`.
    pub async fn cancel_with_rollback(&self, execution: &ExecutionId, reason: Option<String>) -> Result<Sent, Error> {
        self.cancel_so(execution, Cancel { rollback: true, ..Cancel::at_once(reason) }).await
    }

    /// Asks for the end of an execution in any way that there is.
    pub async fn cancel_so(&self, execution: &ExecutionId, cancel: Cancel) -> Result<Sent, Error> {
        self.send(execution, &Input::Cancel(cancel), &format!("cancel `{execution}`")).await
    }

    /// Lets no further step of an execution begin; those at work go on.
    pub async fn pause(&self, execution: &ExecutionId, reason: Option<String>) -> Result<Sent, Error> {
        let attempt = format!("pause `{execution}`");
        self.send(execution, &Input::Pause(Pause { reason }), &attempt).await
    }

    /// Lets a paused execution go on, with what joins its `ctx`.
    pub async fn resume(&self, execution: &ExecutionId, context: Map<String, Value>) -> Result<Sent, Error> {
        let attempt = format!("resume `{execution}`");
        self.send(execution, &Input::Resume(Resume { context }), &attempt).await
    }

    /// Publishes a CloudEvent on `EVENTS`, where triggers hear it. The same `source` and `id` again within two minutes is
    /// dropped by the server. One with extension attributes besides `traceparent` goes in structured mode.
    pub async fn publish_event(&self, event: &Envelope) -> Result<Sent, Error> {
        let attempt = format!("publish the event `{}`", event.id);
        let subject = self.names().event(&event.kind);
        let has_extensions = event.extensions.keys().any(|name| name != "traceparent");
        let mut message = match has_extensions {
            true => publish::structured(subject, event),
            false => publish::message(subject, event, event.data.clone()),
        };
        message.msg_id = Some(format!("{} {}", event.source, event.id));
        self.stored(&message, &attempt).await
    }

    /// What this client calls itself as the source of events.
    pub fn source(&self) -> &str {
        &self.source
    }

    pub(super) async fn send(&self, execution: &ExecutionId, input: &Input, attempt: &str) -> Result<Sent, Error> {
        let subject = self.names().input(execution.as_str(), self.partitions);
        let id = format!("{execution}-{:x}", id::random());
        let message = self.input_message(subject, execution, &id, input);
        self.stored(&Message { msg_id: Some(id), ..message }, attempt).await
    }

    pub(super) async fn stored(&self, message: &Message, attempt: &str) -> Result<Sent, Error> {
        match self.publish(message, attempt).await? {
            Written::Stored(sequence) => Ok(Sent { sequence }),
            Written::Conflict => Err(Error::Contended { attempt: attempt.to_owned() }),
        }
    }
}
