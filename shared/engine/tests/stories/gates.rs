//! Steps whose attempts pass gates: so many begin in a time, so many are at work at once.

use sagaline_events::{
    EntityKey, EntityWord, Input, Says, Ticket, TimerKind,
    input::{Pause, StepSnoozed},
    record::{Status, StepStatus},
};
use sagaline_model::{ExecutionId, Moment, Span};
use serde_json::json;

use crate::{
    inputs::{began, cancel, discarded, failed, skipped, snoozed, succeeded, timer},
    story::{BEGIN, Story, path, story, workflow},
};

const RATED: &str = "a: { activity: one, rate_limit: { limit: 10, per: 1s, name: api } }";
const LIMITED: &str =
    "a: { activity: one, limit: { limit: 3, name: api }, retry: { attempts: 2, initial: 1s, jitter: false } }";
const ALL: &str = "\
a:
  activity: one
  breaker: pay
  rate_limit: { limit: 1, per: 10s, name: api }
  limit: [{ limit: 2, name: b }, { limit: 3, name: a, key: \"${ workflow.input.tenant }\" }]
";

fn after(span: &str) -> Moment {
    BEGIN + span.parse::<Span>().unwrap()
}

/// What an entity says to the attempt that began to ask at this time.
fn says(entity: &str, attempt: u32, since: &str, says: Says) -> Input {
    let execution = ExecutionId::new("e").unwrap();
    let ticket = Ticket { since: after(since), execution, path: Some(path("a")), attempt };
    Input::Entity(EntityWord::new(EntityKey::try_from(entity.to_owned()).unwrap(), &ticket, says))
}

fn turn(attempt: u32, since: &str, at: &str) -> Input {
    says("~rate:api", attempt, since, Says::Reserved { at: after(at) })
}

fn granted(attempt: u32, since: &str) -> Input {
    says("~places:api", attempt, since, Says::Granted)
}

fn at_work() -> Story {
    story(LIMITED).start().at("1s", granted(1, "0s")).gives(&["step.started a#1", "task a#1"])
}

#[test]
fn an_attempt_begins_when_its_turn_has_come() {
    let waits = story(RATED)
        .start()
        .gives(&["workflow.started", "step.scheduled a#1", "~rate:api turn a#1 of 10 per 1s"])
        .step("a", StepStatus::Scheduled)
        .is(Status::Running)
        .at("1s", turn(1, "0s", "5s"))
        .gives(&["step.waiting a for ~rate:api until 5s"])
        .step("a", StepStatus::Waiting)
        .is(Status::Waiting)
        .timer_is_due("5s");
    let why = waits.why();
    assert_eq!((why[0].state.as_str(), why[0].until), ("waiting", Some(after("5s"))));
    assert!(why[0].cause.contains("~rate:api"), "{why:?}");
    waits
        // Another answer, of a question that came twice, changes nothing.
        .at("2s", turn(1, "0s", "9s"))
        .gives_nothing()
        .at("3s", timer(TimerKind::AskAgain, "a", 1))
        .gives_nothing()
        .timer()
        .gives(&["step.started a#1", "task a#1"])
        .at("6s", turn(1, "0s", "9s"))
        .gives_nothing()
        .at("7s", succeeded("a", 1))
        .is(Status::Completed);
}

#[test]
fn a_turn_that_is_there_waits_for_nothing() {
    story(RATED).start().at("1s", turn(1, "0s", "950ms")).gives(&["step.started a#1", "task a#1"]);
}

#[test]
fn who_comes_too_late_for_its_turn_asks_for_another() {
    story(RATED)
        .start()
        .at("1s", turn(1, "0s", "5s"))
        .at("5s101ms", timer(TimerKind::AskAgain, "a", 1))
        .gives(&["~rate:api turn a#1 of 10 per 1s"])
        // What the old question still brings is nobody's.
        .at("7s", turn(1, "0s", "7s"))
        .gives_nothing()
        .at("11s", turn(1, "5s101ms", "10s899ms"))
        .gives(&["~rate:api turn a#1 of 10 per 1s"])
        .step("a", StepStatus::Scheduled);
}

#[test]
fn after_the_third_that_was_missed_a_turn_is_good_for_longer() {
    story(RATED)
        .start()
        .at("2s", turn(1, "0s", "500ms"))
        .gives(&["~rate:api turn a#1 of 10 per 1s"])
        .at("4s", turn(1, "2s", "3s"))
        .gives(&["~rate:api turn a#1 of 10 per 1s"])
        .at("6s", turn(1, "4s", "5s"))
        .gives(&["~rate:api turn a#1 of 10 per 1s"])
        .at("8s", turn(1, "6s", "7s"))
        .gives(&["step.started a#1", "task a#1"]);
}

/// No worker was there in time, or the one that had it was killed.
#[test]
fn whose_turn_was_over_when_it_came_to_a_worker_takes_another_as_another_attempt() {
    let late = || match snoozed("a", 1, "0s") {
        Input::StepSnoozed(snoozed) => Input::StepSnoozed(StepSnoozed { late: true, ..snoozed }),
        other => other,
    };
    let begun = || story(RATED).start().at("1s", turn(1, "0s", "5s")).timer();
    assert_eq!(begun().task("a").begin_by, Some(after("5s100ms")));
    let again = begun()
        .at("20s", late())
        .gives(&["step.waiting a for time until 20s100ms"])
        .timer()
        .gives(&["step.scheduled a#2", "~rate:api turn a#2 of 10 per 1s"])
        // It says so twice.
        .at("21s", late())
        .gives_nothing()
        .at("22s", turn(2, "20s100ms", "30s"))
        .timer()
        .gives(&["step.started a#2", "task a#2"]);
    assert_eq!(again.task("a").begin_by, Some(after("30s100ms")));
    again.at("31s", failed("a", 2, "Busy")).fails_by("a", "Busy");
    let retried = "a: { activity: one, rate_limit: { limit: 10, per: 1s, name: api }, retry: { attempts: 2, initial: 1s, jitter: false } }";
    story(retried)
        .start()
        .at("1s", turn(1, "0s", "5s"))
        .timer()
        .at("20s", late())
        .timer()
        .at("22s", turn(2, "20s100ms", "30s"))
        .timer()
        // It is the first that counts.
        .at("31s", failed("a", 2, "Busy"))
        .gives(&["step.failed a#2 Busy, again at 32s"]);
}

#[test]
fn an_attempt_takes_a_place_and_gives_it_back_however_it_ends() {
    story(LIMITED)
        .start()
        .gives(&[
            "workflow.started",
            "step.scheduled a#1",
            "~places:api acquire a#1 of 3 Queue",
            "step.waiting a for ~places:api",
        ])
        .step("a", StepStatus::Waiting)
        .timer_is_due("1m");
    at_work().at("2s", succeeded("a", 1)).gives_also("~places:api release a#1").is(Status::Completed);
    at_work().at("2s", skipped("a", 1)).gives_also("~places:api release a#1").is(Status::Completed);
    at_work().at("2s", discarded("a", 1)).gives_also("~places:api release a#1").is(Status::Failed);
    at_work().at("2s", cancel("no")).gives_also("~places:api release a#1").is(Status::Cancelled);
    at_work()
        .at("2s", snoozed("a", 1, "1m"))
        .gives_also("~places:api release a#1")
        .timer()
        .gives_also("~places:api acquire a#2 of 3 Queue");
    at_work()
        .at("2s", failed("a", 1, "Busy"))
        .gives(&["~places:api release a#1", "step.failed a#1 Busy, again at 3s"])
        .timer()
        .gives(&["step.scheduled a#2", "~places:api acquire a#2 of 3 Queue", "step.waiting a for ~places:api"])
        .at("4s", granted(2, "3s"))
        .at("5s", failed("a", 2, "Busy"))
        .gives_also("~places:api release a#2")
        .fails_by("a", "Busy");
    story("a: { activity: one, limit: { limit: 3, name: api }, timeout: 5s, schedule_timeout: 1m }")
        .start()
        .at("10m", granted(1, "0s"))
        .gives(&["task a#1"])
        .timer_is_due("11m")
        .at("10m1s", began("a", 1))
        .timer()
        .gives_also("~places:api release a#1");
    story("a: { activity: one, limit: { limit: 3, name: api }, schedule_timeout: 1m }")
        .start()
        .at("1s", granted(1, "0s"))
        .timer()
        .gives_also("~places:api release a#1");
}

#[test]
fn who_does_not_wait_any_more_leaves_the_line_and_gives_back_what_still_comes() {
    story(LIMITED)
        .start()
        .at("1s", cancel("no"))
        .gives_also("~places:api release a#1")
        .at("2s", granted(1, "0s"))
        .gives(&["~places:api release a#1"]);
    // An old attempt's place, and a question after one that is at work.
    at_work()
        .at("2s", says("~places:api", 1, "0s", Says::StillThere))
        .gives_nothing()
        .at("2s", says("~places:other", 1, "0s", Says::StillThere))
        .gives(&["~places:other release a#1"])
        .at("3s", failed("a", 1, "Busy"))
        .at("3s", granted(1, "0s"))
        .gives(&["~places:api release a#1"]);
}

#[test]
fn while_nothing_is_heard_it_asks_again() {
    story(LIMITED)
        .start()
        .timer()
        .gives(&["~places:api acquire a#1 of 3 Queue"])
        .timer_is_due("3m")
        .at("2m", granted(1, "0s"))
        .gives_also("task a#1");
}

#[test]
fn gates_are_passed_in_the_order_of_their_names_and_then_the_breaker() {
    story(ALL)
        .start_with(json!({"tenant": "acme"}))
        .gives_also("~places:a:acme acquire a#1 of 3 Queue")
        .at("1s", says("~places:a:acme", 1, "0s", Says::Granted))
        .gives(&["~places:b acquire a#1 of 2 Queue", "step.waiting a for ~places:b"])
        // What it has it keeps.
        .at("2s", says("~places:a:acme", 1, "0s", Says::StillThere))
        .gives_nothing()
        .at("3s", says("~places:b", 1, "0s", Says::Granted))
        .gives(&["~rate:api turn a#1 of 1 per 10s"])
        .at("4s", turn(1, "0s", "9s"))
        .timer()
        .gives(&["~breaker:pay permit a#1"])
        .at("10s", says("~breaker:pay", 1, "0s", Says::Permitted))
        .gives(&["step.started a#1", "task a#1"])
        .at("11s", says("~places:b", 1, "0s", Says::StillThere))
        .gives_nothing()
        .at("12s", succeeded("a", 1))
        .gives(&[
            "~places:a:acme release a#1",
            "~places:b release a#1",
            "~breaker:pay outcome a#1 ok",
            "step.completed a#1 in 12s",
            "workflow.completed in 12s",
        ]);
}

#[test]
fn while_the_breaker_is_open_nothing_is_held_and_the_gates_are_passed_anew() {
    story(ALL)
        .start_with(json!({"tenant": "acme"}))
        .at("1s", says("~places:a:acme", 1, "0s", Says::Granted))
        .at("2s", says("~places:b", 1, "0s", Says::Granted))
        .at("3s", turn(1, "0s", "3s"))
        .gives(&["~breaker:pay permit a#1"])
        .at("4s", says("~breaker:pay", 1, "0s", Says::Delayed { until: after("30s") }))
        .gives(&[
            "~places:a:acme release a#1",
            "~places:b release a#1",
            "~breaker:pay outcome a#1 none",
            "step.waiting a for breaker pay until 30s",
        ])
        // It does not begin by what the breaker says to its first question.
        .at("5s", says("~breaker:pay", 1, "0s", Says::Permitted))
        .gives(&["~breaker:pay outcome a#1 none"])
        .timer()
        .gives_also("~places:a:acme acquire a#1 of 3 Queue")
        .at("31s", says("~places:a:acme", 1, "30s", Says::Granted))
        .gives_also("~places:b acquire a#1 of 2 Queue");
}

#[test]
fn a_cancel_between_two_gates_gives_back_what_it_has() {
    let told = story(ALL)
        .start_with(json!({"tenant": "acme"}))
        .at("1s", says("~places:a:acme", 1, "0s", Says::Granted))
        .at("2s", cancel("no"))
        .gives_also("~places:a:acme release a#1")
        .gives_also("~places:b release a#1");
    told.at("3s", says("~places:b", 1, "0s", Says::Granted)).gives(&["~places:b release a#1"]);
}

#[test]
fn the_time_of_all_attempts_passes_while_it_waits() {
    let limited = "a: { activity: one, total_timeout: 10s, limit: { limit: 3, name: api } }";
    story(limited).start().timer_is_due("10s").timer().gives_also("~places:api release a#1").fails_by("a", "Timeout");
    // A turn that comes too late for that is not waited for.
    story("a: { activity: one, total_timeout: 10s, rate_limit: { limit: 1, per: 1h, name: api } }")
        .start()
        .at("1s", turn(1, "0s", "20s"))
        .fails_by("a", "Timeout");
}

#[test]
fn a_pause_changes_nothing_for_who_waits_at_a_gate() {
    story(LIMITED)
        .start()
        .at("1s", Input::Pause(Pause { reason: None }))
        .at("2s", granted(1, "0s"))
        .gives(&["step.started a#1", "task a#1"])
        .at("3s", failed("a", 1, "Busy"))
        .timer()
        .gives_also("~places:api acquire a#2 of 3 Queue")
        .is(Status::Paused);
}

#[test]
fn without_a_name_attempts_of_the_same_activity_are_counted_together() {
    story("a: { activity: payments.charge, limit: 2, rate_limit: { limit: 5, per: 1m, burst: 5 } }")
        .start()
        .gives_also("~places:payments-charge acquire a#1 of 2 Queue")
        .at("1s", says("~places:payments-charge", 1, "0s", Says::Granted))
        .gives(&["~rate:payments-charge turn a#1 of 5 per 1m"]);
}

#[test]
fn a_key_that_cannot_be_computed_fails_the_step() {
    story("a: { activity: one, limit: { limit: 2, key: \"${ 1 / 0 }\" } }").start().fails_by("a", "ExpressionError");
}

#[test]
fn what_a_place_is_waited_for_is_said() {
    let why = story(LIMITED).start().why();
    assert!(why[0].cause.contains("`~places:api`"), "{why:?}");
    assert!(why[0].ends.contains("sagaline limits get ~places:api"), "{why:?}");
    let why = story(RATED).start().why();
    assert!(why[0].cause.contains("`~rate:api`"), "{why:?}");
}

#[test]
fn each_item_of_a_loop_has_gates_of_its_own() {
    workflow(
        "steps: { a: { for_each: [x, y], activity: one, limit: { limit: 1, name: \"api\", key: \"${ item }\" } } }",
    )
    .start()
    .gives_also("~places:api:x acquire a/item#1 of 1 Queue")
    .gives_also("~places:api:y acquire a/item:2#1 of 1 Queue");
}
