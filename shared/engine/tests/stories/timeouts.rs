//! Time limits of attempts and of whole executions.

use sagaline_events::{
    TimerKind,
    record::{Status, StepStatus},
};
use serde_json::json;

use crate::{
    inputs::{began, returned, succeeded, timer, workflow_timeout},
    story::{story, workflow},
};

const LIMITED: &str = "a: { activity: one, timeout: 5s, retry: { attempts: 2, initial: 1s } }";

#[test]
fn the_time_of_an_attempt_counts_from_when_a_worker_begins() {
    story(LIMITED)
        .start()
        .gives(&["workflow.started", "step.scheduled a#1", "task a#1"])
        .step("a", StepStatus::Scheduled)
        .has_no_timer()
        .at("1m", began("a", 1))
        .gives(&["step.started a#1 by worker-1"])
        .step("a", StepStatus::Running)
        .timer_is_due("1m5s")
        .at("1m4s", succeeded("a", 1))
        .is(Status::Completed)
        .has_no_timer();
}

#[test]
fn an_attempt_that_runs_too_long_is_taken_back_and_tried_again() {
    story(LIMITED)
        .start()
        .at("1s", began("a", 1))
        .timer()
        .gives(&["revoke a#1", "step.timed_out a#1, again at 7s"])
        .step("a", StepStatus::BackingOff)
        .timer()
        .gives(&["step.scheduled a#2", "task a#2"])
        .at("8s", began("a", 2))
        .timer_is_due("13s")
        .timer()
        .gives(&["revoke a#2", "step.timed_out a#2", "workflow.failed Timeout by a attempt 2 in 13s"])
        .fails_by("a", "Timeout")
        .step("a", StepStatus::TimedOut);
}

/// Its worker died and the task came to another: the clock starts anew with the second report.
#[test]
fn a_task_delivered_again_has_its_whole_time_again() {
    story(LIMITED)
        .start()
        .at("1s", began("a", 1))
        .timer_is_due("6s")
        .at("4s", began("a", 1))
        .gives(&["step.started a#1 by worker-1"])
        .timer_is_due("9s")
        .at("6s", timer(TimerKind::StepTimeout, "a", 1))
        .gives_nothing()
        .waits_for("a", 1)
        .at("9s", timer(TimerKind::StepTimeout, "a", 1))
        .gives_also("step.timed_out a#1, again at 10s");
}

#[test]
fn a_report_of_an_attempt_that_nobody_waits_for_changes_nothing() {
    story(LIMITED)
        .start()
        .at("1s", began("a", 2))
        .gives_nothing()
        .at("2s", began("a", 1))
        .timer()
        .at("8s", began("a", 1))
        .gives_nothing()
        .at("8s", began("b", 1))
        .gives_nothing();
}

#[test]
fn the_limit_of_an_attempt_may_be_computed() {
    story("a: { activity: one }\nb: { after: a, activity: two, timeout: '${ steps.a.output.limit }' }")
        .start()
        .at("1s", returned("a", 1, json!({"limit": "1m30s"})))
        .at("2s", began("b", 1))
        .timer_is_due("1m32s");
    story("b: { activity: two, timeout: '${ workflow.input }' }")
        .start_with(json!(2.5))
        .at("1s", began("b", 1))
        .timer_is_due("3s500ms");
}

#[test]
fn a_limit_that_cannot_be_computed_fails_the_step() {
    story("a: { activity: one, timeout: '${ workflow.input.limit }', retry: 2 }")
        .start_with(json!({"limit": "soon"}))
        .gives(&["workflow.started", "step.failed a#0 ExpressionError", "workflow.failed ExpressionError by a in 0ms"]);
}

/// No limit would be the wrong answer to a fault.
#[test]
fn a_limit_of_the_next_attempt_that_cannot_be_computed_fails_the_step_too() {
    story("a: { activity: one, timeout: '${ ctx.limit }', retry: 2 }\nb: { activity: two }")
        .start_with(json!({"limit": "5s"}))
        .at("1s", returned("b", 1, json!({"limit": "none"})))
        .at("2s", began("a", 1))
        .timer()
        .timer()
        .gives(&["step.failed a#1 ExpressionError", "workflow.failed ExpressionError by a attempt 1 in 8s"])
        .fails_by("a", "ExpressionError");
}

#[test]
fn the_timeout_of_the_workflow_ends_everything() {
    workflow("timeout: 1m\nsteps: { a: { activity: one }, b: { wait: 1h }, c: { after: a, activity: two } }")
        .start()
        .timer_is_due("1m")
        .timer()
        .gives(&["revoke a#1", "step.cancelled a#1", "step.cancelled b#0", "workflow.timed_out in 1m"])
        .is(Status::TimedOut)
        .step("a", StepStatus::Cancelled)
        .at("2m", succeeded("a", 1))
        .gives_nothing();
}

#[test]
fn the_timeout_of_the_workflow_is_not_early() {
    workflow("timeout: 1m\nsteps: { a: { activity: one } }")
        .start()
        .at("59s", workflow_timeout())
        .gives_nothing()
        .timer_is_due("1m");
    story("a: { activity: one }").start().at("1h", workflow_timeout()).gives_nothing().waits_for("a", 1);
}

#[test]
fn a_start_that_is_bound_late_has_used_up_its_time_while_it_waited() {
    let story = workflow("timeout: 1m\nsteps: { a: { activity: one } }")
        .at("0s", sagaline_events::Input::Start(crate::inputs::unversioned()))
        .at("50s", crate::inputs::bound(1))
        .timer_is_due("1m");
    story.timer().is(Status::TimedOut);
}
