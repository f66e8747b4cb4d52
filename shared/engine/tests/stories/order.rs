//! Which steps run when.

use sagaline_events::record::{Status, StepStatus};
use serde_json::json;

use crate::{
    inputs::{returned, skipped, succeeded},
    story::story,
};

const DIAMOND: &str = "
a: { activity: one }
b: { after: a, activity: two }
c: { after: a, activity: three }
d: { after: [b, c], activity: four }
";

#[test]
fn a_step_begins_when_the_one_before_it_is_done() {
    story("a: { activity: one }\nb: { after: a, activity: two }")
        .start()
        .gives(&["workflow.started", "step.started a#1", "task a#1"])
        .is(Status::Running)
        .step("b", StepStatus::Pending)
        .at("1s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 1s", "step.started b#1", "task b#1"])
        .at("3s", succeeded("b", 1))
        .gives(&["step.completed b#1 in 2s", "workflow.completed in 3s"])
        .ends_with(json!({}))
        .step("a", StepStatus::Completed)
        .has_no_timer();
}

#[test]
fn steps_that_need_nothing_of_each_other_run_side_by_side() {
    story("a: { activity: one }\nb: { activity: two }")
        .start()
        .gives(&["workflow.started", "step.started a#1", "task a#1", "step.started b#1", "task b#1"])
        .at("1s", succeeded("b", 1))
        .gives(&["step.completed b#1 in 1s"])
        .waits_for("a", 1)
        .at("2s", succeeded("a", 1))
        .is(Status::Completed);
}

#[test]
fn the_end_of_a_diamond_waits_for_both_sides() {
    story(DIAMOND)
        .start()
        .at("1s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 1s", "step.started b#1", "task b#1", "step.started c#1", "task c#1"])
        .at("2s", succeeded("c", 1))
        .gives(&["step.completed c#1 in 1s"])
        .step("d", StepStatus::Pending)
        .at("3s", succeeded("b", 1))
        .gives(&["step.completed b#1 in 2s", "step.started d#1", "task d#1"])
        .at("4s", succeeded("d", 1))
        .is(Status::Completed);
}

#[test]
fn a_condition_that_does_not_hold_skips_the_step_and_holds_nothing_up() {
    story("a: { activity: one }\nb: { after: a, when: steps.a.output.ok, activity: two }\nc: { after: b, activity: three }")
        .start()
        .at("1s", returned("a", 1, json!({"ok": false})))
        .gives(&[
            "step.completed a#1 in 1s",
            "step.skipped b: its condition does not hold",
            "step.started c#1",
            "task c#1",
        ])
        .step("b", StepStatus::Skipped);
}

#[test]
fn a_condition_that_holds_lets_the_step_run() {
    story("a: { when: workflow.input.n > 2, activity: one }").start_with(json!({"n": 3})).waits_for("a", 1);
}

#[test]
fn a_condition_that_is_no_boolean_or_looks_at_nothing_does_not_hold() {
    story("a: { when: '1', activity: one }\nb: { when: workflow.input.x.y.z, activity: two }\nc: { activity: three }")
        .start()
        .step("a", StepStatus::Skipped)
        .step("b", StepStatus::Skipped)
        .waits_for("c", 1);
}

#[test]
fn a_workflow_all_of_whose_steps_are_skipped_is_completed_at_once() {
    story("a: { when: false, activity: one }\nb: { after: a, when: false, activity: two }")
        .start()
        .gives(&[
            "workflow.started",
            "step.skipped a: its condition does not hold",
            "step.skipped b: its condition does not hold",
            "workflow.completed in 0ms",
        ])
        .ends_with(json!({}));
}

#[test]
fn an_activity_may_say_that_there_is_nothing_to_do() {
    story("a: { activity: one }\nb: { after: a, activity: two, input: '${ steps.a.status }' }")
        .start()
        .at("1s", skipped("a", 1))
        .gives(&["step.skipped a: nothing to do", "step.started b#1", "task b#1"])
        .gives_task_with("b", json!("skipped"));
}
