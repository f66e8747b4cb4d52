//! Every type of input.

use std::collections::BTreeMap;

use sagaline_events::{
    EntityKey, EntityWord, Input, InputError, Parent, Says, Start, TimerKind, TimerName,
    input::{
        Approval, Bound, Cancel, ChildEnded, ChildUnknown, FILLER, INPUT_TYPES, OWNER_MARK, OnLate, ParentAsks,
        ParentGone, Pause, Recalled, Refused, Resume, ScheduleAsks, Scheduled, Signal, StepAwaits, StepExpanded,
        StepFailed, StepSkipped, StepSnoozed, StepStarted, StepSucceeded, TaskDiscarded, Update,
    },
    record::Status,
};
use sagaline_model::{JobSpec, Span, StepError};
use serde_json::{Value, json};

use crate::file::{at, declined, frame, id, is_recorded, name, names_of};

fn every_input() -> Vec<Input> {
    let path = || frame("pay/charge");
    let worker = || Some("worker-1".to_owned());
    let error = StepError::new(StepError::UNKNOWN_WORKFLOW, "there is no workflow `order`");
    vec![
        Input::Start(Start {
            version: Some(3),
            input: json!({"order_id": "A-100", "total": 59.9}),
            trigger: Some(
                json!({"specversion": "1.0", "id": "event-1", "type": "order.created", "data": {"total": 59.9}}),
            ),
            tags: BTreeMap::from([("region".to_owned(), "eu".to_owned())]),
            ..Start::of(name("order"))
        }),
        Input::Bound(Bound { version: 3 }),
        Input::Refused(Refused { error }),
        Input::StepStarted(StepStarted { path: path(), attempt: 1, worker: worker() }),
        Input::StepSucceeded(StepSucceeded {
            path: path(),
            attempt: 2,
            output: json!({"id": "p-1"}),
            worker: worker(),
            claimed: false,
        }),
        Input::StepFailed(StepFailed { path: path(), attempt: 2, error: declined(), worker: worker() }),
        Input::StepSkipped(StepSkipped {
            path: path(),
            attempt: 1,
            reason: "nothing to pay".to_owned(),
            worker: worker(),
        }),
        Input::StepSnoozed(StepSnoozed {
            path: path(),
            attempt: 2,
            delay: Span::from_secs(300),
            reason: "the bank is closed".to_owned(),
            worker: worker(),
            late: false,
        }),
        Input::TaskDiscarded(TaskDiscarded { path: frame("review:2"), attempt: 1 }),
        Input::Signal(Signal { name: name("approved"), data: json!({"by": "ada"}) }),
        Input::Timer(TimerName::of_frame(TimerKind::Retry, &path(), 2)),
        Input::Cancel(Cancel::at_once(Some("not today".to_owned()))),
        Input::Pause(Pause { reason: Some("maintenance".to_owned()) }),
        Input::Resume(Resume { context: json!({"approved": true}).as_object().cloned().unwrap_or_default() }),
        Input::ChildEnded(ChildEnded {
            path: path(),
            child: id("A-100-charge-0"),
            status: Status::Failed,
            output: Value::Null,
            error: Some(declined()),
            reason: None,
            undo: vec![],
        }),
        Input::ChildUnknown(ChildUnknown { path: path(), child: id("A-100-charge-0") }),
        Input::ParentAsks(ParentAsks { parent: parent() }),
        Input::ParentGone(ParentGone {
            parent: parent(),
            reason: Some("its parent is over".to_owned()),
            rollback: false,
        }),
        Input::Approval(Approval {
            step: frame("pay/review"),
            by: Some("ann".to_owned()),
            approved: true,
            data: json!({"limit": 5}),
            id: Some("a-1".to_owned()),
        }),
        Input::StepAwaits(StepAwaits {
            path: path(),
            attempt: 1,
            approvers: vec!["ann".to_owned()],
            timeout: Some(Span::from_secs(86_400)),
            on_timeout: OnLate::Skip,
            worker: worker(),
        }),
        Input::Update(Update { name: name("raise_limit"), id: "u-1".to_owned(), data: json!({"by": 5}) }),
        Input::StepExpanded(StepExpanded {
            path: path(),
            attempt: 1,
            steps: json!([
                {
                    "name": "resize_1",
                    "kind": { "step": { "activity": "images.resize", "queue": "images", "input": { "image": "a.png" } } },
                },
                {
                    "name": "store_1",
                    "after": ["resize_1"],
                    "on_error": "continue",
                    "kind": { "step": { "activity": "images.store", "input": "${ steps.resize_1.output.url }" } },
                },
            ]),
            worker: worker(),
        }),
        Input::Recalled(Recalled {
            ended: Some(ChildEnded {
                path: path(),
                child: id("A-100-charge-0"),
                status: Status::Completed,
                output: json!({"id": "p-1"}),
                error: None,
                reason: None,
                undo: vec![],
            }),
            there: false,
        }),
        Input::Entity(EntityWord {
            entity: EntityKey::breaker(&name("payments")),
            since: at("2026-01-01T00:00:02.000000001Z"),
            path: Some(path()),
            attempt: 2,
            says: Says::Delayed { until: at("2026-01-01T00:00:32.000000001Z") },
        }),
        Input::SagaNews(crate::sagas::news()),
        Input::ScheduleAsks(ScheduleAsks { schedule: name("nightly") }),
    ]
}

fn parent() -> Parent {
    Parent { execution: id("A-100"), path: frame("pay/charge"), waits: true }
}

/// A child's start, beside that of anybody else.
#[test]
fn a_start_may_name_a_parent_and_a_queue() {
    let start = Start { parent: Some(parent()), queue: Some(name("slow")), again: true, ..Start::of(name("charge")) };
    let json: Value = serde_json::to_value(&start).unwrap();
    assert_eq!(serde_json::from_value::<Start>(is_recorded("start_of_a_child", &json)).unwrap(), start);
    assert_eq!(json["parent"], json!({"execution": "A-100", "path": "pay/charge"}));
}

/// One that a schedule started.
#[test]
fn a_start_may_name_a_schedule() {
    let schedule = Scheduled { by: name("nightly"), tick: at("2026-11-21T06:00:00Z"), tell: true };
    let start = Start { schedule: Some(Box::new(schedule)), ..Start::of(name("report")) };
    let json: Value = serde_json::to_value(&start).unwrap();
    assert_eq!(serde_json::from_value::<Start>(is_recorded("start_of_a_schedule", &json)).unwrap(), start);
    let recalled = Recalled { ended: None, there: true };
    assert_eq!(serde_json::to_value(&recalled).unwrap(), json!({"there": true}));
}

#[test]
fn a_start_may_be_that_of_a_job_and_begin_later() {
    let metadata = json!({"tenant": "acme"}).as_object().cloned().unwrap();
    let job = JobSpec {
        queue: name("low"),
        timeout: Some(Span::from_secs(60)),
        heartbeat: Some(Span::from_secs(10)),
        deadline: Some(at("2026-01-01T12:00:00Z")),
        retention: Some(Span::from_secs(86_400)),
        metadata,
        ..JobSpec::of("mails.send".parse().unwrap())
    };
    let start = Start {
        version: Some(0),
        input: json!({"to": "ann@example.org"}),
        begin_at: Some(at("2026-01-01T06:00:00Z")),
        job: Some(Box::new(job.clone())),
        ..Start::of(job.workflow())
    };
    let json: Value = serde_json::to_value(&start).unwrap();
    assert_eq!(serde_json::from_value::<Start>(is_recorded("start_of_a_job", &json)).unwrap(), start);
    // Little of it must be there.
    let least = json!({"workflow": "mails-send", "job": {"activity": "mails.send"}});
    let job = Some(Box::new(JobSpec::of("mails.send".parse().unwrap())));
    assert_eq!(serde_json::from_value::<Start>(least).unwrap(), Start { job, ..Start::of(name("mails-send")) });
}

/// What a cancel may say besides its reason came later.
#[test]
fn a_cancel_may_let_those_at_work_tidy_up() {
    let cancel = Cancel { reason: None, cleanup: true, grace: Some(Span::from_secs(30)), rollback: false };
    let json = serde_json::to_value(&cancel).unwrap();
    assert_eq!(serde_json::from_value::<Cancel>(is_recorded("cancel_with_cleanup", &json)).unwrap(), cancel);
}

#[test]
fn every_input_is_written_and_read_as_recorded() {
    let inputs = every_input();
    let kinds: Vec<_> = inputs.iter().map(Input::kind).collect();
    assert_eq!(kinds, INPUT_TYPES, "every type of input has a golden file");
    for input in &inputs {
        let data: Value = serde_json::from_slice(&input.data()).unwrap();
        let recorded = is_recorded(&format!("inputs/{}", input.kind()), &json!({"type": input.kind(), "data": data}));
        let (kind, data) = (recorded["type"].as_str().unwrap(), recorded["data"].to_string());
        assert_eq!(&Input::read(kind, data.as_bytes()).unwrap(), input);
    }
    let mut expected: Vec<_> = INPUT_TYPES.iter().map(|kind| (*kind).to_owned()).collect();
    expected.sort();
    assert_eq!(names_of("inputs"), expected, "a type that was recorded once is read for ever");
}

/// What a person types with `nats pub` is enough.
#[test]
fn an_input_may_leave_out_what_it_does_not_need() {
    let read = |kind: &str, data: &str| Input::read(&format!("sagaline.input.{kind}.v1"), data.as_bytes()).unwrap();
    let start = Start::of(name("order"));
    assert_eq!(read("start", r#"{"workflow":"order"}"#), Input::Start(start));
    assert_eq!(read("signal", r#"{"name":"go"}"#), Input::Signal(Signal { name: name("go"), data: Value::Null }));
    assert_eq!(read("cancel", ""), Input::Cancel(Cancel::at_once(None)));
    let done = StepSucceeded { path: frame("a"), attempt: 1, output: Value::Null, worker: None, claimed: false };
    assert_eq!(read("step_succeeded", r#"{"path":"a","attempt":1}"#), Input::StepSucceeded(done));
    let approval = Approval { step: frame("a"), by: None, approved: true, data: Value::Null, id: None };
    assert_eq!(read("approval", r#"{"step":"a"}"#), Input::Approval(approval));
    let error = StepError::new("Busy", "try later");
    let failed = StepFailed { path: frame("a"), attempt: 1, error, worker: None };
    let json = r#"{"path":"a","attempt":1,"error":{"type":"Busy","message":"try later"}}"#;
    assert_eq!(read("step_failed", json), Input::StepFailed(failed));
}

/// A field that a later version adds is no reason to refuse the rest.
#[test]
fn an_input_may_have_more_than_is_known() {
    let json = br#"{"name":"go","data":1,"from":"a later version"}"#;
    let expected = Input::Signal(Signal { name: name("go"), data: json!(1) });
    assert_eq!(Input::read("sagaline.input.signal.v1", json).unwrap(), expected);
}

#[test]
fn every_timer_has_a_name_of_its_own() {
    let kinds = [
        TimerKind::WorkflowTimeout,
        TimerKind::StepTimeout,
        TimerKind::Retry,
        TimerKind::Wait,
        TimerKind::AwaitTimeout,
        TimerKind::ScheduleTimeout,
        TimerKind::TotalTimeout,
        TimerKind::Snooze,
        TimerKind::ChildTimeout,
        TimerKind::ChildLook,
        TimerKind::WorkflowRetry,
        TimerKind::AskAgain,
        TimerKind::Cleanup,
        TimerKind::Settle,
        TimerKind::SagaLook,
        TimerKind::Forget,
        TimerKind::Begin,
    ];
    let timers: Vec<_> = kinds
        .map(|kind| match kind {
            TimerKind::WorkflowTimeout
            | TimerKind::WorkflowRetry
            | TimerKind::Cleanup
            | TimerKind::Settle
            | TimerKind::SagaLook
            | TimerKind::Forget
            | TimerKind::Begin => TimerName::of_execution(kind),
            TimerKind::StepTimeout
            | TimerKind::Retry
            | TimerKind::ScheduleTimeout
            | TimerKind::TotalTimeout
            | TimerKind::Snooze
            | TimerKind::ChildLook
            | TimerKind::AskAgain => TimerName::of_frame(kind, &frame("a"), 1),
            TimerKind::Wait | TimerKind::AwaitTimeout | TimerKind::ChildTimeout => {
                TimerName::of_frame(kind, &frame("a/b"), 0)
            }
        })
        .into();
    crate::file::is_promised("timers", &timers);
}

#[test]
fn what_is_no_input_is_told_apart() {
    let unknown = Input::read("sagaline.input.pause.v9", b"{}").expect_err("an unknown type");
    assert_eq!(unknown.to_string(), "`sagaline.input.pause.v9` is not a type of input; docs/protocol.md lists them");
    for mark in [OWNER_MARK, FILLER] {
        assert!(matches!(Input::read(mark, b"{}"), Err(InputError::UnknownType(_))), "{mark}");
    }
    let bad = Input::read("sagaline.input.signal.v1", b"{").expect_err("no JSON");
    assert_eq!(bad.to_string(), "the data of a `sagaline.input.signal.v1` cannot be read");
}
