//! Sagas: what is asked of them, what they tell, and how people see them.

use std::collections::BTreeSet;

use sagaline_events::{
    Input, SagaInput, SagaNews, SagaRequest, SagaStatus, UndoStep,
    ask::{Answer, Ask},
    input::{Cancel, ChildEnded, ParentGone, StepSucceeded},
    record::Status,
    saga::{
        Intervention, InterventionKind, Late, SAGA_INPUT_TYPES, SagaAsked, SagaCause, SagaPage, SagaRecalled,
        SagaResolve, SagaRetry, SagaSkip, SagaView, UndoAction, UndoOutcome, UndoneStatus, UndoneView,
    },
};
use sagaline_model::{ActivityName, Compensation, Span, StepError};
use serde_json::{Value, json};

use crate::file::{at, declined, frame, id, is_promised, name};

fn ann() -> Option<String> {
    Some("ann".to_owned())
}

fn cause() -> SagaCause {
    SagaCause { status: Status::Failed, error: Some(declined()), step: Some(frame("pay/charge")), reason: None }
}

fn action(activity: &str, input: Value) -> UndoAction {
    UndoAction {
        activity: ActivityName::new(activity).unwrap(),
        queue: name("default"),
        input,
        timeout: Some(Span::from_secs(30)),
        retry: Compensation::patience(),
        allow_skip: true,
        metadata: json!({"team": "stock"}),
        fault: Some(StepError::new(StepError::EXPRESSION, "there is no `x`").final_()),
        default_input: true,
    }
}

fn steps() -> Vec<UndoStep> {
    let reserve = UndoStep {
        path: frame("reserve"),
        execution: None,
        after: vec![1],
        outcome: UndoOutcome::Completed,
        actions: vec![action("stock.release", json!({"id": "r-1"}))],
    };
    let child = UndoStep {
        path: frame("ship/pack"),
        execution: Some(id("A-100-ship-0")),
        after: vec![],
        outcome: UndoOutcome::Unknown,
        actions: vec![action("boxes.unpack", Value::Null), action("boxes.return", Value::Null)],
    };
    vec![reserve, child, UndoStep { path: frame("ship"), after: vec![0, 1], actions: vec![], ..steps_of_none() }]
}

fn steps_of_none() -> UndoStep {
    UndoStep { path: frame("a"), execution: None, after: vec![], outcome: UndoOutcome::Failed, actions: vec![] }
}

pub(crate) fn news() -> SagaNews {
    SagaNews {
        status: Some(SagaStatus::Stuck),
        stuck: vec![(frame("reserve"), declined())],
        compensated: vec![frame("ship/pack")],
        skipped: vec![frame("ship")],
        by: None,
        why: None,
    }
}

fn every_input() -> Vec<SagaInput> {
    let (workflow, origin, began) = (name("order"), Some(id("A-099")), at("2026-01-01T00:00:00Z"));
    vec![
        SagaInput::Request(SagaRequest { workflow, version: 3, cause: cause(), steps: steps(), origin, began }),
        SagaInput::Late(Late { path: frame("reserve"), attempt: 2, output: json!({"id": "r-2"}) }),
        SagaInput::Asked(SagaAsked { began: Some(began) }),
        SagaInput::Retry(SagaRetry {
            step: Some(frame("reserve")),
            input: Some(json!({"id": "r-1"})),
            by: ann(),
            why: Some("it is mended".to_owned()),
        }),
        SagaInput::Skip(SagaSkip { step: frame("reserve"), by: ann(), why: Some("it was never there".to_owned()) }),
        SagaInput::Resolve(SagaResolve { by: ann(), why: "refunded by hand".to_owned() }),
        SagaInput::Recalled(SagaRecalled { since: at("2026-01-01T00:00:02Z"), ended: Some(news()) }),
    ]
}

#[test]
fn every_input_of_a_saga_is_written_and_read_as_recorded() {
    let mut kinds = BTreeSet::new();
    for input in every_input() {
        let data: Value = serde_json::from_slice(&input.data()).unwrap();
        let short = input.kind().trim_start_matches("sagaline.input.").trim_end_matches(".v1");
        is_promised(&format!("sagas/{short}"), &data);
        assert_eq!(SagaInput::read(input.kind(), &input.data()).unwrap(), input);
        kinds.insert(input.kind());
    }
    assert_eq!(kinds, SAGA_INPUT_TYPES.iter().copied().collect(), "every kind has its file");
}

#[test]
fn a_saga_reads_what_workers_answer_and_nothing_else_of_an_execution() {
    let (path, attempt, output) = (frame("reserve").undo(1), 1, Value::Null);
    let done = Input::StepSucceeded(StepSucceeded { path, attempt, output, worker: None, claimed: false });
    assert_eq!(SagaInput::read(done.kind(), &done.data()).unwrap(), SagaInput::Task(done));
    let cancel = Input::Cancel(Cancel::at_once(None));
    assert!(SagaInput::read(cancel.kind(), &cancel.data()).is_err());
}

#[test]
fn the_path_of_what_undoes_a_step_is_told_from_every_step() {
    let (step, undo) = (frame("items/item:3/reserve"), frame("items/item:3/reserve").undo(2));
    assert_eq!(undo.as_str(), "items/item:3/reserve/~undo:2");
    assert_eq!(undo.undone(), Some((step.clone(), 2)));
    assert_eq!(step.undone(), None);
    assert_eq!(step.undo(1).undone(), Some((step, 1)));
    let read: Result<sagaline_events::FramePath, _> = "a/~undo".to_owned().try_into();
    assert_eq!(read.unwrap(), frame("a").undo(1));
    assert_eq!(frame("ship").join(&frame("pack/box:2")).as_str(), "ship/pack/box:2");
}

#[test]
fn what_people_see_of_a_saga_is_written_and_read_as_recorded() {
    let view = SagaView {
        execution: id("A-100"),
        workflow: name("order"),
        version: 3,
        status: SagaStatus::Stuck,
        cause: cause(),
        started_at: at("2026-01-01T00:00:02Z"),
        began: at("2026-01-01T00:00:00Z"),
        ended_at: None,
        steps: vec![UndoneView {
            step: frame("reserve"),
            execution: None,
            status: UndoneStatus::Stuck,
            activity: ActivityName::new("stock.release").unwrap(),
            attempt: 20,
            error: Some(declined()),
            next_at: None,
        }],
        interventions: vec![Intervention {
            at: at("2026-01-01T00:20:00Z"),
            what: InterventionKind::Retried,
            step: None,
            by: ann(),
            why: None,
        }],
    };
    is_promised("answer/saga", &Answer::Saga(Box::new(view.clone())));
    is_promised("answer/sagas", &Answer::Sagas(SagaPage { sagas: vec![view], next: Some(id("A-100")) }));
    is_promised("ask/saga", &Ask::Saga { execution: id("A-100") });
    let (workflow, after) = (Some(name("order")), Some(id("A-099")));
    is_promised("ask/sagas", &Ask::Sagas { stuck: true, workflow, after, limit: 50 });
}

#[test]
fn what_inputs_of_executions_say_about_sagas_is_written_and_read_as_recorded() {
    is_promised("sagas/cancel", &Cancel { rollback: true, ..Cancel::at_once(Some("not today".to_owned())) });
    let (path, output) = (frame("reserve"), json!({"id": "r-1"}));
    is_promised("sagas/claimed", &StepSucceeded { path, attempt: 1, output, worker: None, claimed: true });
    let parent = sagaline_events::Parent { execution: id("A-100"), path: frame("ship"), waits: true };
    is_promised("sagas/parent_gone", &ParentGone { parent, reason: None, rollback: true });
    let ended = ChildEnded {
        path: frame("ship"),
        child: id("A-100-ship-0"),
        status: Status::Completed,
        output: Value::Null,
        error: None,
        reason: None,
        undo: steps(),
    };
    is_promised("sagas/child_ended", &ended);
}
