//! How a step fails.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an activity answers when it fails, and what handlers, retries and people get to see of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepError {
    /// What `retry_on` and `no_retry_on` go by: `CardDeclined`, `Timeout`.
    #[serde(rename = "type")]
    pub kind: String,
    pub message: String,
    /// `false`: no attempt may follow, whatever the policy says.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub retryable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_true(value: &bool) -> bool {
    *value
}

impl StepError {
    /// The type of an error whose maker named none.
    pub const UNTYPED: &str = "Error";
    /// A step ran longer than its `timeout`.
    pub const TIMEOUT: &str = "Timeout";
    /// No worker began an attempt within the step's `schedule_timeout`.
    pub const SCHEDULE_TIMEOUT: &str = "ScheduleTimeout";
    /// A running attempt gave no sign of life for longer than the step's `heartbeat`.
    pub const HEARTBEAT_TIMEOUT: &str = "HeartbeatTimeout";
    /// An expression of the definition could not be evaluated.
    pub const EXPRESSION: &str = "ExpressionError";
    /// An operator purged the queue in which the task waited.
    pub const DISCARDED: &str = "TaskDiscarded";
    /// The activity stopped at a defect of its own.
    pub const PANIC: &str = "Panic";
    /// The data of an execution outgrew what can be kept of it.
    pub const TOO_LARGE: &str = "TooLarge";
    /// The input of a start does not fit the workflow's `input_schema`.
    pub const INVALID_INPUT: &str = "InvalidInput";
    /// The data of a signal does not fit the schema that the workflow has for it.
    pub const INVALID_SIGNAL: &str = "InvalidSignal";
    /// Somebody did not approve.
    pub const REJECTED: &str = "Rejected";
    /// Whoever approves or rejects is none of those who may.
    pub const NOT_AN_APPROVER: &str = "NotAnApprover";
    /// Nothing waits for what was sent.
    pub const NOT_WAITING: &str = "NotWaiting";
    /// An update, or a query, that the workflow does not have.
    pub const UNKNOWN_NAME: &str = "UnknownName";
    /// An update whose data does not fit, or whose condition does not hold.
    pub const REFUSED: &str = "Refused";
    /// The workflow that a start names is not there, or not in that version.
    pub const UNKNOWN_WORKFLOW: &str = "UnknownWorkflow";
    /// A child failed, was cancelled or ran out of its time. Its own error is in the details.
    pub const CHILD_FAILED: &str = "ChildFailed";
    pub const CHILD_CANCELLED: &str = "ChildCancelled";
    pub const CHILD_TIMED_OUT: &str = "ChildTimedOut";
    /// The id that a child was to have is that of another execution.
    pub const ID_TAKEN: &str = "IdTaken";
    /// An activity returned further steps that cannot be run.
    pub const BAD_EXPANSION: &str = "BadExpansion";
    /// A breaker was open, and the step did not want to wait.
    pub const BREAKER_OPEN: &str = "BreakerOpen";
    /// An attempt was not wanted any more when it was about to begin: it has done nothing.
    pub const NOT_BEGUN: &str = "NotBegun";
    /// An attempt was told to stop, and did: nobody knows how far it had come.
    pub const CANCELLED: &str = "Cancelled";
    /// NATS does not take the request for the saga: usually it is too large.
    pub const SAGA_REFUSED: &str = "SagaRefused";

    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into(), retryable: true, details: None }
    }

    /// The same error, after which no attempt may follow.
    #[must_use]
    pub fn final_(mut self) -> Self {
        self.retryable = false;
        self
    }
}
