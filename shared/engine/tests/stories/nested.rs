//! Steps inside steps.

use sagaline_events::record::{Status, StepStatus};
use serde_json::json;

use crate::{
    inputs::{failed, returned, succeeded},
    story::story,
};

const PAY: &str = "
pay:
  steps:
    charge: { activity: payments.charge }
    receipt: { after: charge, activity: receipts.send }
ship: { after: pay, activity: ship, input: '${ steps.pay.output }' }
";

#[test]
fn a_step_with_steps_inside_is_done_when_they_are() {
    story(PAY)
        .start()
        .gives(&["workflow.started", "step.started pay#0", "step.started pay/charge#1", "task pay/charge#1"])
        .step("pay", StepStatus::Running)
        .at("1s", returned("pay/charge", 1, json!({"id": 1, "state": "paid"})))
        .gives(&["step.completed pay/charge#1 in 1s", "step.started pay/receipt#1", "task pay/receipt#1"])
        .at("2s", returned("pay/receipt", 1, json!({"state": "told"})))
        .gives(&[
            "step.completed pay/receipt#1 in 1s",
            "step.completed pay#0 in 2s",
            "step.started ship#1",
            "task ship#1",
        ])
        .gives_task_with("ship", json!({"id": 1, "state": "told"}))
        .at("3s", succeeded("ship", 1))
        .ends_with(json!({"id": 1, "state": "told"}));
}

#[test]
fn what_the_innermost_returns_is_part_of_every_output_around_it() {
    story(
        "
outer:
  steps:
    middle: { steps: { inner: { activity: one } } }
    beside: { after: middle, activity: two, input: '${ steps.middle.output }' }
last: { after: outer, activity: three, input: ['${ steps.outer.output }', '${ steps.inner.output }'] }",
    )
    .start()
    .at("1s", returned("outer/middle/inner", 1, json!({"x": 1})))
    .gives_task_with("outer/beside", json!({"x": 1}))
    .at("2s", returned("outer/beside", 1, json!({"y": 2})))
    .gives_task_with("last", json!([{"x": 1, "y": 2}, {"x": 1}]));
}

#[test]
fn a_condition_on_the_whole_skips_all_of_it() {
    story("g: { when: false, steps: { a: { activity: one } } }\nb: { after: g, activity: two }")
        .start()
        .gives(&["workflow.started", "step.skipped g: its condition does not hold", "step.started b#1", "task b#1"])
        .step("g/a", StepStatus::Pending);
}

#[test]
fn steps_all_of_which_are_skipped_complete_the_one_around_them() {
    story("g: { steps: { a: { when: false, activity: one } } }").start().gives(&[
        "workflow.started",
        "step.started g#0",
        "step.skipped g/a: its condition does not hold",
        "step.completed g#0 in 0ms",
        "workflow.completed in 0ms",
    ]);
}

#[test]
fn a_failure_inside_takes_the_steps_beside_it_along_and_goes_up() {
    story(
        "
g:
  steps:
    a: { activity: one }
    b: { activity: two, retry: 2 }
    deep: { steps: { c: { activity: three, timeout: 5s }, w: { wait: 1h } } }
    s: { await: go }
    later: { after: a, activity: four }
d: { activity: five }
e: { after: g, activity: six }",
    )
    .start()
    .at("1s", failed("g/b", 1, "Busy"))
    .at("1s", failed("g/a", 1, "Broken"))
    .gives(&[
        "step.failed g/a#1 Broken",
        "step.cancelled g/b#1",
        "step.cancelled g/deep#0",
        "revoke g/deep/c#1",
        "step.cancelled g/deep/c#1",
        "step.cancelled g/deep/w#0",
        "step.cancelled g/s#0",
        "step.failed g#0 Broken",
        "revoke d#1",
        "step.cancelled d#1",
        "workflow.failed Broken by g/a attempt 1 in 1s",
    ])
    .fails_by("g/a", "Broken")
    .step("g", StepStatus::Failed)
    .step("g/deep/c", StepStatus::Cancelled)
    .step("g/later", StepStatus::Pending)
    .step("e", StepStatus::Pending);
}

#[test]
fn a_failure_inside_that_is_to_be_skipped_ends_at_the_step_around_it() {
    story(
        "
g: { on_error: skip, steps: { a: { activity: one }, b: { activity: two } } }
c: { activity: three }
d: { after: g, activity: four, input: '${ steps.g.status }' }",
    )
    .start()
    .at("1s", failed("g/a", 1, "Broken"))
    .gives(&[
        "step.failed g/a#1 Broken",
        "revoke g/b#1",
        "step.cancelled g/b#1",
        "step.failed g#0 Broken",
        "step.skipped g: Broken: no luck",
        "step.started d#1",
        "task d#1",
    ])
    .gives_task_with("d", json!("skipped"))
    .waits_for("c", 1)
    .at("2s", succeeded("g/b", 1))
    .gives_nothing()
    .step("g/b", StepStatus::Cancelled);
}

#[test]
fn a_failure_inside_that_is_to_be_passed_over_leaves_the_step_around_it_failed() {
    story(
        "
g: { on_error: continue, steps: { a: { activity: one }, deep: { steps: { b: { activity: two } } } } }
d: { after: g, activity: four, input: ['${ steps.g.status }', '${ steps.g.error.type }'] }",
    )
    .start()
    .at("1s", failed("g/deep/b", 1, "Broken"))
    .gives(&[
        "step.failed g/deep/b#1 Broken",
        "step.failed g/deep#0 Broken",
        "revoke g/a#1",
        "step.cancelled g/a#1",
        "step.failed g#0 Broken",
        "step.started d#1",
        "task d#1",
    ])
    .gives_task_with("d", json!(["failed", "Broken"]))
    .at("2s", succeeded("d", 1))
    .is(Status::Completed)
    .step("g", StepStatus::Failed);
}

/// Everything is entered in one turn: what became ready inside must not begin once the step around it has failed.
#[test]
fn work_that_became_ready_in_a_step_that_failed_does_not_begin() {
    story(
        "
g:
  on_error: continue
  steps:
    deep: { steps: { x: { activity: one, input: '${ 1 / 0 }' }, y: { activity: two } } }
    a: { activity: three }
    b: { steps: { c: { activity: four } } }
d: { after: g, activity: five }",
    )
    .start()
    .gives(&[
        "workflow.started",
        "step.started g#0",
        "step.started g/deep#0",
        "step.started g/a#1",
        "task g/a#1",
        "step.started g/b#0",
        "step.failed g/deep/x#0 ExpressionError",
        "step.failed g/deep#0 ExpressionError",
        "revoke g/a#1",
        "step.cancelled g/a#1",
        "step.cancelled g/b#0",
        "step.failed g#0 ExpressionError",
        "step.started d#1",
        "task d#1",
    ])
    .step("g/deep/y", StepStatus::Pending)
    .step("g/b/c", StepStatus::Pending);
}

#[test]
fn a_name_that_begins_like_another_is_not_inside_it() {
    story(
        "
g: { on_error: continue, steps: { a: { activity: one } } }
g-1: { steps: { b: { activity: two } } }
g0: { steps: { c: { activity: three } } }
gg: { activity: four }",
    )
    .start()
    .at("1s", failed("g/a", 1, "Broken"))
    .gives(&["step.failed g/a#1 Broken", "step.failed g#0 Broken"])
    .waits_for("g-1/b", 1)
    .waits_for("g0/c", 1)
    .waits_for("gg", 1);
}
