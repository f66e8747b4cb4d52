//! What is kept of an execution.

use std::collections::BTreeMap;

use sagaline_events::record::{Definition, ExecutionView, Latest, Status, StepStatus, StepView};
use sagaline_events::{
    DeadLetter,
    input::{DoneStep, Resumption},
    job::{JobStatus, JobView},
    progress::Progress,
};
use sagaline_model::{Plan, StepError};
use serde_json::json;

use crate::file::{at, declined, id, is_promised, name};

pub(crate) fn view() -> ExecutionView {
    let step = |step: &str, status, attempt, error: Option<StepError>, reason: Option<&str>| {
        let (step, reason) = (step.to_owned(), reason.map(str::to_owned));
        StepView { step, status, attempt, error, reason, items: None, child: None, inside: vec![] }
    };
    ExecutionView {
        execution: id("A-100"),
        workflow: name("order"),
        version: 3,
        status: Status::Failed,
        started_at: at("2026-01-01T00:00:00Z"),
        ended_at: Some(at("2026-01-01T00:00:02.000000001Z")),
        output: json!({"partial": true}),
        error: Some(declined()),
        failed_step: Some("pay/charge".to_owned()),
        reason: Some("not today".to_owned()),
        tags: BTreeMap::from([("region".to_owned(), "eu".to_owned())]),
        steps: vec![
            step("validate", StepStatus::Completed, 1, None, None),
            step("notify", StepStatus::Skipped, 0, None, Some("its condition does not hold")),
            step("pay/charge", StepStatus::Failed, 2, Some(declined()), None),
            step("ship", StepStatus::Pending, 0, None, None),
        ],
        parent: None,
        queries: BTreeMap::new(),
        attempt: None,
        replies: Default::default(),
        undo: vec![],
        begins_at: None,
        job: None,
    }
}

#[test]
fn the_view_of_an_execution_is_written_and_read_as_recorded() {
    is_promised("record", &view());
}

#[test]
fn a_dead_letter_is_written_and_read_as_recorded() {
    let output = json!({"reservation": "r-1"});
    let done = [
        (name("validate"), DoneStep::default()),
        (name("reserve"), DoneStep { output: output.clone(), skipped: false }),
        (name("notify"), DoneStep { skipped: true, ..DoneStep::default() }),
    ];
    let ctx = output.as_object().cloned().unwrap();
    let letter = DeadLetter {
        execution: id("A-100"),
        workflow: name("order"),
        version: 3,
        status: Status::Failed,
        started_at: at("2026-01-01T00:00:00Z"),
        ended_at: at("2026-01-01T00:00:02.000000001Z"),
        error: Some(declined()),
        failed_step: Some("pay/charge".to_owned()),
        attempts: Some(2),
        input: json!({"order_id": "A-100"}),
        trigger: None,
        tags: BTreeMap::from([("region".to_owned(), "eu".to_owned())]),
        resume: Resumption { of: Some(id("A-100")), done: done.into(), ctx },
        job: None,
    };
    is_promised("dead_letter", &letter);
}

/// What a plan may have is recorded with the model; this is what stands around it.
#[test]
fn a_definition_and_its_newest_version_are_written_and_read_as_recorded() {
    let step = json!({"activity": "echo", "queue": "default"});
    let plan: Plan = serde_json::from_value(
        json!({"workflow": "order", "root": {"nodes": [{"name": "a", "kind": {"step": step}}]}}),
    )
    .unwrap();
    let (workflow, version, hash) = (name("order"), 3, plan.hash());
    let source = Some("workflow: order\nsteps: { a: { activity: echo } }\n".to_owned());
    is_promised("definition", &Definition { workflow, version, hash: hash.clone(), plan, source });
    is_promised("latest", &Latest { version, hash });
}

#[test]
fn every_status_is_written_and_read_as_recorded() {
    let all = Status::ALL;
    is_promised("statuses", &all);
    for status in all {
        assert_eq!(json!(status), status.as_str());
    }
    let over: Vec<_> = all.into_iter().filter(|status| status.is_over()).collect();
    assert_eq!(over, [Status::Completed, Status::Failed, Status::Cancelled, Status::TimedOut, Status::RolledBack]);
}

/// A newer version may have more statuses: who cannot name one still shows the rest.
#[test]
fn a_status_that_is_not_known_is_read_as_such() {
    let mut newer = json!(view());
    newer["status"] = json!("dreaming");
    newer["steps"][0]["status"] = json!("yawning");
    let read: ExecutionView = serde_json::from_value(newer.clone()).unwrap();
    assert_eq!((read.status, read.steps[0].status), (Status::Unknown, StepStatus::Unknown));
    assert!(read.is_over() && read.failed_step == view().failed_step);
    newer.as_object_mut().unwrap().remove("ended_at");
    assert!(!serde_json::from_value::<ExecutionView>(newer).unwrap().is_over());
}

#[test]
fn every_status_of_a_step_is_written_and_read_as_recorded() {
    let all = [
        StepStatus::Pending,
        StepStatus::Scheduled,
        StepStatus::Running,
        StepStatus::Waiting,
        StepStatus::BackingOff,
        StepStatus::Completed,
        StepStatus::Failed,
        StepStatus::Skipped,
        StepStatus::Cancelled,
        StepStatus::TimedOut,
        StepStatus::Compensated,
    ];
    is_promised("step_statuses", &all);
    for status in all {
        assert_eq!(json!(status), status.as_str());
    }
}

#[test]
fn a_job_is_seen_and_left_behind_as_recorded() {
    let job = JobView {
        activity: "mails.send".parse().unwrap(),
        queue: name("low"),
        status: JobStatus::Retrying,
        attempt: 2,
        attempts: 4,
        next_at: Some(at("2026-01-01T00:00:05Z")),
        error: Some(declined()),
        worker: Some("worker-1".to_owned()),
        deadline: Some(at("2026-01-01T12:00:00Z")),
        retention: Some(sagaline_model::Span::from_secs(86_400)),
        metadata: json!({"tenant": "acme"}).as_object().cloned().unwrap(),
    };
    is_promised("job", &job);
    let begins_at = Some(at("2026-01-01T06:00:00Z"));
    is_promised("record_of_a_job", &ExecutionView { begins_at, job: Some(Box::new(job)), ..view() });
    for status in JobStatus::ALL {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
    assert_eq!(serde_json::from_str::<JobStatus>("\"later\"").unwrap(), JobStatus::Unknown);
}

#[test]
fn how_far_an_attempt_is_is_written_and_read_as_recorded() {
    let (at, message) = (at("2026-01-01T00:00:05Z"), Some("2 of 5 pages".to_owned()));
    is_promised("progress", &Progress { attempt: 1, at, fraction: Some(0.4), message });
}
