//! Until when: absolute times of an execution and of a step, and limits of time that are computed.

use sagaline_events::record::{Status, StepStatus};
use serde_json::json;

use crate::{
    inputs::{failed, start, succeeded},
    story::{story, workflow},
};

#[test]
fn an_execution_ends_at_its_deadline_or_its_timeout_whichever_is_earlier() {
    let keys = |timeout: &str| {
        format!("timeout: {timeout}\ndeadline: '${{ workflow.input.until }}'\nsteps: {{ a: {{ activity: one }} }}")
    };
    let until = json!({"until": "2026-01-01T00:01:00Z"});
    workflow(&keys("1h")).start_with(until.clone()).timer_is_due("1m").timer().is(Status::TimedOut);
    workflow(&keys("5s")).start_with(until.clone()).timer_is_due("5s");
    workflow(&keys("1h")).start_with(json!({"until": 5})).is(Status::Failed);
    // It is over before it began.
    workflow(&keys("1h")).at("1h", start(until)).gives(&["workflow.started", "workflow.timed_out in 0ms"]);
}

#[test]
fn the_timeout_of_the_whole_may_be_computed() {
    workflow("timeout: '${ workflow.input.patience }'\nsteps: { a: { activity: one } }")
        .start_with(json!({"patience": "90s"}))
        .timer_is_due("1m30s")
        .timer()
        .is(Status::TimedOut);
}

#[test]
fn no_attempt_begins_after_the_deadline_of_its_step() {
    let step = "a: { activity: one, deadline: '2026-01-01T00:00:10Z', total_timeout: 1h, retry: { attempts: 9, initial: 4s, backoff: fixed } }";
    let told = story(step).start().timer_is_due("10s").at("2s", failed("a", 1, "Busy")).timer();
    told.at("7s", failed("a", 2, "Busy")).fails_by("a", "Timeout");
    let late = story(step).at("11s", start(json!(null))).fails_by("a", "Timeout");
    let told = late.view().error.map(|error| error.message).unwrap_or_default();
    assert_eq!(told, "its time is over at 2026-01-01T00:00:10.000000000Z, which leaves none for another attempt");
    story(step).start().timer().gives_also("revoke a#1").fails_by("a", "Timeout");
}

#[test]
fn steps_have_the_step_timeout_unless_they_say_otherwise() {
    let keys = "step_timeout: 5m\nsteps: { a: { activity: one }, b: { steps: { c: { activity: two, timeout: 1s } } } }\non_success: { activity: three }";
    let told = workflow(keys).start();
    assert_eq!(told.task("a").timeout.map(|timeout| timeout.to_string()).as_deref(), Some("5m"));
    assert_eq!(told.task("b/c").timeout.map(|timeout| timeout.to_string()).as_deref(), Some("1s"));
    let told = told.at("1s", succeeded("a", 1)).at("1s", succeeded("b/c", 1));
    assert_eq!(told.task("on_success").timeout.map(|timeout| timeout.to_string()).as_deref(), Some("5m"));
}

#[test]
fn what_the_definition_says_about_a_step_goes_with_its_tasks() {
    let told = story("a: { activity: one, metadata: { owner: data-team } }").start().step("a", StepStatus::Running);
    assert_eq!(told.task("a").metadata, json!({"owner": "data-team"}));
}
