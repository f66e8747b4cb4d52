//! Every lifecycle event.

use sagaline_events::{
    Happening, Lifecycle,
    job::{JobEvent, JobHappening},
    lifecycle::Refs,
};
use sagaline_model::{Span, StepError};
use serde_json::{Value, json};

use crate::file::{at, declined, frame, id, is_recorded, name, names_of};

fn every_happening() -> Vec<Happening> {
    let step = || frame("pay/charge");
    let (attempt, duration, reason) = (2, Span::from_millis(1500), Some("not today".to_owned()));
    let later = Some(at("2026-01-01T00:00:05Z"));
    vec![
        Happening::WorkflowStarted { trigger: Some("event-1".to_owned()), parent: None },
        Happening::WorkflowCompleted { duration },
        Happening::WorkflowFailed { duration, error: declined(), step: Some(step()), attempts: Some(2) },
        Happening::WorkflowCancelled { duration, reason },
        Happening::WorkflowTimedOut { duration },
        Happening::WorkflowStartRefused { error: StepError::new(StepError::UNKNOWN_WORKFLOW, "there is none") },
        Happening::WorkflowParked { cause: "nothing is in flight for it".to_owned() },
        Happening::WorkflowPaused { reason: Some("maintenance".to_owned()) },
        Happening::WorkflowResumed,
        Happening::StepScheduled { step: step(), attempt },
        Happening::StepStarted { step: step(), attempt, worker: Some("worker-1".to_owned()) },
        Happening::StepCompleted { step: step(), attempt, duration },
        Happening::StepFailed { step: step(), attempt, error: StepError::new("Busy", "try later"), next_at: later },
        Happening::StepTimedOut { step: step(), attempt, next_at: None },
        Happening::StepSkipped { step: step(), reason: "its condition does not hold".to_owned() },
        Happening::StepCancelled { step: step(), attempt },
        Happening::StepWaiting { step: step(), wait_for: "signal approved".to_owned(), until: later },
        Happening::StepResumed { step: step() },
        Happening::WorkflowSignalRefused {
            signal: name("approved"),
            error: StepError::new(StepError::INVALID_SIGNAL, "it has no `by`").final_(),
        },
        Happening::WorkflowUpdated { update: name("raise_limit"), id: "u-1".to_owned() },
        Happening::StepExpanded { step: step(), attempt, steps: 3 },
        Happening::WorkflowRetried {
            attempt: 1,
            error: declined(),
            step: Some(step()),
            next_at: at("2026-01-01T00:00:05Z"),
        },
        Happening::WorkflowPending { wait_for: "~limit:order:acme".to_owned(), until: None },
        Happening::WorkflowAdmitted,
        Happening::WorkflowCancelling { reason: Some("not today".to_owned()), until: at("2026-01-01T00:00:30Z") },
        Happening::WorkflowRolledBack { duration, error: Some(declined()), step: Some(step()), reason: None },
        Happening::WorkflowStuck { step: step(), error: declined() },
        Happening::SagaStarted { steps: 3 },
        Happening::SagaStepCompensated { step: step(), attempt },
        Happening::SagaStepSkipped {
            step: step(),
            reason: "it was never there".to_owned(),
            by: Some("ann".to_owned()),
        },
        Happening::SagaStuck { step: step(), error: declined() },
        Happening::SagaCompleted { duration, steps: 3 },
        Happening::SagaResolved { by: Some("ann".to_owned()), why: "refunded by hand".to_owned() },
        Happening::SagaRetried { step: step(), by: Some("ann".to_owned()), why: Some("it is mended".to_owned()) },
    ]
    .into_iter()
    .chain(of_jobs())
    .collect()
}

fn of_jobs() -> Vec<Happening> {
    let (duration, later) = (Span::from_millis(1500), at("2026-01-01T00:00:05Z"));
    let all = [
        JobEvent::Scheduled { until: later },
        JobEvent::Enqueued,
        JobEvent::Started { worker: Some("worker-1".to_owned()) },
        JobEvent::Completed { duration },
        JobEvent::Failed { error: StepError::new("Busy", "try later"), next_at: Some(later) },
        JobEvent::Dead { error: declined(), duration },
        JobEvent::Cancelled { reason: Some("not today".to_owned()), duration },
    ];
    let job = |what| JobHappening { activity: "mails.send".parse().unwrap(), queue: name("low"), attempt: 2, what };
    all.map(|what| Happening::Job(job(what))).into()
}

/// The file of each; a kind that is new does not compile until it has one.
fn file(happening: &Happening) -> &'static str {
    match happening {
        Happening::WorkflowStarted { .. } => "workflow.started",
        Happening::WorkflowCompleted { .. } => "workflow.completed",
        Happening::WorkflowFailed { .. } => "workflow.failed",
        Happening::WorkflowCancelled { .. } => "workflow.cancelled",
        Happening::WorkflowTimedOut { .. } => "workflow.timed_out",
        Happening::WorkflowStartRefused { .. } => "workflow.start_refused",
        Happening::WorkflowParked { .. } => "workflow.parked",
        Happening::WorkflowPaused { .. } => "workflow.paused",
        Happening::WorkflowCancelling { .. } => "workflow.cancelling",
        Happening::WorkflowResumed => "workflow.resumed",
        Happening::StepScheduled { .. } => "step.scheduled",
        Happening::StepStarted { .. } => "step.started",
        Happening::StepCompleted { .. } => "step.completed",
        Happening::StepFailed { .. } => "step.failed",
        Happening::StepTimedOut { .. } => "step.timed_out",
        Happening::StepSkipped { .. } => "step.skipped",
        Happening::StepCancelled { .. } => "step.cancelled",
        Happening::StepWaiting { .. } => "step.waiting",
        Happening::StepResumed { .. } => "step.resumed",
        Happening::WorkflowSignalRefused { .. } => "workflow.signal_refused",
        Happening::WorkflowUpdated { .. } => "workflow.updated",
        Happening::StepExpanded { .. } => "step.expanded",
        Happening::WorkflowRetried { .. } => "workflow.retried",
        Happening::WorkflowPending { .. } => "workflow.pending",
        Happening::WorkflowAdmitted => "workflow.admitted",
        Happening::WorkflowRolledBack { .. } => "workflow.rolled_back",
        Happening::WorkflowStuck { .. } => "workflow.stuck",
        Happening::SagaStarted { .. } => "saga.started",
        Happening::SagaStepCompensated { .. } => "saga.step_compensated",
        Happening::SagaStepSkipped { .. } => "saga.step_skipped",
        Happening::SagaStuck { .. } => "saga.stuck",
        Happening::SagaCompleted { .. } => "saga.completed",
        Happening::SagaResolved { .. } => "saga.resolved",
        Happening::SagaRetried { .. } => "saga.retried",
        Happening::Job(job) => match job.what {
            JobEvent::Scheduled { .. } => "job.scheduled",
            JobEvent::Enqueued => "job.enqueued",
            JobEvent::Started { .. } => "job.started",
            JobEvent::Completed { .. } => "job.completed",
            JobEvent::Failed { .. } => "job.failed",
            JobEvent::Dead { .. } => "job.dead",
            JobEvent::Cancelled { .. } => "job.cancelled",
        },
    }
}

fn data(happening: Happening, refs: Refs<'_>) -> Value {
    let (workflow, execution, at) = (name("order"), id("A-100"), at("2026-01-01T00:00:02.000000001Z"));
    serde_json::from_slice(&Lifecycle { workflow, version: 3, execution, at, happening }.data(refs)).unwrap()
}

#[test]
fn every_lifecycle_event_is_written_as_recorded() {
    let refs = Refs { input: Some("RUNS_0/17"), output: Some("results/A-100") };
    for happening in every_happening() {
        let (kind, what) = happening.name();
        assert_eq!(format!("{kind}.{what}"), file(&happening));
        let file = format!("lifecycle/{}", file(&happening));
        is_recorded(&file, &json!({"type": happening.kind(), "data": data(happening, refs)}));
    }
    let mut expected: Vec<_> = every_happening().iter().map(|happening| file(happening).to_owned()).collect();
    expected.sort();
    assert_eq!(names_of("lifecycle"), expected, "every kind has its file, and every file its kind");
}

#[test]
fn what_an_event_does_not_know_is_left_out() {
    let always = ["at", "execution", "version", "workflow"];
    let keys = |happening| data(happening, Refs::default()).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(Happening::WorkflowStarted { trigger: None, parent: None }), always);
    let failed = Happening::StepFailed { step: frame("a"), attempt: 1, error: declined(), next_at: None };
    assert_eq!(keys(failed), ["at", "attempt", "error", "execution", "step", "version", "will_retry", "workflow"]);
}

#[test]
fn an_execution_is_over_with_exactly_these() {
    let ends: Vec<_> = every_happening().iter().filter(|happening| happening.ends_the_execution()).map(file).collect();
    let expected = [
        "workflow.completed",
        "workflow.failed",
        "workflow.cancelled",
        "workflow.timed_out",
        "workflow.start_refused",
        "workflow.rolled_back",
        "job.completed",
        "job.dead",
        "job.cancelled",
    ];
    assert_eq!(ends, expected);
}
