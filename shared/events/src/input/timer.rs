//! Timers: which one came due.

use serde::{Deserialize, Serialize};

use crate::FramePath;

/// A timer came due. Which one: an old one is told from the one that is armed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimerName {
    pub kind: TimerKind,
    /// Empty for a timer of the whole execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<FramePath>,
    #[serde(default)]
    pub attempt: u32,
}

impl TimerName {
    pub fn of_execution(kind: TimerKind) -> Self {
        Self { kind, path: None, attempt: 0 }
    }

    pub fn of_frame(kind: TimerKind, path: &FramePath, attempt: u32) -> Self {
        Self { kind, path: Some(path.clone()), attempt }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// The whole execution's time is over.
    WorkflowTimeout,
    /// An attempt ran too long.
    StepTimeout,
    /// A failed step may be tried again.
    Retry,
    /// A wait is over.
    Wait,
    /// Nobody sent the signal in time.
    AwaitTimeout,
    /// No worker began an attempt in time.
    ScheduleTimeout,
    /// All attempts of a step together took too long.
    TotalTimeout,
    /// A step that was too early may be tried again.
    Snooze,
    /// A child was waited for long enough.
    ChildTimeout,
    /// Nothing was heard of a child for a while: it is asked.
    ChildLook,
    /// An execution that failed may begin anew.
    WorkflowRetry,
    /// What executions share is asked again: nothing was heard of it for long, or it said when.
    AskAgain,
    /// Those at work had time to tidy up since a cancel.
    Cleanup,
    /// What is undone waited long enough for those that are still at work.
    Settle,
    /// Nothing was heard of a saga for a while: it is asked.
    SagaLook,
    /// Of a saga that is over nothing more is waited for.
    Forget,
    /// An execution that was to begin later begins.
    Begin,
}
