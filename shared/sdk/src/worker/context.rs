//! What an activity knows about the attempt that it runs for.

use std::{sync::Arc, time::SystemTime};

use sagaline_broker::{
    nats::Connection,
    worker::{Pulse, Run},
};
use sagaline_events::Task;
use sagaline_model::Moment;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::heartbeat::{self, Throttle};

/// The attempt that an activity runs for. Clones speak of the same attempt.
#[derive(Clone, Debug)]
pub struct ActivityContext(Arc<Attempt>);

#[derive(Debug)]
struct Attempt {
    connection: Connection,
    task: Arc<Task>,
    traceparent: Option<String>,
    cancel: CancellationToken,
    pulse: Pulse,
    deadline: Option<Instant>,
    span: Span,
    heartbeats: Throttle,
    progress: Throttle,
}

impl ActivityContext {
    pub(super) fn new(connection: Connection, run: &Run, span: Span) -> Self {
        Self(Arc::new(Attempt {
            connection,
            task: run.task.clone(),
            traceparent: run.traceparent.clone(),
            cancel: run.cancel.clone(),
            pulse: run.pulse.clone(),
            deadline: run.task.timeout.map(|timeout| Instant::now() + timeout.into()),
            span,
            heartbeats: Throttle::default(),
            progress: Throttle::default(),
        }))
    }

    /// The id of the execution.
    pub fn execution(&self) -> &str {
        self.0.task.execution.as_str()
    }

    pub fn workflow(&self) -> &str {
        self.0.task.workflow.as_str()
    }

    /// The version of the workflow.
    pub fn version(&self) -> u32 {
        self.0.task.version
    }

    /// Where the step stands in the execution: its name, after those of the steps around it.
    pub fn step(&self) -> &str {
        self.0.task.path.as_str()
    }

    pub fn activity(&self) -> &str {
        self.0.task.activity.as_str()
    }

    pub fn queue(&self) -> &str {
        self.0.task.queue.as_str()
    }

    /// Which attempt this is, from 1. An attempt whose worker died runs again under the same number.
    pub fn attempt(&self) -> u32 {
        self.0.task.attempt
    }

    /// The same for every attempt of this step. Hand it to whatever must not happen twice.
    pub fn idempotency_key(&self) -> &str {
        &self.0.task.idempotency_key
    }

    /// The `metadata` of the step; null if it has none.
    pub fn metadata(&self) -> &Value {
        &self.0.task.metadata
    }

    /// The W3C trace context to hand on to whatever the activity calls: of this attempt, where attempts are traced, else the one that
    /// the task came with.
    pub fn traceparent(&self) -> Option<&str> {
        self.0.traceparent.as_deref()
    }

    /// When the attempt is broken off, if its time is limited.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// Cancelled when nobody waits for the result any more, or its time is up.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.0.cancel
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.cancel.is_cancelled()
    }

    /// The span that the activity runs in, with execution, workflow, step and attempt as its fields. What the activity logs is
    /// logged within it; threads of its own enter it themselves.
    pub fn span(&self) -> &Span {
        &self.0.span
    }

    /// Leaves `details` for the next attempt, should this one not come to its end: JSON of up to 64 KiB, kept for seven days. Called
    /// more often than once a second, it stores what was said last when the second is over; who dies before that loses as
    /// much. It never fails the attempt. It is also the sign of life that a step with a `heartbeat` asks for.
    pub async fn heartbeat(&self, details: impl Serialize) {
        self.0.pulse.beat();
        let Some(details) = json_of(details, "heartbeat") else { return };
        let bytes = serde_json::to_vec(&details).map_or(0, |json| json.len());
        if heartbeat::DETAILS_BYTES_MAX < bytes {
            let limit = heartbeat::DETAILS_BYTES_MAX;
            tracing::warn!(
                bytes,
                limit,
                "the details of a heartbeat are too large and are left out; leave a reference"
            );
            return;
        }
        if let Some((details, _)) = self.0.heartbeats.admit(details) {
            heartbeat::store(&self.0.connection, &self.0.task, &details).await;
        } else if let Some(due) = self.0.heartbeats.due() {
            tokio::spawn(self.clone().store_late(due));
        }
    }

    /// Stores what was held back when its second is over; unless the attempt is, since the next one may have said something newer.
    async fn store_late(self, due: Instant) {
        tokio::select! {
            () = self.0.cancel.cancelled() => {}
            () = tokio::time::sleep_until(due) => {
                if let Some(details) = self.0.heartbeats.late() {
                    heartbeat::store(&self.0.connection, &self.0.task, &details).await;
                }
            }
        }
    }

    /// What an earlier attempt of this step left behind, or this one if its worker died: the last `details` of whoever said some. One
    /// that a retry of the whole workflow begins anew reads them, too, as it has the same idempotency key.
    pub async fn last_heartbeat<T: DeserializeOwned>(&self) -> Option<T> {
        let details = heartbeat::load(&self.0.connection, &self.0.task).await?;
        serde_json::from_value(details).ok()
    }

    /// Says how far it is, from 0 to 1, to whoever follows the execution or looks at it; at most once a second, what comes sooner is
    /// left out. It is a sign of life, too.
    pub async fn progress(&self, fraction: f64, message: &str) {
        self.0.pulse.beat();
        let said = json!({ "fraction": fraction, "message": message });
        if let Some((said, number)) = self.0.progress.admit(said) {
            heartbeat::tell(&self.0.connection, &self.0.task, said, number, now()).await;
        }
    }

    /// What speaks for the attempt on NATS, and its task.
    pub(super) fn at_work(&self) -> (&Connection, &Task) {
        (&self.0.connection, &self.0.task)
    }

    /// Stores the heartbeat that was held back: the attempt did not succeed, and the next one wants to know.
    pub(super) async fn leave(&self) {
        if let Some(details) = self.0.heartbeats.held_back() {
            heartbeat::store(&self.0.connection, &self.0.task, &details).await;
        }
    }
}

fn json_of(details: impl Serialize, what: &str) -> Option<Value> {
    match serde_json::to_value(details) {
        Ok(details) => Some(details),
        Err(error) => {
            tracing::warn!(%error, what, "the details are no JSON and are left out");
            None
        }
    }
}

pub(super) fn now() -> Moment {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment::from_nanos(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX))
}
