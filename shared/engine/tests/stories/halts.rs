//! Paused instead of failed: a step waits for somebody when its attempts are over.

use sagaline_events::{
    Input,
    input::{Pause, Resume},
    record::{Status, StepStatus},
};
use serde_json::json;

use crate::{
    inputs::{cancel, failed, succeeded},
    story::{story, workflow},
};

const CHARGE: &str = "a: { activity: one, on_error: pause, input: '${ ctx.card }', retry: { attempts: 2, initial: 1s } }\nb: { after: a, activity: two }";

fn resume(context: serde_json::Value) -> Input {
    Input::Resume(Resume { context: context.as_object().cloned().unwrap_or_default() })
}

#[test]
fn a_step_without_attempts_left_waits_for_somebody_and_then_has_them_all_again() {
    let told = story(CHARGE).start_with(json!({"card": "old"})).at("1s", failed("a", 1, "Declined")).timer();
    let told = told
        .at("3s", failed("a", 2, "Declined"))
        .gives(&["step.failed a#2 Declined", "workflow.paused step `a` failed with Declined: no luck"])
        .is(Status::Paused)
        .step("a", StepStatus::Failed);
    assert_eq!(told.view().reason.as_deref(), Some("step `a` failed with Declined: no luck"));
    told.at("1d", resume(json!({"card": "new"})))
        .gives(&["workflow.resumed", "step.resumed a", "step.started a#3", "task a#3"])
        .gives_task_with("a", json!("new"))
        .at("1d", succeeded("a", 2))
        .gives_nothing()
        .at("1d", failed("a", 3, "Declined"))
        .timer()
        .gives_also("task a#4")
        .at("2d", failed("a", 4, "Declined"))
        .is(Status::Paused)
        .at("3d", resume(json!({})))
        .at("3d", succeeded("a", 5))
        .gives_also("task b#1");
}

#[test]
fn what_else_is_at_work_goes_on_and_what_became_ready_waits_with_it() {
    story("a: { activity: one, on_error: pause }\nb: { activity: two }\nc: { after: b, activity: three }")
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .at("2s", succeeded("b", 1))
        .gives(&["step.completed b#1 in 2s"])
        .at("3s", resume(json!({})))
        .gives(&["workflow.resumed", "step.resumed a", "step.started a#2", "task a#2", "step.started c#1", "task c#1"])
        .at("4s", succeeded("a", 2))
        .at("4s", succeeded("c", 1))
        .is(Status::Completed);
}

#[test]
fn an_input_that_cannot_be_computed_halts_it_too_and_a_cancel_ends_it() {
    story("a: { activity: one, on_error: pause, input: '${ 1 / ctx.n }' }")
        .start_with(json!({"n": 0}))
        .is(Status::Paused)
        .at("1s", resume(json!({"n": 0})))
        .is(Status::Paused)
        .at("2s", resume(json!({"n": 1})))
        .gives_also("task a#1")
        .at("3s", succeeded("a", 1))
        .is(Status::Completed);
    story(CHARGE)
        .start()
        .at("1s", failed("a", 1, "Declined"))
        .timer()
        .at("3s", failed("a", 2, "Declined"))
        .at("4s", cancel("no"))
        .gives(&["step.cancelled a#2", "workflow.cancelled no in 4s"]);
}

#[test]
fn one_that_is_paused_already_keeps_its_reason_and_a_race_may_be_won_without_the_one_that_halted() {
    let told = story(CHARGE).start().at("1s", Input::Pause(Pause { reason: Some("audit".to_owned()) }));
    let told = told.at("2s", failed("a", 1, "Declined")).timer().at("4s", failed("a", 2, "Declined"));
    assert_eq!(told.view().reason.as_deref(), Some("audit"));
    told.at("5s", resume(json!({}))).gives_also("task a#3");
    story("r: { race: { a: { activity: one, on_error: pause }, b: { activity: two } } }\nc: { after: r, activity: three }")
        .start()
        .at("1s", failed("r/a", 1, "Busy"))
        .at("2s", succeeded("r/b", 1))
        .gives(&["step.completed r/b#1 in 2s", "step.cancelled r/a#1", "step.completed r#0 in 2s"])
        .at("3s", resume(json!({})))
        .gives(&["workflow.resumed", "step.started c#1", "task c#1"]);
}

#[test]
fn the_time_of_all_attempts_begins_anew_and_that_of_the_whole_does_not_stop() {
    let keys = "timeout: 1h\nsteps: { a: { activity: one, on_error: pause, total_timeout: 10s } }";
    workflow(keys)
        .start()
        .timer()
        .is(Status::Paused)
        .at("1m", resume(json!({})))
        .timer_is_due("1m10s")
        .timer()
        .is(Status::Paused)
        .timer()
        .is(Status::TimedOut);
}

#[test]
fn why_says_what_failed_and_how_it_goes_on() {
    let told = story("a: { activity: one, on_error: pause }").start().at("1s", failed("a", 1, "Busy"));
    let why = told.why();
    let cause = |at: usize| (why[at].state.as_str(), why[at].cause.as_str(), why[at].command.as_str());
    assert_eq!(
        cause(0),
        ("failed", "attempt 1 failed with Busy: no luck, and no other follows by itself", "sagaline resume e")
    );
    assert_eq!(
        cause(1),
        (
            "paused",
            "its definition asks to wait for somebody when this fails: step `a` failed with Busy: no luck; no step is held back yet",
            "sagaline resume e"
        )
    );
}
