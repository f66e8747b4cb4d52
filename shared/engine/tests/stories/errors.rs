//! What a failure means for the rest.

use sagaline_events::record::{Status, StepStatus};
use serde_json::json;

use crate::{
    inputs::{failed, succeeded},
    story::story,
};

fn two_steps(on_error: &str) -> crate::story::Story {
    story(&format!("a: {{ activity: one, on_error: {on_error} }}\nb: {{ after: a, activity: two }}"))
        .start()
        .at("1s", failed("a", 1, "Broken"))
}

#[test]
fn a_failure_fails_the_execution_unless_something_else_is_said() {
    two_steps("fail")
        .gives(&["step.failed a#1 Broken", "workflow.failed Broken by a attempt 1 in 1s"])
        .step("a", StepStatus::Failed)
        .step("b", StepStatus::Pending);
}

#[test]
fn a_failure_may_count_as_skipped() {
    two_steps("skip")
        .gives(&["step.failed a#1 Broken", "step.skipped a: Broken: no luck", "step.started b#1", "task b#1"])
        .step("a", StepStatus::Skipped)
        .at("2s", succeeded("b", 1))
        .is(Status::Completed);
}

#[test]
fn a_failure_may_be_passed_over() {
    two_steps("continue")
        .gives(&["step.failed a#1 Broken", "step.started b#1", "task b#1"])
        .step("a", StepStatus::Failed)
        .at("2s", succeeded("b", 1))
        .ends_with(json!({}));
}

#[test]
fn a_failure_takes_back_what_runs_beside_it() {
    story("a: { activity: one }\nb: { activity: two }\nc: { await: go }\nd: { activity: three, retry: 2 }\ne: { activity: four }")
        .start()
        .at("1s", succeeded("e", 1))
        .at("1s", failed("d", 1, "Busy"))
        .at("2s", failed("a", 1, "Broken"))
        .gives(&[
            "step.failed a#1 Broken",
            "revoke b#1",
            "step.cancelled b#1",
            "step.cancelled c#0",
            "step.cancelled d#1",
            "workflow.failed Broken by a attempt 1 in 2s",
        ])
        .step("e", StepStatus::Completed)
        .has_no_timer();
}

#[test]
fn two_failures_at_once_end_the_execution_once() {
    story("a: { activity: one }\nb: { activity: two }")
        .start()
        .at("1s", failed("a", 1, "First"))
        .at("1s", failed("b", 1, "Second"))
        .gives_nothing()
        .fails_by("a", "First");
}

#[test]
fn the_last_step_may_fail_without_harm_and_still_end_the_execution() {
    story("a: { activity: one, on_error: continue }")
        .start()
        .at("1s", failed("a", 1, "Broken"))
        .gives(&["step.failed a#1 Broken", "workflow.completed in 1s"]);
}
