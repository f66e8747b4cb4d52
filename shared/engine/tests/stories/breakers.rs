//! Steps that ask a breaker before each attempt, and tell it how the attempt ended.

use sagaline_events::{
    EntityKey, EntityWord, Input, Says, Ticket, TimerKind,
    record::{Status, StepStatus},
};
use sagaline_model::{ExecutionId, Moment, Span};

use crate::{
    inputs::{began, cancel, discarded, failed, skipped, snoozed, succeeded, timer},
    story::{BEGIN, Story, path, story},
};

const STEP: &str = "a: { activity: one, breaker: pay, retry: { attempts: 2, initial: 1s, jitter: false } }";

fn after(span: &str) -> Moment {
    BEGIN + span.parse::<Span>().unwrap()
}

/// What the breaker says to the attempt that first asked at this time.
fn says(attempt: u32, since: &str, says: Says) -> Input {
    let execution = ExecutionId::new("e").unwrap();
    let ticket = Ticket { since: after(since), execution, path: Some(path("a")), attempt };
    Input::Entity(EntityWord::new(EntityKey::try_from("~breaker:pay".to_owned()).unwrap(), &ticket, says))
}

fn delayed(until: &str) -> Says {
    Says::Delayed { until: after(until) }
}

fn begun() -> Story {
    story(STEP).start().at("1s", says(1, "0s", Says::Permitted)).gives(&["step.started a#1", "task a#1"])
}

#[test]
fn each_attempt_asks_and_is_reported() {
    story(STEP)
        .start()
        .gives(&["workflow.started", "step.scheduled a#1", "~breaker:pay permit a#1"])
        .step("a", StepStatus::Scheduled)
        .is(Status::Running);
    begun()
        .at("2s", failed("a", 1, "Busy"))
        .gives(&["~breaker:pay outcome a#1 failed", "step.failed a#1 Busy, again at 3s"])
        .timer()
        .gives(&["step.scheduled a#2", "~breaker:pay permit a#2"])
        .at("4s", says(2, "3s", Says::Permitted))
        .gives(&["step.started a#2", "task a#2"])
        .at("5s", succeeded("a", 2))
        .gives_also("~breaker:pay outcome a#2 ok")
        .is(Status::Completed);
}

#[test]
fn what_says_nothing_about_the_other_side_is_reported_as_such() {
    begun().at("2s", cancel("no")).gives_also("~breaker:pay outcome a#1 none");
    begun().at("2s", discarded("a", 1)).gives_also("~breaker:pay outcome a#1 none");
    begun().at("2s", snoozed("a", 1, "1m")).gives_also("~breaker:pay outcome a#1 none");
    begun().at("2s", skipped("a", 1)).gives_also("~breaker:pay outcome a#1 ok");
}

#[test]
fn running_out_of_time_is_a_failure_unless_nobody_began() {
    story("a: { activity: one, breaker: pay, timeout: 5s, schedule_timeout: 1m }")
        .start()
        .at("1s", says(1, "0s", Says::Permitted))
        .at("2s", began("a", 1))
        .timer()
        .gives_also("~breaker:pay outcome a#1 failed");
    story("a: { activity: one, breaker: pay, schedule_timeout: 1m }")
        .start()
        .at("1s", says(1, "0s", Says::Permitted))
        .timer()
        .gives_also("~breaker:pay outcome a#1 none");
    story("a: { activity: one, breaker: pay, total_timeout: 1m }")
        .start()
        .at("1s", says(1, "0s", Says::Permitted))
        .timer()
        .gives_also("~breaker:pay outcome a#1 failed");
}

#[test]
fn while_it_is_open_the_attempt_waits() {
    let waits = story(STEP)
        .start()
        .at("1s", says(1, "0s", delayed("30s")))
        .gives(&["step.waiting a for breaker pay until 30s"])
        .step("a", StepStatus::Waiting)
        .is(Status::Waiting)
        .timer_is_due("30s");
    let why = waits.why();
    assert_eq!((why[0].state.as_str(), why[0].until), ("waiting", Some(after("30s"))));
    assert!(why[0].cause.contains("~breaker:pay"), "{why:?}");
    waits
        .at("10s", timer(TimerKind::AskAgain, "a", 1))
        .gives_nothing()
        .timer()
        .gives(&["~breaker:pay permit a#1"])
        .at("31s", says(1, "0s", Says::Permitted))
        .gives(&["step.started a#1", "task a#1"])
        // The same once more: it is at work.
        .at("32s", says(1, "0s", Says::Permitted))
        .gives_nothing()
        .at("33s", says(1, "0s", delayed("1m")))
        .gives_nothing();
}

#[test]
fn or_it_fails_and_is_retried_as_any() {
    story("a: { activity: one, breaker: { name: pay, when_open: fail }, retry: { attempts: 2, initial: 1s, jitter: false } }")
        .start()
        .at("1s", says(1, "0s", delayed("30s")))
        .gives(&["~breaker:pay outcome a#1 none", "step.failed a#1 BreakerOpen, again at 2s"])
        .timer()
        .gives(&["step.scheduled a#2", "~breaker:pay permit a#2"])
        .at("3s", says(2, "2s", delayed("30s")))
        .fails_by("a", "BreakerOpen");
}

#[test]
fn who_does_not_wait_any_more_gives_back_what_it_is_let_to_do() {
    story(STEP)
        .start()
        .at("1s", cancel("no"))
        .gives_also("~breaker:pay outcome a#1 none")
        .at("2s", says(1, "0s", Says::Permitted))
        .gives(&["~breaker:pay outcome a#1 none"]);
    begun()
        .at("2s", failed("a", 1, "Busy"))
        .at("2s", says(1, "0s", Says::Permitted))
        .gives(&["~breaker:pay outcome a#1 none"])
        .at("2s", says(1, "0s", delayed("1m")))
        .gives_nothing();
}

#[test]
fn the_time_of_all_attempts_passes_while_it_waits() {
    story("a: { activity: one, breaker: pay, total_timeout: 10s }")
        .start()
        .at("1s", says(1, "0s", delayed("30s")))
        .timer_is_due("10s")
        .timer()
        .gives_also("~breaker:pay outcome a#1 none")
        .fails_by("a", "Timeout");
}

#[test]
fn while_nothing_is_heard_it_asks_again() {
    story(STEP)
        .start()
        .timer()
        .gives(&["~breaker:pay permit a#1"])
        .timer_is_due("3m")
        .at("2m", says(1, "0s", Says::Permitted))
        .gives_also("task a#1");
}

#[test]
fn the_rule_travels_with_the_question() {
    let plan = "a: { activity: one, breaker: { name: pay, threshold: 3, window: 1m, reset: 10s, probes: 2 } }";
    let told = story(plan).start();
    let asked = told.asked();
    let rule = serde_json::to_value(&asked.rule).unwrap();
    assert_eq!(rule, serde_json::json!({"threshold": 3, "window": "1m", "reset": "10s", "probes": 2}));
}
