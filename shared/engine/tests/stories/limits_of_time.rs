//! How long a step may wait for a worker, and how long all its attempts may take together.

use sagaline_events::{TimerKind, record::StepStatus};
use sagaline_model::{Plan, Span};
use serde_json::json;

use crate::{
    inputs::{began, failed, returned, snoozed, succeeded, timer},
    story::{BEGIN, Story, plan, story},
};

fn until(story: &Story) -> (String, String) {
    let [why] = &story.why()[..] else { panic!("one reason") };
    let until = why.until.expect("a time is known").since(BEGIN);
    (until.to_string(), why.ends.clone())
}

#[test]
fn an_attempt_that_no_worker_begins_in_time_fails_and_is_tried_again() {
    let story = story("a: { activity: one, schedule_timeout: 10s, retry: { attempts: 2, initial: 5s } }")
        .start()
        .gives(&["workflow.started", "step.scheduled a#1", "task a#1"])
        .step("a", StepStatus::Scheduled)
        .timer_is_due("10s");
    let (due, ends) = until(&story);
    assert_eq!(due, "10s");
    assert!(ends.starts_with("a worker begins, or its schedule_timeout at "), "{ends}");
    let task = story.execution.tasks(&story.definitions[&1]);
    assert_eq!((task[0].report, task[0].timeout), (true, None), "the worker is asked to report");
    story
        .timer()
        .gives(&["revoke a#1", "step.failed a#1 ScheduleTimeout, again at 15s"])
        .timer()
        .gives(&["step.scheduled a#2", "task a#2"])
        .timer_is_due("25s")
        .timer()
        .gives(&[
            "revoke a#2",
            "step.failed a#2 ScheduleTimeout",
            "workflow.failed ScheduleTimeout by a attempt 2 in 25s",
        ])
        .fails_by("a", "ScheduleTimeout");
}

#[test]
fn an_attempt_that_began_in_time_may_take_its_time() {
    story("a: { activity: one, schedule_timeout: 10s }")
        .start()
        .at("9s", began("a", 1))
        .gives(&["step.started a#1 by worker-1"])
        .has_no_timer()
        .at("10s", timer(TimerKind::ScheduleTimeout, "a", 1))
        .gives_nothing()
        .at("1h", succeeded("a", 1))
        .gives_also("workflow.completed in 1h");
}

#[test]
fn a_report_that_comes_too_late_changes_nothing() {
    story("a: { activity: one, schedule_timeout: 10s, retry: 2 }")
        .start()
        .timer()
        .at("11s", began("a", 1))
        .gives_nothing()
        .at("11s", succeeded("a", 1))
        .gives_nothing()
        .step("a", StepStatus::BackingOff);
}

#[test]
fn before_it_begins_one_limit_counts_and_then_the_other() {
    story("a: { activity: one, schedule_timeout: 10s, timeout: 3s }")
        .start()
        .timer_is_due("10s")
        .at("4s", began("a", 1))
        .timer_is_due("7s")
        .timer()
        .fails_by("a", "Timeout");
}

#[test]
fn all_attempts_together_have_a_limit() {
    let story = story("a: { activity: one, total_timeout: 10s, retry: { attempts: 9, initial: 4s, backoff: fixed } }")
        .start()
        .gives(&["workflow.started", "step.started a#1", "task a#1"])
        .timer_is_due("10s")
        .at("1s", failed("a", 1, "Busy"))
        .timer_is_due("5s")
        .timer()
        .gives(&["step.started a#2", "task a#2"])
        .timer_is_due("10s");
    assert!(until(&story).1.starts_with("the worker answers, or its total_timeout at "));
    let story = story
        .timer()
        .gives(&["revoke a#2", "step.timed_out a#2", "workflow.failed Timeout by a attempt 2 in 10s"])
        .fails_by("a", "Timeout")
        .step("a", StepStatus::TimedOut);
    let message = story.view().error.map(|error| error.message);
    assert_eq!(message.as_deref(), Some("its attempts took longer than its total_timeout of 10s"));
}

/// Nothing is gained by waiting for an attempt that could not begin.
#[test]
fn a_failure_that_leaves_no_time_for_another_attempt_is_the_last() {
    let story = story("a: { activity: one, total_timeout: 10s, retry: { attempts: 9, initial: 4s, backoff: fixed } }")
        .start()
        .at("6s", failed("a", 1, "Busy"))
        .gives(&["step.timed_out a#1", "workflow.failed Timeout by a attempt 1 in 6s"]);
    let message = story.view().error.map(|error| error.message).unwrap_or_default();
    let expected = "its total_timeout of 10s leaves no time for another attempt; \
                    the attempt before it failed with Busy: no luck";
    assert_eq!(message, expected);
}

#[test]
fn a_snooze_that_leaves_no_time_is_the_last_word() {
    story("a: { activity: one, total_timeout: 10s, on_error: skip }")
        .start()
        .at("1s", snoozed("a", 1, "8s"))
        .timer_is_due("9s")
        .timer()
        .at("9s", snoozed("a", 2, "1s"))
        .gives_also("step.timed_out a#2")
        .step("a", StepStatus::Skipped);
}

/// The owner was away, and the timer fired late.
#[test]
fn an_attempt_that_would_begin_too_late_does_not_begin() {
    story("a: { activity: one, total_timeout: 10s, retry: { attempts: 2, initial: 4s } }")
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .at("1m", timer(TimerKind::Retry, "a", 1))
        .gives(&["step.timed_out a#1", "workflow.failed Timeout by a attempt 1 in 1m"]);
}

#[test]
fn the_limit_that_comes_first_counts() {
    story("a: { activity: one, total_timeout: 10s, schedule_timeout: 20s, timeout: 1s, retry: 2 }")
        .start()
        .timer_is_due("10s")
        .at("2s", began("a", 1))
        .timer_is_due("3s");
    // Both at once: no other attempt follows.
    story("a: { activity: one, total_timeout: 10s, schedule_timeout: 10s, retry: 2 }")
        .start()
        .timer()
        .fails_by("a", "Timeout");
}

#[test]
fn a_total_timeout_is_an_error_that_can_be_caught() {
    story("t:\n  try:\n    a: { activity: one, total_timeout: 10s, retry: 5 }\n  catch: { errors: [Timeout], steps: { b: { activity: two } } }")
        .start()
        .timer()
        .gives_also("revoke t/a#1")
        .waits_for("t/b", 1);
}

#[test]
fn limits_may_be_computed() {
    story("a: { activity: one }\nb: { after: a, activity: two, schedule_timeout: '${ ctx.s }', total_timeout: '${ ctx.t }', heartbeat: '${ ctx.h }' }")
        .start()
        .at("1s", returned("a", 1, json!({"s": "1m", "t": "2m", "h": 15})))
        .timer_is_due("1m1s")
        .at("2s", began("b", 1))
        .timer_is_due("2m1s");
    story("a: { activity: one, total_timeout: '${ workflow.input }' }")
        .start_with(json!("soon"))
        .fails_by("a", "ExpressionError");
}

#[test]
fn a_heartbeat_goes_with_every_task_and_needs_no_report() {
    let story = story("a: { activity: one, heartbeat: 10s, retry: { attempts: 2, initial: 1s } }").start();
    let task = story.task("a");
    assert_eq!((task.heartbeat, task.report), (Some(Span::from_secs(10)), false));
    let story = story.has_no_timer().at("1s", failed("a", 1, "HeartbeatTimeout")).timer();
    assert_eq!(story.task("a").heartbeat, Some(Span::from_secs(10)));
}

/// An engine that knows nothing of them would run the step without.
#[test]
fn a_plan_with_limits_asks_for_rules_that_know_them() {
    for limit in ["schedule_timeout", "total_timeout", "heartbeat"] {
        let with = plan(&format!("steps: {{ a: {{ activity: one, {limit}: 1m }} }}"));
        assert_eq!(with.root.nodes[0].rules(), Plan::RULES_OF_CONTROL);
        assert_eq!(with.rules, Plan::RULES_OF_CONTROL);
    }
    let without = plan("steps: { a: { activity: one, timeout: 1m } }");
    assert_eq!(without.root.nodes[0].rules(), Plan::FIRST_RULES);
    assert!(!serde_json::to_string(&without).unwrap().contains("limits"));
}
