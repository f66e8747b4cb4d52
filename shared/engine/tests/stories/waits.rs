//! Waiting for time and for signals.

use sagaline_engine::state::MAILBOX_LIMIT;
use sagaline_events::{
    TimerKind,
    record::{Status, StepStatus},
};
use serde_json::json;

use crate::{
    inputs::{returned, signal, succeeded, timer},
    story::story,
};

#[test]
fn a_wait_is_over_when_its_time_is() {
    story("w: { wait: 1h }\nb: { after: w, activity: two }")
        .start()
        .gives(&["workflow.started", "step.waiting w for time until 1h"])
        .is(Status::Waiting)
        .step("w", StepStatus::Waiting)
        .timer_is_due("1h")
        .timer()
        .gives(&["step.resumed w", "step.completed w#0 in 1h", "step.started b#1", "task b#1"])
        .is(Status::Running);
}

#[test]
fn how_long_to_wait_may_be_computed() {
    story("a: { activity: one }\nw: { after: a, wait: '${ steps.a.output.pause }' }")
        .start()
        .at("1s", returned("a", 1, json!({"pause": 90})))
        .timer_is_due("1m31s");
    story("w: { wait: '${ workflow.input.pause }', on_error: continue }")
        .start_with(json!({"pause": null}))
        .gives_also("step.failed w#0 ExpressionError")
        .is(Status::Completed);
}

#[test]
fn a_wait_of_no_time_is_over_with_the_next_timer() {
    story("w: { wait: '${ 0 }' }").start().is(Status::Waiting).timer().is(Status::Completed);
}

#[test]
fn a_timer_that_comes_early_is_armed_again() {
    story("w: { wait: 1h }")
        .start()
        .at("59m", timer(TimerKind::Wait, "w", 0))
        .gives_nothing()
        .timer_is_due("1h")
        .timer()
        .is(Status::Completed);
}

#[test]
fn a_timer_of_what_is_over_changes_nothing() {
    story("w: { wait: 1h }\nb: { after: w, activity: two }")
        .start()
        .timer()
        .at("2h", timer(TimerKind::Wait, "w", 0))
        .gives_nothing()
        .at("2h", timer(TimerKind::Retry, "b", 1))
        .gives_nothing()
        .at("2h", timer(TimerKind::AwaitTimeout, "nobody", 0))
        .gives_nothing()
        .waits_for("b", 1);
}

#[test]
fn a_signal_ends_the_wait_for_it() {
    story("s: { await: approved }\nb: { after: s, activity: two, input: '${ steps.s.output.by }' }")
        .start()
        .gives(&["workflow.started", "step.waiting s for signal approved"])
        .is(Status::Waiting)
        .has_no_timer()
        .at("1s", signal("other", json!(1)))
        .gives_nothing()
        .at("2s", signal("approved", json!({"by": "ada"})))
        .gives(&["step.resumed s", "step.completed s#0 in 2s", "step.started b#1", "task b#1"])
        .gives_task_with("b", json!("ada"));
}

#[test]
fn a_signal_that_comes_before_the_wait_for_it_is_kept() {
    story("a: { activity: one }\ns: { after: a, await: approved }")
        .start()
        .at("1s", signal("approved", json!({"by": "ada"})))
        .gives_nothing()
        .at("2s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 2s", "step.completed s#0 in 0ms", "workflow.completed in 2s"])
        .ends_with(json!({"by": "ada"}));
}

#[test]
fn two_waits_for_the_same_signal_take_turns() {
    story("z: { await: go }\na: { activity: one }\nb: { after: a, await: go }")
        .start()
        .at("1s", succeeded("a", 1))
        .at("2s", signal("go", json!({"first": 1})))
        .gives(&["step.resumed z", "step.completed z#0 in 2s"])
        .at("3s", signal("go", json!({"second": 2})))
        .gives(&["step.resumed b", "step.completed b#0 in 2s", "workflow.completed in 3s"]);
}

#[test]
fn kept_signals_are_taken_in_the_order_in_which_they_came() {
    story("a: { activity: one }\nb: { after: a, await: go }\nc: { after: b, await: go }\nd: { after: c, activity: two, input: ['${ steps.b.output }', '${ steps.c.output }'] }")
        .start()
        .at("1s", signal("go", json!(1)))
        .at("2s", signal("other", json!(0)))
        .at("3s", signal("go", json!(2)))
        .at("4s", succeeded("a", 1))
        .gives_task_with("d", json!([1, 2]));
}

#[test]
fn a_wait_for_a_signal_may_end_in_failure() {
    story("s: { await: { signal: approved, timeout: 1h } }")
        .start()
        .gives(&["workflow.started", "step.waiting s for signal approved until 1h"])
        .timer()
        .gives(&["step.timed_out s#0", "workflow.failed Timeout by s in 1h"])
        .step("s", StepStatus::TimedOut)
        .fails_by("s", "Timeout");
}

#[test]
fn a_wait_for_a_signal_may_end_in_being_skipped() {
    story("s: { await: { signal: approved, timeout: 1h, on_timeout: skip } }\nb: { after: s, activity: two }")
        .start()
        .timer()
        .gives(&["step.skipped s: no signal `approved` came in time", "step.started b#1", "task b#1"])
        .step("s", StepStatus::Skipped)
        .at("2h", signal("approved", json!({})))
        .gives_nothing();
}

#[test]
fn a_signal_in_the_last_moment_counts() {
    story("s: { await: { signal: approved, timeout: 1h } }")
        .start()
        .at("1h", signal("approved", json!({})))
        .is(Status::Completed)
        .at("1h", timer(TimerKind::AwaitTimeout, "s", 0))
        .gives_nothing();
}

/// (Folded without the twins of a story: they would make this a square.)
#[test]
fn so_many_signals_wait_and_no_more() {
    use sagaline_engine::{Effect, apply};
    let mut story = story("a: { activity: one }").start();
    let plan = &story.definitions[&1];
    let now = story.execution.now;
    for count in 0..MAILBOX_LIMIT {
        assert_eq!(apply(&mut story.execution, Some(plan), &signal("go", json!(count)), now), []);
    }
    let effects = apply(&mut story.execution, Some(plan), &signal("go", json!("too many")), now);
    let [Effect::Reject { reason: "mailbox_full", detail }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(detail, "the signals that wait already and that no step took leave no room; `go` was not kept");
}
