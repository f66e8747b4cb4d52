//! What the engine wants done. Each effect has a name in the shell, so that doing it twice is harmless.

use sagaline_events::{FramePath, Happening};
use sagaline_model::{ActivityName, Moment, Name, Span};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Put a task into its queue.
    Dispatch(Dispatch),
    /// Take a task back: nobody waits for its answer any more.
    Revoke { path: FramePath, attempt: u32, queue: Name, activity: ActivityName },
    /// Tell whoever follows.
    Tell(Happening),
    /// Find the version that this start runs on, and record it as an input.
    Bind { workflow: Name, version: Option<u32> },
    /// This input may not be applied; keep it where an operator finds it.
    Reject { reason: &'static str, detail: String },
}

/// One attempt of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    pub path: FramePath,
    pub attempt: u32,
    pub queue: Name,
    pub activity: ActivityName,
    pub input: Value,
    pub timeout: Option<Span>,
    pub heartbeat: Option<Span>,
    /// Whether the worker says when it begins, though there is no `timeout`.
    pub report: bool,
    /// When the input that caused this was stored.
    pub cause: Moment,
    /// What the definition says about the step for the activity to read.
    pub metadata: Value,
}
