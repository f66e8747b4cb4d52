//! What is done once it is known how an execution ends.

use sagaline_events::record::{Status, StepStatus};
use serde_json::json;

use crate::{
    inputs::{cancel, failed, failed_finally, returned, succeeded, workflow_timeout},
    story::workflow,
};

const HANDLED: &str = "
timeout: 1h
steps:
  a: { activity: one, retry: 2 }
  b: { after: a, activity: two }
on_success: { activity: celebrate }
on_failure: { activity: page, input: { kind: '${ error.type }', of: '${ outcome.step }', as: '${ outcome.status }' } }
on_cancel: { steps: { clean: { activity: clean }, tell: { after: clean, activity: tell, input: '${ outcome.reason }' } } }
";

#[test]
fn a_failure_is_handled_before_it_is_one() {
    workflow(HANDLED)
        .start()
        .at("1s", failed_finally("a", 1, "Broken"))
        .gives(&["step.failed a#1 Broken", "step.started on_failure#1", "task on_failure#1"])
        .gives_task_with("on_failure", json!({"kind": "Broken", "of": "a", "as": "failed"}))
        .is(Status::Running)
        .has_no_timer()
        .at("2s", succeeded("on_failure", 1))
        .gives(&["step.completed on_failure#1 in 1s", "workflow.failed Broken by a attempt 1 in 2s"])
        .fails_by("a", "Broken")
        .step("on_failure", StepStatus::Completed);
}

#[test]
fn how_a_handler_ends_changes_no_outcome() {
    workflow(HANDLED)
        .start()
        .at("1s", failed_finally("a", 1, "Broken"))
        .at("2s", failed("on_failure", 1, "PagerDown"))
        .gives(&["step.failed on_failure#1 PagerDown", "workflow.failed Broken by a attempt 1 in 2s"])
        .fails_by("a", "Broken")
        .step("on_failure", StepStatus::Failed);
}

#[test]
fn success_and_running_out_of_time_have_their_handlers() {
    workflow(HANDLED)
        .start()
        .at("1s", returned("a", 1, json!({"n": 1})))
        .at("2s", succeeded("b", 1))
        .gives_task_with("on_success", json!({"status": "completed", "output": {"n": 1}}))
        .at("3s", succeeded("on_success", 1))
        .ends_with(json!({"n": 1}));
    workflow(HANDLED)
        .start()
        .at("1h", workflow_timeout())
        .gives_also("revoke a#1")
        .gives_task_with("on_failure", json!({"kind": null, "of": null, "as": "timed_out"}))
        .at("2h", succeeded("on_failure", 1))
        .is(Status::TimedOut);
}

#[test]
fn a_cancel_is_handled_and_a_second_one_cuts_that_short() {
    let handled = || {
        workflow(HANDLED).start().at("1s", cancel("not today")).gives(&[
            "revoke a#1",
            "step.cancelled a#1",
            "step.started on_cancel#0",
            "step.started on_cancel/clean#1",
            "task on_cancel/clean#1",
        ])
    };
    handled()
        .at("2s", succeeded("on_cancel/clean", 1))
        .gives_task_with("on_cancel/tell", json!("not today"))
        .at("3s", succeeded("on_cancel/tell", 1))
        .gives_also("workflow.cancelled not today in 3s")
        .is(Status::Cancelled);
    handled()
        .at("2s", cancel("now"))
        .gives_also("revoke on_cancel/clean#1")
        .gives_also("workflow.cancelled not today in 2s")
        .is(Status::Cancelled);
}
