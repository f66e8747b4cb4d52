//! An event that is told to an execution.

use sagaline_broker::nats::PayloadOf;
use sagaline_model::partition_of;
use serde_json::Value;

use super::{Cause, Handler, Later, Meant, Stored, Trouble, never};
use crate::{catalogue::Listening, listener::Signal};

impl Handler {
    /// Whether the execution has begun or not: what comes before its start is kept for it.
    pub(super) async fn signal(&self, listening: &Listening, signal: Signal, cause: &Cause<'_>) -> Result<(), Later> {
        let Signal { name, execution, data } = signal;
        let meant = Meant {
            workflow: listening.workflow.clone(),
            version: listening.version,
            execution,
            signal: Some(name),
            traceparent: cause.received.traceparent(cause.event),
            span: None,
        };
        let told = self.send(&meant, data, cause).await?;
        self.unless_done(told, &meant, cause).await
    }

    async fn send(
        &self,
        meant: &Meant,
        data: Value,
        cause: &Cause<'_>,
    ) -> Result<Result<(), (&'static str, String)>, Trouble> {
        let execution = meant.execution.as_str();
        let of = PayloadOf { partition: partition_of(execution, self.partitions), execution };
        let data = match self.payloads.offload(of, data).await {
            Ok(data) => data,
            Err(fault) => return Ok(Err(("payload", never(fault)?))),
        };
        let Some(message) = self.wire.signal(meant, data, cause.event, cause.received) else { return Ok(Ok(())) };
        if let Stored::Never(why) = self.store(&message).await? {
            return Ok(Err(("signal_refused", why)));
        }
        tracing::debug!(workflow = %meant.workflow, execution, event = cause.event.id, "an event is a signal");
        self.tell(&self.wire.matched(meant, cause.event, cause.received)).await.map(Ok)
    }
}
