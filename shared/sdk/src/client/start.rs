//! Starting an execution, once however often it is tried.

use std::collections::BTreeMap;

use async_nats::jetstream::stream::LastRawMessageErrorKind;
use sagaline_broker::{ports::Message, room::Fill};
use sagaline_events::{Envelope, Input, Start};
use sagaline_model::{ExecutionId, Moment, Name, PlanHash};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Client, Error, id, publish::Written};

/// What may be said about a start beside the workflow and its input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartOptions {
    /// Starting again under the same id with the same input is no second execution. Without it one is made.
    pub id: Option<ExecutionId>,
    pub tags: BTreeMap<String, String>,
    /// The newest, if none is given.
    pub version: Option<u32>,
    /// W3C trace context, for the traces of the execution to hang on to.
    pub traceparent: Option<String>,
    /// The step to begin at, one of the workflow itself: all that come before it are passed over.
    pub from: Option<Name>,
    /// It is accepted now, and begins then.
    pub at: Option<Moment>,
}

/// An execution that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub execution: ExecutionId,
    /// It had been started before, with the same input.
    pub existing: bool,
}

impl Client {
    /// Starts an execution on the version that is the newest now. It is started when this returns, whatever dies then.
    ///
    /// Uniqueness of an id holds as long as the log keeps its start: 24 hours, unless set otherwise.
    pub async fn start(&self, workflow: &Name, input: Value, options: StartOptions) -> Result<Started, Error> {
        let (version, hash) = self.version_to_start(workflow, options.version).await?;
        let execution = options.id.unwrap_or_else(id::generate);
        self.check_input(workflow, (version, &hash), &execution, &input).await?;
        // One that was started already is no new one, however full it is now.
        if let Some(fill) = self.no_room(workflow, version, &execution).await?
            && self.stored_start(&execution).await?.is_none()
        {
            return Err(Error::NoRoom { execution, fill });
        }
        let resume = match &options.from {
            Some(from) => Some(self.beginning_at(from, workflow, version).await?),
            None => None,
        };
        let start = Start {
            resume,
            version: Some(version),
            input: self.offload(&execution, input).await?,
            tags: options.tags,
            begin_at: options.at,
            ..Start::of(workflow.clone())
        };
        self.publish_start(execution, start, options.traceparent).await
    }

    /// Stores a start once, however often that takes.
    pub(super) async fn publish_start(
        &self,
        execution: ExecutionId,
        start: Start,
        traceparent: Option<String>,
    ) -> Result<Started, Error> {
        let event_id = format!("start-{execution}-{:x}", id::random());
        let subject = self.names().start(execution.as_str(), self.partitions);
        let input = Input::Start(start.clone());
        let mut message = Message { expected: Some(0), ..self.input_message(subject, &execution, &event_id, &input) };
        message.headers.extend(traceparent.map(|parent| ("ce-traceparent", parent)));

        let attempt = format!("start `{execution}`");
        loop {
            if let Written::Stored(_) = self.publish(&message, &attempt).await? {
                return Ok(Started { execution, existing: false });
            }
            // Nothing there means that the log was purged just now: then the next try is the first.
            if let Some(there) = self.stored_start(&execution).await? {
                let existing = compare(&execution, &there, &event_id, &start)?;
                return Ok(Started { execution, existing });
            }
        }
    }

    /// The stream that is too full for this execution.
    async fn no_room(&self, workflow: &Name, version: u32, execution: &ExecutionId) -> Result<Option<Fill>, Error> {
        if let Some(fill) = self.gate.refusal(self.partition(execution)).await {
            return Ok(Some(fill));
        }
        if !self.gate.minds_queues().await {
            return Ok(None);
        }
        let Some(definition) = self.definition(workflow, version).await? else { return Ok(None) };
        Ok(self.gate.refusal_of_queues(definition.plan.queues().into_iter().map(Name::as_str)).await)
    }

    pub(super) async fn version_to_start(
        &self,
        workflow: &Name,
        wanted: Option<u32>,
    ) -> Result<(u32, PlanHash), Error> {
        let Some((_, latest)) = self.latest(workflow).await? else {
            return Err(self.unknown_workflow(workflow).await);
        };
        let Some(version) = wanted.filter(|version| *version != latest.version) else {
            return Ok((latest.version, latest.hash));
        };
        match self.definition(workflow, version).await? {
            Some(definition) => Ok((version, definition.hash)),
            None => Err(Error::UnknownVersion { workflow: workflow.clone(), version, latest: latest.version }),
        }
    }

    /// The start that is on the log, in whichever mode of CloudEvents it was sent.
    pub(super) async fn stored_start(&self, execution: &ExecutionId) -> Result<Option<Envelope>, Error> {
        let stream = self.names().runs(self.partition(execution));
        let subject = self.names().start(execution.as_str(), self.partitions);
        let attempt = || format!("read the start of `{execution}`");
        let log = self.connection.jetstream().get_stream_no_info(&stream).await;
        let log = log.map_err(|error| Error::nats(attempt())(error.into()))?;
        let stored = match log.get_last_raw_message_by_subject(&subject).await {
            Ok(stored) => stored,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => return Ok(None),
            Err(error) => return Err(Error::nats(attempt())(error.into())),
        };
        let headers =
            stored.headers.iter().filter_map(|(name, values)| Some((name.as_ref(), values.first()?.as_str())));
        Ok(Envelope::read(headers, stored.payload).ok())
    }
}

/// Whether what is there is another's start of the same thing (`true`) or our own, whose ack was lost (`false`).
fn compare(execution: &ExecutionId, there: &Envelope, event_id: &str, wanted: &Start) -> Result<bool, Error> {
    if there.id == event_id {
        return Ok(false);
    }
    let differs = |differs| Err(Error::AlreadyExists { execution: execution.clone(), differs });
    let Ok(Input::Start(found)) = Input::read(&there.kind, &there.data) else { return differs("start") };
    match () {
        () if found.workflow != wanted.workflow => differs("workflow"),
        () if found.input != wanted.input => differs("input"),
        () if found.resume != wanted.resume => differs("step to begin at"),
        () => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn start(workflow: &str, input: Value) -> Start {
        let workflow = Name::new(workflow).expect("a name");
        Start { version: Some(1), input, ..Start::of(workflow) }
    }

    fn compared(wanted: &Start, event_id: &str) -> Result<bool, Error> {
        let stored = Input::Start(start("order", json!({"n": 1})));
        let there = Envelope::new("first", "/s", stored.kind(), stored.data());
        compare(&ExecutionId::new("a").expect("an id"), &there, event_id, wanted)
    }

    #[test]
    fn the_start_that_is_there_is_ours_the_same_or_another() {
        assert!(!compared(&start("order", json!({"n": 1})), "first").expect("our own"));
        let later = Start { version: Some(2), ..start("order", json!({"n": 1})) };
        assert!(compared(&later, "second").expect("the same, though there is a newer version now"));
        for (other, word) in
            [(start("order", json!({"n": 2})), "input"), (start("refund", json!({"n": 1})), "workflow")]
        {
            let error = compared(&other, "second").expect_err("another");
            assert_eq!(error.to_string(), format!("execution `a` exists already, with another {word}"));
        }
    }
}
