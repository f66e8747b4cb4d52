//! Each step is undone after everything that came after it.

use sagaline_events::{Happening, SagaStatus, UndoStep};
use sagaline_saga::AT_WORK_MAX;

use crate::story::{Story, action, frame, joint, step};

#[test]
fn a_chain_is_undone_strictly_backwards() {
    let mut story = Story::of(vec![step("a", &[1]), step("b", &[2]), step("c", &[])]);
    for (now, left) in [("c", vec!["b"]), ("b", vec!["a"]), ("a", vec![])] {
        assert_eq!(story.at_work(), [now]);
        story.done(now);
        assert_eq!(story.at_work(), left);
    }
    assert_eq!(story.status(), SagaStatus::Completed);
    assert_eq!(story.last_news().compensated, ["a", "b", "c"].map(frame));
    assert!(matches!(story.happened()[1], Happening::SagaCompleted { steps: 3, .. }));
}

#[test]
fn what_is_independent_is_undone_in_parallel() {
    let mut story = Story::of(vec![step("a", &[1, 2]), step("b", &[]), step("c", &[])]);
    assert_eq!(story.at_work(), ["b", "c"]);
    story.done("c");
    assert_eq!(story.at_work(), ["b"]);
    story.done("b");
    assert_eq!(story.at_work(), ["a"]);
}

#[test]
fn what_only_holds_others_together_is_passed_through() {
    let joint = joint("items", &[0, 1]);
    let mut story = Story::of(vec![step("x", &[]), step("y", &[]), joint, step("a", &[2]), step("b", &[2])]);
    assert_eq!(story.at_work(), ["x", "y"]);
    story.done("x").done("y");
    assert_eq!(story.at_work(), ["a", "b"]);
    story.done("a").done("b");
    assert_eq!(story.last_news().compensated.len(), 4);
}

#[test]
fn the_actions_of_a_step_come_one_after_the_other() {
    let two = UndoStep { actions: vec![action("one"), action("two")], ..step("a", &[]) };
    let mut story = Story::of(vec![two, step("b", &[0])]);
    story.fails("a").timer().done("a");
    assert_eq!(story.dispatched()[0].path, frame("a").undo(2));
    assert_eq!(story.dispatched()[0].idempotency_key, "A-1/a/~undo:2");
    assert_eq!(story.at_work(), ["a"]);
    story.done("a");
    assert_eq!(story.happened(), [&Happening::SagaStepCompensated { step: frame("a"), attempt: 1 }]);
    assert_eq!(story.at_work(), ["b"]);
}

#[test]
fn no_more_than_a_hundred_are_undone_at_a_time() {
    let mut steps: Vec<UndoStep> = (0..250).map(|number| step(&format!("s{number}"), &[])).collect();
    // One that only holds others together waits for none of those that do not fit.
    steps.push(joint("j", &[0]));
    steps.push(step("last", &[250]));
    let mut story = Story::of(steps);
    let mut done = 0;
    while let Some(next) = story.at_work().first().cloned() {
        assert!(story.at_work().len() <= AT_WORK_MAX);
        story.done(&next);
        done += 1;
    }
    assert_eq!((done, story.status()), (251, SagaStatus::Completed));
}

#[test]
fn a_step_of_a_child_is_undone_under_the_child_s_key() {
    let child = sagaline_model::ExecutionId::new("A-1-ship-0").unwrap();
    let story = Story::of(vec![UndoStep { execution: Some(child), ..step("ship/pack", &[]) }]);
    assert_eq!(story.dispatched()[0].idempotency_key, "A-1-ship-0/ship/pack/~undo");
}
