//! What people can do about a saga that is stuck.

use sagaline_events::{
    Happening, SagaInput, SagaStatus, UndoStep,
    saga::{InterventionKind, SagaResolve, SagaRetry, UndoAction, UndoneStatus},
};
use sagaline_model::StepError;
use sagaline_saga::Effect;
use serde_json::json;

use crate::story::{Story, action, frame, step};

fn stuck() -> Story {
    let mut story = Story::of(vec![step("a", &[1]), step("b", &[]), step("c", &[])]);
    story.fails_for_good("b").fails_for_good("c");
    assert_eq!((story.status(), story.at_work().len()), (SagaStatus::Stuck, 0));
    story
}

#[test]
fn all_that_is_stuck_is_tried_again_and_its_attempts_are_counted_on() {
    let mut story = stuck();
    story.retry(None);
    assert_eq!(story.at_work(), ["b", "c"]);
    assert!(story.dispatched().iter().all(|task| task.attempt == 2));
    assert_eq!(story.last_news().status, Some(SagaStatus::Running));
    assert_eq!(story.happened().len(), 2);
    // The policy begins anew.
    story.fails("b").timer().fails("b").timer().done("b").done("c").done("a");
    assert_eq!(story.status(), SagaStatus::Completed);
    assert_eq!(story.saga.view().unwrap().interventions[0].what, InterventionKind::Retried);
}

#[test]
fn one_of_them_is_tried_again_with_another_input() {
    let mut story = stuck();
    let (step, input) = (Some(frame("b")), Some(json!({"id": "r-2"})));
    story.input(SagaInput::Retry(SagaRetry { step, input, by: Some("ann".into()), why: None }));
    assert_eq!((story.at_work(), &story.dispatched()[0].input), (vec!["b".to_owned()], &json!({"id": "r-2"})));
    assert_eq!(story.status_of("c"), UndoneStatus::Stuck);
}

#[test]
fn an_input_for_nobody_in_particular_is_rejected() {
    let mut story = stuck();
    story.input(SagaInput::Retry(SagaRetry { input: Some(json!(1)), ..SagaRetry::default() }));
    assert!(matches!(story.effects[..], [Effect::Reject { reason: "bad_retry", .. }]));
}

#[test]
fn an_input_that_is_brought_mends_one_that_could_not_be_computed() {
    let fault = Some(StepError::new(StepError::EXPRESSION, "there is no `x`").final_());
    let faulty = UndoAction { fault, ..action("undo.a") };
    let mut story = Story::of(vec![UndoStep { actions: vec![faulty], ..step("a", &[]) }]);
    let (step, input) = (Some(frame("a")), Some(json!("r-1")));
    story.input(SagaInput::Retry(SagaRetry { step, input, ..SagaRetry::default() })).done("a");
    assert_eq!(story.status(), SagaStatus::Completed);
}

#[test]
fn what_is_skipped_need_not_be_undone_and_the_others_go_on() {
    let mut story = stuck();
    story.skip("b");
    let told = Happening::SagaStepSkipped { step: frame("b"), reason: "by hand".into(), by: Some("ann".into()) };
    assert_eq!(story.happened()[0], &told);
    assert_eq!(story.at_work(), ["a"]);
    story.done("a").skip("c");
    assert_eq!((story.status(), &story.last_news().skipped), (SagaStatus::Completed, &vec![frame("b"), frame("c")]));
}

#[test]
fn what_does_not_fit_the_moment_changes_nothing() {
    let mut story = Story::of(vec![step("a", &[])]);
    story.changes_nothing(SagaInput::Retry(SagaRetry::default()));
    story.changes_nothing(SagaInput::Retry(SagaRetry { step: Some(frame("z")), ..SagaRetry::default() }));
    story.skip("a");
    assert_eq!(story.at_work(), ["a"], "it is at work, not stuck");
}

#[test]
fn a_saga_that_is_resolved_is_over_and_takes_back_what_is_at_work() {
    let mut story = Story::of(vec![step("a", &[1]), step("b", &[]), step("c", &[])]);
    story.done("c").fails("b").timer();
    let resolve = SagaResolve { by: Some("ann".into()), why: "refunded by hand".into() };
    story.input(SagaInput::Resolve(resolve.clone()));
    assert!(matches!(&story.effects[0], Effect::Revoke { attempt: 2, .. }));
    assert!(matches!(story.happened()[..], [Happening::SagaResolved { .. }]));
    let news = story.last_news();
    assert_eq!((news.status, news.why.as_deref()), (Some(SagaStatus::Resolved), Some("refunded by hand")));
    assert_eq!(news.compensated, [frame("c")]);
    assert!(story.saga.is_over());
    story.changes_nothing(SagaInput::Resolve(resolve));
    let record = story.saga.view().unwrap();
    assert_eq!(sagaline_events::SagaNews::of(&record), *story.last_news(), "its record says the same");
}

#[test]
fn one_that_is_set_aside_is_stuck_until_somebody_resolves_it() {
    let story = stuck();
    let view = story.saga.overview().unwrap();
    let saga = sagaline_saga::Saga::set_aside(view.execution.clone(), view, "a defect".into(), story.now);
    let mut story = Story { saga, ..story };
    assert!(story.saga.is_stuck() && story.saga.rests());
    story.asked();
    assert_eq!(story.last_news().status, Some(SagaStatus::Stuck));
    story.changes_nothing(SagaInput::Retry(SagaRetry::default()));
    story.input(SagaInput::Resolve(SagaResolve { by: None, why: "by hand".into() }));
    assert_eq!((story.status(), story.last_news().status), (SagaStatus::Resolved, Some(SagaStatus::Resolved)));
}
