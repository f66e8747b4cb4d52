//! What may have had its effect: completed, unknown, or failed and undone all the same.

use sagaline_events::{TimerKind, record::Status};
use serde_json::json;

use super::{actions, request};
use crate::{
    inputs::{began, claimed, discarded, failed, failed_finally, rollback, skipped, timer, undone},
    story::{Story, story, workflow},
};

fn once(step: &str) -> Story {
    story(&format!("a: {{ activity: one, {step} compensate: un }}")).start()
}

#[test]
fn an_attempt_that_never_began_has_no_effect() {
    once("").at("1s", rollback("no")).gives(&["revoke a#1", "step.cancelled a#1", "workflow.cancelled no in 1s"]);
    once("").at("1s", discarded("a", 1)).gives_also("workflow.failed TaskDiscarded by a attempt 1 in 1s");
    once("schedule_timeout: 5s,").at("1s", rollback("no")).is(Status::Cancelled);
}

#[test]
fn who_says_that_it_failed_or_had_nothing_to_do_has_no_effect() {
    once("").at("1s", began("a", 1)).at("2s", failed("a", 1, "Busy")).is(Status::Failed);
    once("").at("1s", began("a", 1)).at("2s", skipped("a", 1)).is(Status::Completed);
}

#[test]
fn who_ran_out_of_time_may_have_had_its_effect() {
    // The worker says so itself.
    for kind in ["Timeout", "HeartbeatTimeout", "Panic", "Cancelled"] {
        once("").at("1s", began("a", 1)).at("2s", failed("a", 1, kind)).gives_also("undo of failed: a?");
    }
    // The engine does, and waits for what the worker may say still.
    let late = || once("timeout: 10s,").at("1s", began("a", 1)).timer();
    late().gives(&["revoke a#1", "step.timed_out a#1"]).is(Status::Compensating).timer_is_due("15s");
    late().timer().gives(&["undo of failed: a?"]);
    late().at("12s", failed("a", 1, "Timeout")).gives(&["undo of failed: a?"]);
    late().at("12s", failed("a", 1, "Busy")).gives(&["workflow.failed Timeout by a attempt 1 in 12s"]);
    late().at("12s", claimed("a", 1, json!(7))).gives(&["undo of failed: a"]);
}

#[test]
fn one_attempt_that_nobody_knows_of_is_enough() {
    let tried = || once("retry: { attempts: 2, initial: 1s, jitter: false },").at("1s", began("a", 1));
    tried()
        .at("2s", failed("a", 1, "Timeout"))
        .timer()
        .at("4s", began("a", 2))
        .at("5s", failed_finally("a", 2, "Busy"))
        .gives_also("undo of failed: a?");
    let story = tried().at("2s", failed("a", 1, "Timeout")).timer().at("4s", began("a", 2));
    // Its effect is known then.
    story.at("5s", claimed("a", 2, json!(1))).is(Status::Completed);
}

#[test]
fn a_task_that_is_removed_while_it_runs_may_have_had_its_effect() {
    once("")
        .at("1s", began("a", 1))
        .at("2s", discarded("a", 1))
        .is(Status::Compensating)
        .timer_is_due("32s")
        .timer()
        .gives(&["undo of failed: a?"]);
}

#[test]
fn what_was_attempted_is_undone_where_the_definition_says_so() {
    let attempted = "a: { activity: one, retry: 2, compensate: { on: attempted, actions: [un, deux] } }";
    let story = story(attempted).start().at("1s", began("a", 1)).at("2s", failed("a", 1, "Busy"));
    let story = story.at("3s", rollback("enough")).gives(&["step.cancelled a#1", "undo of cancelled: a!"]);
    // One that says that it never began has attempted nothing.
    let settling = |answer| {
        let at_work = super::super::story::story(attempted).start().at("1s", began("a", 1)).at("2s", rollback("no"));
        at_work.at("3s", answer)
    };
    settling(failed("a", 1, "NotBegun")).gives(&["workflow.cancelled no in 3s"]);
    settling(failed("a", 1, "Cancelled")).gives(&["undo of cancelled: a?"]);
    let actions = actions(&story, "a");
    assert_eq!(actions.iter().map(|action| action.activity.as_str()).collect::<Vec<_>>(), ["un", "deux"]);
    assert_eq!((&actions[0].input["outcome"], &actions[0].input["error"]["type"]), (&json!("failed"), &json!("Busy")));
}

#[test]
fn expressions_see_what_was_there_when_the_step_ended() {
    let looped = "
steps:
  all:
    for_each: { items: ['x', 'y'], as: thing, concurrency: 1 }
    activity: one
    input: { of: '${ thing }' }
    compensate:
      activity: un
      queue: slow
      timeout: '${ string(output.n) + \"s\" }'
      metadata: { why: undone }
      allow_skip: true
      retry: 3
      input: ['${ thing }', '${ index }', '${ input.of }', '${ outcome }', '${ idempotency_key }', '${ ctx.n }']
  late: { after: all, activity: two }
";
    let story = workflow(looped)
        .start()
        .at("1s", began("all/item", 1))
        .at("2s", claimed("all/item", 1, json!({"n": 7})))
        .at("3s", began("all/item:2", 1))
        .at("4s", claimed("all/item:2", 1, json!({"n": 8})))
        .at("5s", failed("late", 1, "Busy"))
        .gives(&["step.failed late#1 Busy", "undo of failed: all/item:2, all/item after all/item:2"]);
    let second = actions(&story, "all/item:2").remove(0);
    assert_eq!(second.input, json!(["y", 1, "y", "completed", "e/all/item:2", null]));
    assert_eq!((second.queue.as_str(), second.timeout.unwrap().to_string().as_str()), ("slow", "8s"));
    assert_eq!((second.retry.attempts, second.allow_skip, &second.metadata), (3, true, &json!({"why": "undone"})));
}

#[test]
fn what_cannot_be_computed_is_kept_with_its_fault() {
    let broken = "
a: { activity: one, compensate: { activity: un, input: '${ 1 / output.n }' } }
b: { after: a, activity: two }
";
    let story = story(broken).start().at("1s", began("a", 1)).at("2s", claimed("a", 1, json!({"n": 0})));
    let story = story.at("3s", failed("b", 1, "Busy")).gives_also("undo of failed: a");
    let action = actions(&story, "a").remove(0);
    assert_eq!((action.fault.unwrap().kind.as_str(), action.input.is_null()), ("ExpressionError", true));
}

#[test]
fn who_answers_late_is_computed_with_what_was_there_when_it_was_given_up() {
    let race = "
steps:
  each:
    for_each: { items: [{ id: 5 }], as: thing }
    race:
      slow: { activity: one, compensate: { activity: un, input: ['${ thing.id }', '${ output.id }', '${ outcome }'] } }
      fast: { activity: two }
  last: { after: each, activity: three }
";
    let lost = || {
        workflow(race)
            .start()
            .at("1s", began("each/item/slow", 1))
            .at("2s", claimed("each/item/fast", 1, json!(1)))
            .gives_also("revoke each/item/slow#1")
    };
    let story = lost().at("3s", claimed("each/item/slow", 1, json!({"id": 9}))).gives_nothing();
    let story = story.at("4s", failed("last", 1, "Busy")).gives_also("undo of failed: each/item/slow");
    assert_eq!(actions(&story, "each/item/slow")[0].input, json!([5, 9, "completed"]));
    // Without an answer it is unknown, once there was time for one.
    let story =
        lost().at("3s", failed("last", 1, "Busy")).gives(&["step.failed last#1 Busy"]).timer_is_due("32s").timer();
    let story = story.gives(&["undo of failed: each/item/slow?"]);
    assert_eq!(actions(&story, "each/item/slow")[0].input, json!([5, null, "unknown"]));
    assert_eq!(request(&story).steps.len(), 1);
}

#[test]
fn who_succeeds_when_its_saga_is_at_work_is_told_to_that_one() {
    let unknown = || once("").at("1s", began("a", 1)).at("2s", failed("a", 1, "Timeout"));
    unknown()
        .at("3s", claimed("a", 1, json!({"id": 3})))
        .gives(&["late a#1 {\"id\":3}"])
        .at("4s", undone(&["a"]))
        .is(Status::RolledBack)
        .at("5s", claimed("a", 1, json!({"id": 3})))
        .gives(&["late a#1 {\"id\":3}"]);
    // What is known is not told again.
    let known = || story("a: { activity: one, compensate: un }\nb: { after: a, activity: two }").start();
    known()
        .at("1s", began("a", 1))
        .at("2s", claimed("a", 1, json!(1)))
        .at("3s", failed("b", 1, "Busy"))
        .gives_also("undo of failed: a")
        .at("4s", claimed("a", 1, json!(1)))
        .gives_nothing();
    // Nor is anything undone of what completed, or was never undone.
    known()
        .at("1s", began("a", 1))
        .at("2s", claimed("a", 1, json!(1)))
        .at("3s", claimed("b", 1, json!(1)))
        .is(Status::Completed)
        .at("4s", claimed("a", 1, json!(1)))
        .gives_nothing();
}

#[test]
fn of_what_nothing_is_known_any_more_a_saga_may_know() {
    story("a: { activity: one, compensate: un }").at("0s", claimed("a", 1, json!(4))).gives(&["late a#1 4"]);
}

#[test]
fn a_timer_that_comes_too_early_settles_nothing() {
    once("timeout: 10s,")
        .at("1s", began("a", 1))
        .timer()
        .at("12s", timer(TimerKind::Settle, "a", 1))
        .gives_nothing()
        .at("13s", sagaline_events::Input::Timer(sagaline_events::TimerName::of_execution(TimerKind::Settle)))
        .gives_nothing();
}
