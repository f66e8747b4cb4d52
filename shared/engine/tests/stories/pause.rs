//! Pausing and going on.

use sagaline_events::{
    Input,
    input::{Pause, Resume},
    record::{Status, StepStatus},
};
use serde_json::json;

use crate::{
    inputs::{cancel, failed, signal, start, succeeded},
    story::story,
};

fn pause(reason: &str) -> Input {
    Input::Pause(Pause { reason: (!reason.is_empty()).then(|| reason.to_owned()) })
}

fn resume(context: serde_json::Value) -> Input {
    Input::Resume(Resume { context: context.as_object().cloned().unwrap_or_default() })
}

const CHAIN: &str = "a: { activity: one }\nb: { after: a, activity: two, input: '${ ctx.approved }' }";

#[test]
fn nothing_begins_while_it_is_paused_and_everything_afterwards() {
    story(CHAIN)
        .start()
        .at("1s", pause("maintenance"))
        .gives(&["workflow.paused maintenance"])
        .is(Status::Paused)
        .at("2s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 2s"])
        .step("b", StepStatus::Pending)
        .is(Status::Paused)
        .at("1h", resume(json!({"approved": true})))
        .gives(&["workflow.resumed", "step.started b#1", "task b#1"])
        .gives_task_with("b", json!(true))
        .at("2h", succeeded("b", 1))
        .ends_with(json!({"approved": true}));
}

#[test]
fn what_is_at_work_goes_on_retries_included() {
    story("a: { activity: one, retry: { attempts: 2, initial: 1s, jitter: false } }")
        .start()
        .at("1s", pause(""))
        .at("2s", failed("a", 1, "Busy"))
        .timer()
        .gives(&["step.started a#2", "task a#2"])
        .at("4s", succeeded("a", 2))
        .is(Status::Completed);
}

#[test]
fn twice_is_once_and_going_on_without_a_pause_is_nothing() {
    story(CHAIN)
        .start()
        .at("1s", resume(json!({"approved": 1})))
        .gives_nothing()
        .at("2s", pause("first"))
        .at("3s", pause("second"))
        .gives_nothing()
        .at("4s", resume(json!({})))
        .gives(&["workflow.resumed"])
        .at("5s", resume(json!({})))
        .gives_nothing()
        .is(Status::Running);
}

#[test]
fn a_pause_before_the_start_is_kept_and_may_be_taken_back() {
    story(CHAIN)
        .at("0s", pause("not yet"))
        .at("1s", start(json!(null)))
        .gives(&["workflow.started", "workflow.paused not yet"])
        .is(Status::Paused)
        .at("2s", resume(json!({})))
        .gives_also("task a#1");
    story(CHAIN).at("0s", pause("")).at("1s", resume(json!({}))).at("2s", start(json!(null))).gives_also("task a#1");
}

#[test]
fn a_paused_one_can_be_cancelled_and_its_loops_and_waits_hold() {
    story(CHAIN).start().at("1s", pause("")).at("2s", cancel("no")).is(Status::Cancelled);
    story("each: { for_each: { items: [1, 2, 3], concurrency: 1 }, await: { signal: go } }\nb: { after: each, activity: one }")
        .start()
        .at("1s", pause(""))
        .at("2s", signal("go", json!(1)))
        .gives(&["step.resumed each/item", "step.completed each/item#0 in 2s"])
        .at("3s", resume(json!({})))
        .gives_also("step.waiting each/item:2 for signal go")
        .is(Status::Waiting);
}

#[test]
fn why_says_that_somebody_paused_it_and_how_it_goes_on() {
    let told = story(CHAIN).start().at("1s", pause("audit")).at("2s", succeeded("a", 1));
    let why = told.why();
    assert_eq!(why.len(), 1);
    assert_eq!((why[0].state.as_str(), why[0].command.as_str()), ("paused", "sagaline resume e"));
    assert_eq!(why[0].cause, "somebody paused it: audit; a step is held back");
}
