//! Tasks: what waits in a queue for a worker.

use sagaline_model::{ActivityName, ExecutionId, Moment, Name, Span};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::FramePath;

/// The CloudEvent type of a task.
pub const TASK_TYPE: &str = "sagaline.task.v1";

/// Set on every publish of a task but the live owner's first: such a copy must be asked about before it runs.
pub const REPEAT_HEADER: &str = "Sagaline-Repeat";

/// One attempt of a step, handed to a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub workflow: Name,
    pub version: u32,
    pub execution: ExecutionId,
    pub path: FramePath,
    pub attempt: u32,
    pub queue: Name,
    pub activity: ActivityName,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// The same for every attempt of this step.
    pub idempotency_key: String,
    /// The subject to answer to, and to report the start to.
    pub reply: String,
    /// The subject to ask whether this task is still wanted.
    pub ask: String,
    /// When the input that caused this task was stored.
    pub cause: Moment,
    /// How long the attempt may run. If set, the worker reports when it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How long a running attempt may go without a sign of life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Span>,
    /// Whether the worker reports when it starts, though there is no `timeout`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub report: bool,
    /// Whether the worker, once its report of the start is stored, asks whether the task is still wanted, and runs it only then.
    /// It answers also if it is told to stop: what it did may have to be undone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claim: bool,
    /// What the definition says about the step for the activity to read.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub metadata: Value,
    /// Until when the attempt may begin, by the server's clock: its turn of a rate is over then. Who comes later does not begin it, and
    /// says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin_by: Option<Moment>,
}
