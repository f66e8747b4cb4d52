//! Beginning anew: the whole is tried again when it failed.

use sagaline_events::record::{Status, StepStatus};
use serde_json::json;

use crate::{
    inputs::{cancel, failed, failed_finally, returned, succeeded},
    story::workflow,
};

const TWICE: &str = "retry_workflow: { attempts: 2, initial: 1m }\non_failure: { activity: page }\nsteps: { a: { activity: one }, b: { after: a, activity: two, input: '${ ctx.n }' } }";

#[test]
fn everything_begins_anew_with_nothing_of_before_but_what_it_was_started_with() {
    workflow(TWICE)
        .start_with(json!({"n": "given"}))
        .at("1s", returned("a", 1, json!({"n": "made"})))
        .at("2s", failed("b", 1, "Broken"))
        .gives(&["step.failed b#1 Broken", "workflow.retried #1 Broken, again at 1m2s"])
        .is(Status::Running)
        .step("a", StepStatus::Pending)
        .timer()
        .gives(&["step.started a#2", "task a#2"])
        .at("2m", succeeded("b", 1))
        .gives_nothing()
        .at("2m", succeeded("a", 1))
        .gives_nothing()
        .at("2m", succeeded("a", 2))
        .gives_task_with("b", json!("given"))
        .gives_also("task b#2")
        .at("3m", failed("b", 2, "Broken"))
        .gives(&["step.failed b#2 Broken", "step.started on_failure#2", "task on_failure#2"])
        .at("3m", succeeded("on_failure", 2))
        .fails_by("b", "Broken");
}

#[test]
fn the_second_time_it_may_succeed_and_people_see_which_attempt_it_was() {
    let told = workflow(TWICE).start_with(json!({"n": 1})).at("1s", failed("a", 1, "Busy"));
    assert_eq!(told.view().attempt, Some(1));
    let why = told.why();
    assert_eq!(
        (why[0].state.as_str(), why[0].cause.as_str()),
        ("backing_off", "attempt 1 of the whole failed: step `a` failed with Busy: no luck")
    );
    let told = told.timer().at("2m", succeeded("a", 2)).at("3m", succeeded("b", 2)).is(Status::Completed);
    assert_eq!(told.view().attempt, Some(2));
}

#[test]
fn retries_of_steps_count_anew_in_each_round() {
    workflow("retry_workflow: { attempts: 2, initial: 1s }\nsteps: { a: { activity: one, retry: { attempts: 2, initial: 1s } } }")
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .timer()
        .at("3s", failed("a", 2, "Busy"))
        .gives_also("workflow.retried #1 Busy, again at 4s")
        .timer()
        .gives(&["step.started a#3", "task a#3"])
        .at("5s", failed("a", 3, "Busy"))
        .gives(&["step.failed a#3 Busy, again at 6s"])
        .timer()
        .at("7s", failed("a", 4, "Busy"))
        .fails_by("a", "Busy");
}

#[test]
fn what_is_final_or_cancelled_or_out_of_time_is_not_tried_again() {
    workflow(TWICE).start().at("1s", failed_finally("a", 1, "Never")).gives_also("task on_failure#1");
    workflow("retry_workflow: 3\nsteps: { a: { activity: one } }").start().at("1s", cancel("no")).is(Status::Cancelled);
    let keys = "retry_workflow: { attempts: 9, initial: 1h }\ntimeout: 10m\nsteps: { a: { activity: one } }";
    workflow(keys)
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .timer_is_due("10m")
        .timer()
        .gives(&["workflow.timed_out in 10m"]);
    workflow(keys)
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .at("2s", cancel("no"))
        .gives(&["workflow.cancelled no in 2s"]);
}

#[test]
fn it_may_be_paused_between_two_attempts() {
    use sagaline_events::{
        Input,
        input::{Pause, Resume},
    };
    workflow(TWICE)
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .at("2s", Input::Pause(Pause { reason: None }))
        .timer()
        .gives_nothing()
        .is(Status::Paused)
        .at("1h", Input::Resume(Resume { context: Default::default() }))
        .gives(&["workflow.resumed", "step.started a#2", "task a#2"]);
}

#[test]
fn the_delay_may_be_computed_and_steps_may_read_which_attempt_it_is() {
    workflow("retry_workflow: { attempts: 3, backoff: \"${ error.type == 'Busy' ? attempt * 10 : 1 }\" }\nsteps: { a: { activity: one, input: '${ execution.attempt }' } }")
        .start()
        .gives_task_with("a", json!(1))
        .at("1s", failed("a", 1, "Busy"))
        .timer_is_due("11s")
        .timer()
        .gives_task_with("a", json!(2))
        .at("12s", failed("a", 2, "Busy"))
        .timer_is_due("32s");
}

#[test]
fn the_delays_may_be_computed() {
    let delays = "{ attempts: 3, initial: '${ attempt * 10 }', max: '${ workflow.input }', backoff: fixed }";
    workflow(&format!("retry_workflow: {delays}\nsteps: {{ a: {{ activity: one }} }}"))
        .start_with(json!("15s"))
        .at("0s", failed("a", 1, "Busy"))
        .timer_is_due("10s")
        .timer()
        .at("10s", failed("a", 2, "Busy"))
        .timer_is_due("25s");
}
