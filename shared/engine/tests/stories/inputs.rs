//! What can happen to an execution, in the words of the stories.

use sagaline_events::{
    Input, Start, TimerKind, TimerName,
    input::{
        Bound, Cancel, Refused, Signal, StepFailed, StepSkipped, StepSnoozed, StepStarted, StepSucceeded, TaskDiscarded,
    },
};
use sagaline_model::{Name, StepError};
use serde_json::Value;

use crate::story::path;

/// A start of version 1.
pub(crate) fn start(input: Value) -> Input {
    Input::Start(Start { version: Some(1), input, ..unversioned() })
}

pub(crate) fn unversioned() -> Start {
    Start::of(Name::new("w").unwrap())
}

pub(crate) fn bound(version: u32) -> Input {
    Input::Bound(Bound { version })
}

pub(crate) fn refused(kind: &str) -> Input {
    Input::Refused(Refused { error: error(kind) })
}

/// A worker began.
pub(crate) fn began(step: &str, attempt: u32) -> Input {
    Input::StepStarted(StepStarted { path: path(step), attempt, worker: Some("worker-1".to_owned()) })
}

/// The activity succeeded and returned nothing.
pub(crate) fn succeeded(step: &str, attempt: u32) -> Input {
    returned(step, attempt, Value::Null)
}

pub(crate) fn returned(step: &str, attempt: u32, output: Value) -> Input {
    Input::StepSucceeded(StepSucceeded { path: path(step), attempt, output, worker: None })
}

pub(crate) fn failed(step: &str, attempt: u32, kind: &str) -> Input {
    Input::StepFailed(StepFailed { path: path(step), attempt, error: error(kind), worker: None })
}

/// The activity failed and says that trying again would not help.
pub(crate) fn failed_finally(step: &str, attempt: u32, kind: &str) -> Input {
    Input::StepFailed(StepFailed { path: path(step), attempt, error: error(kind).final_(), worker: None })
}

/// The activity says that there is nothing to do.
pub(crate) fn skipped(step: &str, attempt: u32) -> Input {
    Input::StepSkipped(StepSkipped { path: path(step), attempt, reason: "nothing to do".to_owned(), worker: None })
}

/// The activity says that it is too early.
pub(crate) fn snoozed(step: &str, attempt: u32, delay: &str) -> Input {
    let (path, delay, reason) = (path(step), delay.parse().unwrap(), "not yet".to_owned());
    Input::StepSnoozed(StepSnoozed { path, attempt, delay, reason, worker: None })
}

pub(crate) fn discarded(step: &str, attempt: u32) -> Input {
    Input::TaskDiscarded(TaskDiscarded { path: path(step), attempt })
}

pub(crate) fn signal(name: &str, data: Value) -> Input {
    Input::Signal(Signal { name: Name::new(name).unwrap(), data })
}

pub(crate) fn cancel(reason: &str) -> Input {
    Input::Cancel(Cancel { reason: Some(reason.to_owned()) })
}

/// A timer of a step fires, armed or not.
pub(crate) fn timer(kind: TimerKind, step: &str, attempt: u32) -> Input {
    Input::Timer(TimerName::of_frame(kind, &path(step), attempt))
}

pub(crate) fn workflow_timeout() -> Input {
    Input::Timer(TimerName::of_execution(TimerKind::WorkflowTimeout))
}

fn error(kind: &str) -> StepError {
    StepError::new(kind, "no luck")
}
