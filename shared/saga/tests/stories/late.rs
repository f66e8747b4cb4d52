//! A step of which nobody knew whether it had its effect may still succeed.

use sagaline_events::{
    SagaInput, SagaStatus, UndoStep,
    saga::{Late, UndoAction, UndoneStatus},
};
use sagaline_model::Span;
use serde_json::{Value, json};

use crate::story::{Story, action, frame, request, step, unknown};

fn default_input(path: &str, after: &[u32]) -> UndoStep {
    let input = json!({"input": 1, "outcome": "unknown", "error": {"type": "Timeout"}, "idempotency_key": "A-1/a"});
    let actions = vec![UndoAction { input, default_input: true, ..action("undo.a") }];
    unknown(UndoStep { actions, ..step(path, after) })
}

fn late(path: &str, attempt: u32) -> SagaInput {
    SagaInput::Late(Late { path: frame(path), attempt, output: Value::Null })
}

#[test]
fn before_it_is_undone_it_is_known_what_there_is_to_undo() {
    let mut story = Story::of(vec![default_input("a", &[1]), step("b", &[])]);
    story.late("a", 1).done("b");
    let input = &story.dispatched()[0].input;
    assert_eq!(
        (&input["output"], &input["outcome"], &input["error"]),
        (&json!({"id": "r-1"}), &json!("completed"), &Value::Null)
    );
    assert_eq!(input["input"], 1);
    story.done("a");
    assert_eq!(story.status(), SagaStatus::Completed);
}

#[test]
fn while_it_is_being_undone_it_is_undone_once_more_afterwards() {
    let two = UndoStep { actions: vec![action("one"), action("two")], ..unknown(step("a", &[])) };
    let mut story = Story::of(vec![two, step("b", &[0])]);
    story.done("a").late("a", 2);
    assert_eq!(story.at_work(), ["a"]);
    story.done("a");
    let task = story.dispatched()[0];
    assert_eq!((task.path.as_str(), task.attempt, task.idempotency_key.as_str()), ("a/~undo", 2, "A-1/a/~undo-late"));
    story.done("a").done("a");
    assert_eq!(story.at_work(), ["b"], "what waits for it waits for all of it");
    story.done("b");
    assert_eq!(story.status(), SagaStatus::Completed);
}

#[test]
fn after_it_was_undone_it_is_undone_once_more() {
    let mut story = Story::of(vec![unknown(step("a", &[]))]);
    story.done("a");
    assert_eq!((story.status(), story.saga.is_over()), (SagaStatus::Completed, false));
    story.passes(Span::from_secs(3600)).late("a", 1);
    assert_eq!((story.status(), story.at_work()), (SagaStatus::Running, vec!["a".to_owned()]));
    story.changes_nothing(late("a", 1));
    story.done("a");
    assert_eq!(
        story.statuses_told(),
        [SagaStatus::Running, SagaStatus::Completed, SagaStatus::Running, SagaStatus::Completed]
    );
    // Another attempt of the same step may have had its effect, too.
    story.late("a", 2);
    assert_eq!(story.dispatched()[0].idempotency_key, "A-1/a/~undo-late2");
}

#[test]
fn one_that_is_stuck_is_undone_wholly_once_somebody_helps() {
    let mut story = Story::of(vec![unknown(step("a", &[]))]);
    story.fails_for_good("a").late("a", 1);
    assert_eq!(story.status(), SagaStatus::Stuck);
    story.retry(None);
    assert_eq!(story.dispatched()[0].idempotency_key, "A-1/a/~undo-late");
    story.done("a");
    assert_eq!(story.status(), SagaStatus::Completed);
}

#[test]
fn what_was_known_before_is_undone_once() {
    let mut story = Story::of(vec![step("a", &[])]);
    story.changes_nothing(late("a", 1)).changes_nothing(late("z", 1));
}

#[test]
fn what_comes_before_the_request_is_kept_for_it() {
    let mut story = Story::unasked();
    story.late("a", 1);
    assert!(!story.saga.stands_alone() && !story.saga.is_blank(story.now));
    story.input(SagaInput::Request(request(vec![default_input("a", &[])]))).recalled(None);
    assert_eq!(story.dispatched()[0].input["outcome"], "completed");
    let mut nobody = Story::unasked();
    nobody.late("a", 1);
    assert!(nobody.saga.is_blank(nobody.now + Span::from_secs(601)), "nobody asks for it");
}

#[test]
fn it_hears_for_a_day() {
    let mut story = Story::of(vec![unknown(step("a", &[]))]);
    story.done("a").passes(Span::from_secs(23 * 3600)).late("a", 1).done("a");
    assert_eq!(story.status_of("a"), UndoneStatus::Compensated);
    assert!(story.saga.rests());
    let end = story.now + Span::from_secs(24 * 3600);
    assert_eq!(story.saga.next_timer().unwrap().0, end, "from its last end on");
    story.timer();
    assert!(story.saga.is_over());
    story.changes_nothing(late("a", 9));
}
