//! Cancelling, in every stage.

use sagaline_events::{
    Input,
    record::{Status, StepStatus},
};
use serde_json::json;

use crate::{
    inputs::{began, bound, cancel, failed, refused, signal, succeeded, unversioned},
    story::{story, workflow},
};

#[test]
fn a_cancel_takes_back_what_is_in_flight() {
    workflow(
        "timeout: 1h
steps:
  a: { activity: one }
  b: { activity: two, timeout: 5s }
  c: { activity: three, retry: 2 }
  d: { wait: 1h }
  e: { await: go }
  f: { steps: { g: { activity: four } } }
  h: { activity: five }
  i: { after: h, when: false, activity: six }
  j: { after: a, activity: seven }",
    )
    .start()
    .at("1s", began("b", 1))
    .at("1s", failed("c", 1, "Busy"))
    .at("1s", succeeded("h", 1))
    .at("2s", cancel("not today"))
    .gives(&[
        "revoke a#1",
        "step.cancelled a#1",
        "revoke b#1",
        "step.cancelled b#1",
        "step.cancelled c#1",
        "step.cancelled d#0",
        "step.cancelled e#0",
        "step.cancelled f#0",
        "revoke f/g#1",
        "step.cancelled f/g#1",
        "workflow.cancelled not today in 2s",
    ])
    .is(Status::Cancelled)
    .step("h", StepStatus::Completed)
    .step("i", StepStatus::Skipped)
    .step("j", StepStatus::Pending)
    .has_no_timer();
}

#[test]
fn the_second_cancel_changes_nothing() {
    let story =
        story("a: { activity: one }").start().at("1s", cancel("first")).at("2s", cancel("second")).gives_nothing();
    assert_eq!(story.view().reason.as_deref(), Some("first"));
}

#[test]
fn a_cancel_while_the_version_is_looked_up_ends_the_execution_as_it_begins() {
    story("a: { activity: one }")
        .at("0s", Input::Start(unversioned()))
        .at("1s", cancel("not today"))
        .gives_nothing()
        .is(Status::Pending)
        .at("20m", bound(1))
        .gives(&["workflow.started", "workflow.cancelled not today in 20m"])
        .is(Status::Cancelled)
        .step("a", StepStatus::Pending);
}

#[test]
fn a_cancelled_start_that_is_refused_is_refused() {
    story("a: { activity: one }")
        .at("0s", Input::Start(unversioned()))
        .at("1s", cancel("not today"))
        .at("2s", refused("UnknownWorkflow"))
        .gives(&["workflow.start_refused UnknownWorkflow"])
        .is(Status::Failed);
}

#[test]
fn what_is_over_cannot_be_cancelled() {
    story("a: { activity: one }")
        .start()
        .at("1s", succeeded("a", 1))
        .at("2s", cancel("late"))
        .gives_nothing()
        .ends_with(json!({}));
}

const LOST: &str = "the plan of `w` version 1 is not there any more";

#[test]
fn an_execution_whose_plan_is_gone_is_set_aside_and_keeps_what_it_has() {
    let parked = story("a: { activity: one }\nb: { after: a, activity: two }")
        .start()
        .forget_definition()
        .at("1s", succeeded("a", 1))
        .gives(&[&format!("workflow.parked {LOST}")])
        .is(Status::Parked)
        .has_no_timer()
        .at("2s", signal("go", json!(1)))
        .gives_nothing()
        .at("2s", succeeded("a", 1))
        .gives_nothing();
    assert_eq!(parked.view().reason.as_deref(), Some(LOST));
    parked.at("3s", cancel("parked")).gives(&["workflow.cancelled parked in 3s"]).is(Status::Cancelled);
}

#[test]
fn cancelling_what_was_set_aside_takes_back_its_tasks_if_the_plan_is_there_again() {
    let again = story("a: { activity: one }").definitions;
    let mut parked = story("a: { activity: one }").start().forget_definition().at("1s", succeeded("a", 1));
    parked.definitions = again;
    parked
        .at("3s", cancel("parked"))
        .gives(&["revoke a#1", "step.cancelled a#1", "workflow.cancelled parked in 3s"])
        .step("a", StepStatus::Cancelled);
}
