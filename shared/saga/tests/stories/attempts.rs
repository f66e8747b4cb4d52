//! Attempts fail, are too early, take too long, and may come to an end without success.

use sagaline_events::{
    Happening, Input, SagaStatus, TimerKind, UndoStep,
    input::{StepExpanded, StepSucceeded},
    saga::{UndoAction, UndoneStatus},
};
use sagaline_model::{Span, StepError};
use sagaline_saga::Effect;
use serde_json::Value;

use crate::story::{Story, action, frame, step};

fn patient(allow_skip: bool) -> UndoStep {
    let action = UndoAction { allow_skip, timeout: Some(Span::from_secs(5)), ..action("undo.a") };
    UndoStep { actions: vec![action], ..step("a", &[]) }
}

#[test]
fn a_failure_is_tried_again_after_its_delay() {
    let mut story = Story::of(vec![step("a", &[])]);
    story.fails("a");
    assert_eq!(story.status_of("a"), UndoneStatus::BackingOff);
    assert_eq!(story.saga.next_timer().unwrap().0, story.now + Span::from_secs(1));
    story.timer_of(TimerKind::Retry, "a", 1);
    assert_eq!(story.at_work(), [""; 0], "it is not due yet");
    story.timer();
    assert_eq!((story.dispatched()[0].attempt, story.at_work()), (2, vec!["a".to_owned()]));
    story.done("a");
    assert_eq!(story.status(), SagaStatus::Completed);
}

#[test]
fn an_answer_of_an_old_attempt_changes_nothing() {
    let mut story = Story::of(vec![step("a", &[])]);
    story.fails("a").timer();
    let (path, attempt) = (frame("a").undo(1), 1);
    let done = StepSucceeded { path, attempt, output: Value::Null, worker: None, claimed: false };
    story.changes_nothing(sagaline_events::SagaInput::Task(Input::StepSucceeded(done)));
}

#[test]
fn without_an_attempt_left_it_is_stuck_and_what_does_not_depend_on_it_goes_on() {
    let mut story = Story::of(vec![step("a", &[1]), step("b", &[]), step("c", &[3]), step("d", &[])]);
    story.fails("b").timer().fails("b").timer().fails("b");
    assert!(matches!(story.happened()[..], [Happening::SagaStuck { .. }]));
    assert_eq!((story.status_of("b"), story.status()), (UndoneStatus::Stuck, SagaStatus::Running));
    story.done("d").done("c");
    assert_eq!((story.status(), story.status_of("a")), (SagaStatus::Stuck, UndoneStatus::Pending));
    assert_eq!(story.last_news().stuck[0].0, frame("b"));
    assert_eq!(story.saga.next_timer(), None, "it is never tried again by itself");
    assert!(story.saga.rests());
}

#[test]
fn what_may_be_passed_by_is() {
    let mut story = Story::of(vec![patient(true), step("b", &[0])]);
    story.fails_for_good("a");
    let reason = "there is no such thing".to_owned();
    assert_eq!(story.happened(), [&Happening::SagaStepSkipped { step: frame("a"), reason, by: None }]);
    assert_eq!((story.status_of("a"), story.at_work()), (UndoneStatus::Skipped, vec!["b".to_owned()]));
    story.done("b");
    assert_eq!((story.status(), &story.last_news().skipped), (SagaStatus::Completed, &vec![frame("a")]));
}

#[test]
fn nothing_to_undo_is_as_good_as_undone() {
    let mut story = Story::of(vec![step("a", &[])]);
    story.has_nothing_to_do("a");
    assert_eq!((story.status_of("a"), story.status()), (UndoneStatus::Compensated, SagaStatus::Completed));
}

#[test]
fn an_attempt_that_runs_too_long_is_taken_back_and_has_failed() {
    let mut story = Story::of(vec![patient(false)]);
    assert_eq!(story.saga.next_timer(), None, "it has not begun");
    story.starts("a").passes(Span::from_secs(3)).starts("a");
    assert_eq!(story.status_of("a"), UndoneStatus::Running);
    story.timer();
    assert!(matches!(&story.effects[..], [Effect::Revoke { attempt: 1, .. }]), "{:?}", story.effects);
    assert_eq!(story.status_of("a"), UndoneStatus::BackingOff);
    assert_eq!(story.saga.view().unwrap().steps[0].error.as_ref().unwrap().kind, StepError::TIMEOUT);
}

#[test]
fn too_early_is_no_failure() {
    let mut story = Story::of(vec![step("a", &[])]);
    for _ in 0..5 {
        story.snoozes("a", Span::from_secs(60)).timer();
    }
    assert_eq!(story.dispatched()[0].attempt, 6);
    story.fails("a").timer().fails("a").timer().done("a");
    assert_eq!(story.status(), SagaStatus::Completed);
}

#[test]
fn a_snooze_of_no_time_is_not_asked_again_at_once() {
    let mut story = Story::of(vec![step("a", &[])]);
    story.snoozes("a", Span::ZERO);
    assert!(story.now < story.saga.next_timer().unwrap().0);
}

#[test]
fn a_task_that_an_operator_removes_and_answers_that_make_no_sense_end_it() {
    let mut story = Story::of(vec![step("a", &[]), step("b", &[])]);
    story.discarded("a");
    let (path, attempt) = (frame("b").undo(1), 1);
    story.answer(Input::StepExpanded(StepExpanded { path, attempt, steps: Value::Null, worker: None }));
    assert_eq!(story.status(), SagaStatus::Stuck);
    let view = story.saga.view().unwrap();
    let errors: Vec<_> = view.steps.iter().map(|step| step.error.clone().unwrap()).collect();
    assert_eq!(errors[0].kind, StepError::DISCARDED);
    assert!(errors[1].message.contains("cannot return further steps"), "{}", errors[1].message);
}

#[test]
fn an_input_that_could_not_be_computed_is_stuck_before_its_first_attempt() {
    let fault = Some(StepError::new(StepError::EXPRESSION, "there is no `x`").final_());
    let faulty = UndoAction { fault, ..action("undo.a") };
    let mut story = Story::of(vec![UndoStep { actions: vec![faulty], ..step("a", &[]) }]);
    assert_eq!((story.dispatched().len(), story.status()), (0, SagaStatus::Stuck));
    story.retry(None);
    assert_eq!((story.dispatched().len(), story.status()), (0, SagaStatus::Stuck), "nothing was mended");
}

#[test]
fn an_error_that_is_very_long_is_kept_in_part() {
    let mut story = Story::of(vec![step("a", &[])]);
    let mut error = StepError::new("Big", "x".repeat(100_000)).final_();
    error.details = Some(serde_json::json!("y".repeat(100_000)));
    story.fails_with("a", error);
    assert!(story.saga.to_snapshot().len() < 10_000);
}
