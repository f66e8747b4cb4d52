//! Only so many steps at work at once: who waits, and who is next.

use sagaline_events::record::{Status, StepStatus};
use serde_json::json;

use crate::{
    inputs::{cancel, failed, snoozed, succeeded},
    story::{story, workflow},
};

const THREE: &str =
    "step_concurrency: 1\nsteps: { a: { activity: one }, b: { activity: two }, c: { activity: three } }";

#[test]
fn steps_wait_in_order_until_others_have_ended() {
    workflow(THREE)
        .start()
        .gives(&[
            "workflow.started",
            "step.started a#1",
            "task a#1",
            "step.waiting b for a slot",
            "step.waiting c for a slot",
        ])
        .step("b", StepStatus::Waiting)
        .is(Status::Running)
        .at("1s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 1s", "step.started b#1", "task b#1"])
        .at("2s", succeeded("b", 1))
        .gives(&["step.completed b#1 in 2s", "step.started c#1", "task c#1"])
        .at("3s", succeeded("c", 1))
        .is(Status::Completed);
}

#[test]
fn who_backs_off_or_snoozes_gives_the_slot_back_and_queues_again() {
    let keys = "step_concurrency: 1\nsteps: { a: { activity: one, retry: { attempts: 2, initial: 1s } }, b: { activity: two } }";
    workflow(keys)
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .gives(&["step.failed a#1 Busy, again at 2s", "step.started b#1", "task b#1"])
        .timer()
        .gives(&["step.waiting a for a slot"])
        .step("a", StepStatus::Waiting)
        .at("3s", snoozed("b", 1, "10s"))
        .gives(&["step.waiting b for time until 13s", "step.started a#2", "task a#2"])
        .at("4s", succeeded("a", 2))
        .timer()
        .at("14s", succeeded("b", 2))
        .is(Status::Completed);
}

#[test]
fn a_step_that_becomes_ready_as_a_slot_comes_back_goes_to_the_end_of_the_line() {
    let keys =
        "step_concurrency: 1\nsteps: { a: { activity: one }, b: { activity: two }, c: { after: a, activity: three } }";
    workflow(keys).start().at("1s", succeeded("a", 1)).gives(&[
        "step.completed a#1 in 1s",
        "step.waiting c for a slot",
        "step.started b#1",
        "task b#1",
    ]);
}

#[test]
fn the_limit_may_depend_on_the_input_and_holds_for_the_items_of_loops() {
    let keys = "step_concurrency: '${workflow.input.width}'\nsteps: { all: { for_each: [1, 2, 3], activity: one } }";
    workflow(keys)
        .start_with(json!({"width": 2}))
        .gives_also("task all/item#1")
        .gives_also("task all/item:2#1")
        .gives_also("step.waiting all/item:3 for a slot")
        .at("1s", succeeded("all/item", 1))
        .gives_also("task all/item:3#1");
    workflow(keys).start_with(json!({"width": 0})).is(Status::Failed);
    let view = workflow(keys).start_with(json!({"width": "many"})).view();
    let told = view.error.map(|error| error.message);
    assert_eq!(
        told.as_deref(),
        Some("`workflow.input.width` gave \"many\", and `step_concurrency` needs a whole number from 1 on")
    );
}

#[test]
fn whoever_waits_for_a_slot_can_be_cancelled_and_runs_out_of_time() {
    workflow(THREE).start().at("1s", cancel("no")).gives(&[
        "revoke a#1",
        "step.cancelled a#1",
        "step.cancelled b#0",
        "step.cancelled c#0",
        "workflow.cancelled no in 1s",
    ]);
    workflow("step_concurrency: 1\nsteps: { a: { activity: one }, b: { activity: two, total_timeout: 5s, on_error: continue } }")
        .start()
        .timer_is_due("5s")
        .timer()
        .step("b", StepStatus::TimedOut)
        .at("6s", succeeded("a", 1))
        .is(Status::Completed);
}

#[test]
fn nobody_is_given_a_slot_while_it_is_paused() {
    use sagaline_events::{
        Input,
        input::{Pause, Resume},
    };
    workflow(THREE)
        .start()
        .at("1s", Input::Pause(Pause { reason: None }))
        .at("2s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 2s"])
        .at("3s", Input::Resume(Resume { context: Default::default() }))
        .gives(&["workflow.resumed", "step.started b#1", "task b#1"]);
}

#[test]
fn why_and_get_say_what_is_waited_for() {
    let told = workflow(THREE).start();
    let why = told.why().into_iter().find(|why| why.step.as_ref().is_some_and(|step| step.as_str() == "b"));
    assert_eq!(why.map(|why| why.cause).as_deref(), Some("it waits for a slot: step_concurrency is 1"));
    assert_eq!(told.step_view("b").reason.as_deref(), Some("it waits for a slot: step_concurrency is 1"));
}

#[test]
fn the_width_of_a_loop_may_be_computed() {
    story("all: { for_each: { items: [1, 2, 3], concurrency: '${ workflow.input.width }' }, activity: one }")
        .start_with(json!({"width": 2}))
        .gives(&[
            "workflow.started",
            "step.started all#0",
            "step.started all/item#1",
            "task all/item#1",
            "step.started all/item:2#1",
            "task all/item:2#1",
        ])
        .at("1s", succeeded("all/item:2", 1))
        .gives_also("task all/item:3#1");
    story("all: { for_each: { items: [1], concurrency: '${ workflow.input.width }' }, activity: one }")
        .start_with(json!({"width": 1.5}))
        .fails_by("all", "ExpressionError");
}
