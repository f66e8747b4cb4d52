//! `on_step_error`: a task for each attempt that failed, beside the execution.

use sagaline_events::{Input, input::Pause, record::Status};
use serde_json::json;

use crate::{
    inputs::{cancel, failed, returned, succeeded},
    story::workflow,
};

const NOTED: &str =
    "on_step_error: { activity: note }\nsteps: { a: { activity: one, retry: { attempts: 2, initial: 1s } } }";

#[test]
fn each_failed_attempt_is_told_and_holds_nothing_up_but_the_end() {
    workflow(NOTED)
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .gives(&[
            "step.failed a#1 Busy, again at 2s",
            "step.started on_step_error#1",
            "task on_step_error#1",
        ])
        .gives_task_with(
            "on_step_error",
            json!({
                "step": "a", "attempt": 1, "will_retry": true, "cause": "attempt 1 of step `a` failed with Busy: no luck",
                "error": { "type": "Busy", "message": "no luck" },
            }),
        )
        .timer()
        .gives(&["step.started a#2", "task a#2"])
        .at("3s", failed("a", 2, "Broken"))
        .gives(&["step.started on_step_error:2#1", "task on_step_error:2#1", "step.failed a#2 Broken"])
        .is(Status::Running)
        .at("4s", returned("on_step_error", 1, json!({"noted": true})))
        .gives(&["step.completed on_step_error#1 in 3s"])
        .at("5s", failed("on_step_error:2", 1, "Down"))
        .gives(&["step.failed on_step_error:2#1 Down", "workflow.failed Broken by a attempt 2 in 5s"])
        .fails_by("a", "Broken");
}

#[test]
fn what_it_returns_or_how_it_fails_changes_nothing() {
    workflow(NOTED)
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .at("1s", returned("on_step_error", 1, json!({"noted": true})))
        .timer()
        .at("3s", returned("a", 2, json!({"n": 1})))
        .ends_with(json!({"n": 1}));
    workflow("on_step_error: { activity: note, input: '${ 1 / 0 }' }\nsteps: { a: { activity: one, retry: 2 } }")
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .gives(&["step.failed a#1 Busy, again at 2s", "step.failed on_step_error#0 ExpressionError"])
        .is(Status::Running);
}

#[test]
fn it_has_attempts_of_its_own_and_tells_nobody_of_those_that_fail() {
    workflow(
        "on_step_error: { activity: note, retry: { attempts: 2, initial: 10s } }\nsteps: { a: { activity: one } }",
    )
    .start()
    .at("1s", failed("a", 1, "Busy"))
    .at("2s", failed("on_step_error", 1, "Down"))
    .gives(&["step.failed on_step_error#1 Down, again at 12s"])
    .timer()
    .gives(&["step.started on_step_error#2", "task on_step_error#2"])
    .at("13s", succeeded("on_step_error", 2))
    .fails_by("a", "Busy");
}

#[test]
fn the_end_is_settled_at_once_and_handled_beside() {
    let keys = "timeout: 1m\non_step_error: { activity: note }\non_failure: { activity: page }\nsteps: { a: { activity: one } }";
    let told = workflow(keys).start().at("1s", failed("a", 1, "Busy")).gives_also("task on_failure#1").has_no_timer();
    told.at("2s", succeeded("on_failure", 1))
        .is(Status::Running)
        .at("3s", succeeded("on_step_error", 1))
        .fails_by("a", "Busy");
    let other = workflow(keys).start().at("1s", failed("a", 1, "Busy")).at("2s", succeeded("on_step_error", 1));
    other.is(Status::Running).at("3s", succeeded("on_failure", 1)).fails_by("a", "Busy");
}

#[test]
fn only_a_cancel_takes_it_back() {
    workflow(NOTED)
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .at("2s", cancel("no"))
        .gives_also("revoke on_step_error#1")
        .is(Status::Cancelled);
    workflow(NOTED)
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .timer()
        .at("3s", failed("a", 2, "Busy"))
        .at("4s", cancel("cut short"))
        .gives_also("revoke on_step_error:2#1")
        .fails_by("a", "Busy");
}

#[test]
fn it_takes_no_slot_and_begins_though_the_execution_is_paused() {
    let keys = "step_concurrency: 1\non_step_error: { activity: note }\nsteps: { a: { activity: one, retry: { attempts: 2, initial: 1s } }, b: { activity: two } }";
    workflow(keys)
        .start()
        .at("0s", Input::Pause(Pause { reason: None }))
        .at("1s", failed("a", 1, "Busy"))
        .gives_also("task on_step_error#1");
    workflow(keys).start().at("1s", failed("a", 1, "Busy")).gives_also("task on_step_error#1").gives_also("task b#1");
}

#[test]
fn a_condition_may_look_at_the_failure() {
    let keys = "on_step_error: { activity: note, when: \"${ error.type == 'Busy' && !outcome.will_retry }\", input: '${ outcome.step }' }\nsteps: { a: { activity: one, retry: { attempts: 2, initial: 1s } } }";
    workflow(keys)
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .gives(&["step.failed a#1 Busy, again at 2s", "step.skipped on_step_error: its condition does not hold"])
        .timer()
        .at("3s", failed("a", 2, "Busy"))
        .gives_task_with("on_step_error:2", json!("a"));
}
