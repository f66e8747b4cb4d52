//! What can happen to an execution, in the words of the stories.

use sagaline_events::{
    Input, SagaNews, SagaStatus, Start, TimerKind, TimerName,
    input::{
        Approval, Bound, Cancel, OnLate, Refused, Signal, StepAwaits, StepExpanded, StepFailed, StepSkipped,
        StepSnoozed, StepStarted, StepSucceeded, TaskDiscarded, Update,
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
    Input::StepSucceeded(StepSucceeded { path: path(step), attempt, output, worker: None, claimed: false })
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
    Input::StepSnoozed(StepSnoozed { path, attempt, delay, reason, worker: None, late: false })
}

/// The activity returned further steps.
pub(crate) fn expanded(step: &str, attempt: u32, steps: Value) -> Input {
    Input::StepExpanded(StepExpanded { path: path(step), attempt, steps, worker: None })
}

pub(crate) fn discarded(step: &str, attempt: u32) -> Input {
    Input::TaskDiscarded(TaskDiscarded { path: path(step), attempt })
}

pub(crate) fn signal(name: &str, data: Value) -> Input {
    Input::Signal(Signal { name: Name::new(name).unwrap(), data })
}

pub(crate) fn cancel(reason: &str) -> Input {
    Input::Cancel(Cancel::at_once(Some(reason.to_owned())))
}

/// A timer of a step fires, armed or not.
pub(crate) fn timer(kind: TimerKind, step: &str, attempt: u32) -> Input {
    Input::Timer(TimerName::of_frame(kind, &path(step), attempt))
}

pub(crate) fn workflow_timeout() -> Input {
    Input::Timer(TimerName::of_execution(TimerKind::WorkflowTimeout))
}

/// Somebody approves; without a name nobody says who it is.
pub(crate) fn approved(step: &str, by: &str, data: Value) -> Input {
    Input::Approval(Approval { approved: true, data, ..verdict(step, by) })
}

pub(crate) fn rejected(step: &str, by: &str) -> Input {
    Input::Approval(verdict(step, by))
}

/// A rejection.
pub(crate) fn verdict(step: &str, by: &str) -> Approval {
    let by = (!by.is_empty()).then(|| by.to_owned());
    Approval { step: path(step), by, approved: false, data: Value::Null, id: None }
}

/// The activity wants one of these to approve, within ten minutes.
pub(crate) fn awaits(step: &str, attempt: u32, approvers: &[&str], on_timeout: OnLate) -> Input {
    let approvers = approvers.iter().map(|approver| (*approver).to_owned()).collect();
    let timeout = Some("10m".parse().unwrap());
    Input::StepAwaits(StepAwaits { path: path(step), attempt, approvers, timeout, on_timeout, worker: None })
}

pub(crate) fn update(name: &str, id: &str, data: Value) -> Input {
    Input::Update(Update { name: Name::new(name).unwrap(), id: id.to_owned(), data })
}

/// The same of a task that asked for a claim.
pub(crate) fn claimed(step: &str, attempt: u32, output: Value) -> Input {
    Input::StepSucceeded(StepSucceeded { path: path(step), attempt, output, worker: None, claimed: true })
}

pub(crate) fn rollback(reason: &str) -> Input {
    Input::Cancel(Cancel { rollback: true, ..Cancel::at_once(Some(reason.to_owned())) })
}

/// What its saga tells an execution.
pub(crate) fn news(status: Option<SagaStatus>) -> SagaNews {
    SagaNews { status, stuck: vec![], compensated: vec![], skipped: vec![], by: None, why: None }
}

pub(crate) fn undone(steps: &[&str]) -> Input {
    let compensated = steps.iter().map(|step| path(step)).collect();
    Input::SagaNews(SagaNews { compensated, ..news(Some(SagaStatus::Completed)) })
}

fn error(kind: &str) -> StepError {
    StepError::new(kind, "no luck")
}
