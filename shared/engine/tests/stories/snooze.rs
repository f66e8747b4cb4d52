//! Activities that say that it is too early.

use sagaline_events::{
    TimerKind,
    record::{Status, StepStatus},
};
use sagaline_model::Span;

use crate::{
    inputs::{began, cancel, failed, snoozed, succeeded, timer},
    story::{story, workflow},
};

#[test]
fn a_step_that_was_too_early_comes_again_when_it_said() {
    story("a: { activity: one }\nb: { after: a, activity: two }")
        .start()
        .at("1s", snoozed("a", 1, "10m"))
        .gives(&["step.waiting a for time until 10m1s"])
        .step("a", StepStatus::Waiting)
        .is(Status::Waiting)
        .timer_is_due("10m1s")
        .timer()
        .gives(&["step.started a#2", "task a#2"])
        .waits_for("a", 2)
        .at("11m", succeeded("a", 2))
        .gives_also("step.completed a#2 in 11m")
        .waits_for("b", 1);
}

#[test]
fn the_reason_is_there_for_people_and_the_task_is_the_same_again() {
    let story = story("a: { activity: one, input: { n: '${ workflow.input }' } }")
        .start_with(serde_json::json!(7))
        .at("1s", snoozed("a", 1, "1m"));
    assert_eq!(story.step_view("a").reason.as_deref(), Some("not yet"));
    story.timer().gives_task_with("a", serde_json::json!({"n": 7}));
}

/// With one attempt, a step may be too early as often as it likes.
#[test]
fn to_be_too_early_does_not_count_against_the_retries() {
    let mut story = story("a: { activity: one }").start();
    for attempt in 1..=20 {
        story = story.then(snoozed("a", attempt, "1s")).timer().waits_for("a", attempt + 1);
    }
    story.then(failed("a", 21, "Broken")).fails_by("a", "Broken");
}

#[test]
fn delays_of_retries_grow_with_the_failures_alone() {
    story("a: { activity: one, retry: { attempts: 3, initial: 2s, backoff: linear } }")
        .start()
        .at("0s", snoozed("a", 1, "1s"))
        .timer()
        .at("1s", failed("a", 2, "Busy"))
        .gives(&["step.failed a#2 Busy, again at 3s"])
        .timer()
        .at("3s", snoozed("a", 3, "1s"))
        .timer()
        .at("4s", failed("a", 4, "Busy"))
        .gives(&["step.failed a#4 Busy, again at 8s"])
        .timer()
        .at("8s", failed("a", 5, "Busy"))
        .gives(&["step.failed a#5 Busy", "workflow.failed Busy by a attempt 5 in 8s"]);
}

#[test]
fn a_backoff_that_is_computed_sees_the_failures_alone() {
    story("a: { activity: one, retry: { attempts: 3, backoff: '${ attempt * 10 }' } }")
        .start()
        .at("0s", snoozed("a", 1, "1s"))
        .timer()
        .at("1s", failed("a", 2, "Busy"))
        .timer_is_due("11s");
}

#[test]
fn nobody_can_be_too_early_in_a_tight_circle() {
    story("a: { activity: one }").start().at("1s", snoozed("a", 1, "0ms")).timer_is_due("1s100ms");
}

#[test]
fn an_attempt_that_nobody_waits_for_cannot_be_too_early() {
    story("a: { activity: one }")
        .start()
        .at("1s", snoozed("a", 2, "1m"))
        .gives_nothing()
        .at("1s", snoozed("a", 1, "1m"))
        .at("2s", snoozed("a", 1, "1h"))
        .gives_nothing()
        .timer_is_due("1m1s")
        .at("3s", succeeded("a", 1))
        .gives_nothing()
        .at("4s", timer(TimerKind::Snooze, "a", 1))
        .gives_nothing()
        .at("5s", timer(TimerKind::Retry, "a", 1))
        .gives_nothing()
        .step("a", StepStatus::Waiting)
        .timer()
        .at("2m", timer(TimerKind::Snooze, "a", 1))
        .gives_nothing()
        .waits_for("a", 2);
}

#[test]
fn the_limits_of_an_attempt_begin_anew_after_a_snooze() {
    story("a: { activity: one, timeout: 5s }")
        .start()
        .at("1s", began("a", 1))
        .at("2s", snoozed("a", 1, "1m"))
        .timer_is_due("1m2s")
        .timer()
        .gives(&["step.scheduled a#2", "task a#2"])
        .has_no_timer()
        .at("2m", began("a", 2))
        .timer_is_due("2m5s");
}

#[test]
fn a_snooze_beyond_the_end_of_the_workflow_is_cut_off_by_it() {
    workflow("timeout: 1m\nsteps: { a: { activity: one } }")
        .start()
        .at("1s", snoozed("a", 1, "30d"))
        .timer_is_due("1m")
        .timer()
        .gives(&["step.cancelled a#1", "workflow.timed_out in 1m"])
        .is(Status::TimedOut);
}

#[test]
fn what_is_too_early_can_be_cancelled() {
    story("a: { activity: one }")
        .start()
        .at("1s", snoozed("a", 1, "1h"))
        .at("2s", cancel("enough"))
        .gives(&["step.cancelled a#1", "workflow.cancelled enough in 2s"])
        .at("2h", timer(TimerKind::Snooze, "a", 1))
        .gives_nothing();
}

#[test]
fn why_says_that_it_was_too_early() {
    let story = story("a: { activity: one }").start().at("1s", snoozed("a", 1, "1h"));
    let [why] = &story.why()[..] else { panic!("one reason") };
    assert_eq!((why.state.as_str(), why.cause.as_str()), ("waiting", "attempt 1 said that it is too early: not yet"));
    assert!(why.ends.starts_with("attempt 2 begins at 2026-01-01T01:00:01"), "{}", why.ends);
    assert_eq!(why.until.map(|until| until.since(crate::story::BEGIN)), Some(Span::from_secs(3601)));
}
