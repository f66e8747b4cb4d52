//! Before an execution runs: early signals and cancels, and finding the version to run on.

use sagaline_engine::{Effect, apply, state::MAILBOX_LIMIT};
use sagaline_events::{Input, Start, TimerKind, record::Status};
use serde_json::json;

use crate::{
    inputs::{bound, cancel, refused, returned, signal, start, succeeded, timer, unversioned},
    story::{Story, story},
};

fn awaiting() -> Story {
    story("s: { await: go }")
}

#[test]
fn a_signal_before_the_start_is_kept_for_ten_minutes() {
    awaiting()
        .at("0s", signal("go", json!({"n": 1})))
        .gives_nothing()
        .at("10m", start(json!(null)))
        .gives(&["workflow.started", "step.completed s#0 in 0ms", "workflow.completed in 0ms"])
        .ends_with(json!({"n": 1}));
}

#[test]
fn a_signal_long_before_the_start_is_forgotten() {
    awaiting()
        .at("0s", signal("go", json!({"n": 1})))
        .at("5m", signal("go", json!({"n": 2})))
        .at("10m1s", start(json!(null)))
        .ends_with(json!({"n": 2}));
}

#[test]
fn a_cancel_before_the_start_ends_the_execution_as_it_begins() {
    awaiting()
        .at("0s", cancel("not today"))
        .gives_nothing()
        .at("10m", start(json!(null)))
        .gives(&["workflow.started", "workflow.cancelled not today in 0ms"])
        .is(Status::Cancelled);
}

#[test]
fn a_cancel_long_before_the_start_is_forgotten() {
    awaiting().at("0s", cancel("not today")).at("10m1s", start(json!(null))).is(Status::Waiting);
}

#[test]
fn a_cancel_that_was_said_twice_is_kept_from_the_second_time_on() {
    awaiting()
        .at("0s", cancel("not today"))
        .at("9m", cancel("I said not today"))
        .at("18m", start(json!(null)))
        .gives(&["workflow.started", "workflow.cancelled not today in 0ms"]);
}

#[test]
fn too_many_early_signals_are_rejected() {
    let mut story = awaiting();
    for count in 0..MAILBOX_LIMIT {
        assert_eq!(apply(&mut story.execution, None, &signal("go", json!(count)), crate::story::BEGIN), []);
    }
    let effects = apply(&mut story.execution, None, &signal("go", json!(0)), crate::story::BEGIN);
    assert!(matches!(effects.as_slice(), [Effect::Reject { reason: "mailbox_full", .. }]), "{effects:?}");
}

#[test]
fn what_makes_no_sense_before_the_start_changes_nothing() {
    awaiting()
        .at("0s", succeeded("s", 1))
        .gives_nothing()
        .at("0s", timer(TimerKind::Wait, "s", 0))
        .gives_nothing()
        .at("0s", bound(1))
        .gives_nothing()
        .at("0s", refused("UnknownWorkflow"))
        .gives_nothing()
        .at("1s", start(json!(null)))
        .is(Status::Waiting);
}

#[test]
fn a_start_without_a_version_runs_on_the_one_that_is_bound() {
    let begun = story("a: { activity: one, input: '${ workflow.input }' }")
        .at("0s", Input::Start(Start { input: json!(7), ..unversioned() }))
        .gives(&["bind w"])
        .is(Status::Pending)
        .at("1s", bound(1))
        .gives(&["workflow.started", "step.started a#1", "task a#1"])
        .gives_task_with("a", json!(7));
    assert_eq!(begun.view().version, 1);
    // The time of an execution counts from its start, not from when it was bound.
    begun.at("2s", succeeded("a", 1)).gives(&["step.completed a#1 in 1s", "workflow.completed in 2s"]);
}

#[test]
fn a_start_of_a_version_that_is_not_there_is_looked_up() {
    story("a: { activity: one }")
        .at("0s", Input::Start(Start { version: Some(7), ..unversioned() }))
        .gives(&["bind w version 7"])
        .at("1s", bound(7))
        .gives(&["bind w version 7"])
        .is(Status::Pending)
        .at("2s", refused("UnknownWorkflow"))
        .gives(&["workflow.start_refused UnknownWorkflow"])
        .is(Status::Failed)
        .at("3s", bound(1))
        .gives_nothing();
}

#[test]
fn what_happens_while_the_version_is_looked_up_is_kept() {
    let story = awaiting()
        .at("0s", signal("go", json!({"n": 1})))
        .at("1s", Input::Start(unversioned()))
        .at("2s", signal("go", json!({"n": 2})))
        .gives_nothing()
        .at("2s", Input::Start(unversioned()))
        .gives_nothing()
        .at("3s", returned("s", 1, json!(1)))
        .gives_nothing();
    // However long it took.
    story.at("20m", bound(1)).ends_with(json!({"n": 1}));
}

#[test]
fn a_second_binding_or_start_changes_nothing() {
    story("a: { activity: one }")
        .at("0s", Input::Start(unversioned()))
        .at("1s", bound(1))
        .at("1s", bound(1))
        .gives_nothing()
        .at("1s", bound(9))
        .gives_nothing()
        .at("1s", refused("UnknownWorkflow"))
        .gives_nothing()
        .at("1s", start(json!(null)))
        .gives_nothing()
        .waits_for("a", 1);
}
