//! Races, cases, what is tried, values, failures on purpose, and waiting for any of several.

use sagaline_events::record::{Status, StepStatus};
use serde_json::json;

use crate::{
    inputs::{failed, failed_finally, returned, skipped, succeeded},
    story::story,
};

const RACE: &str = "
quote:
  race:
    fast: { activity: one }
    slow: { activity: two }
buy: { after: quote, activity: three, input: '${ steps.quote.output }' }
";

#[test]
fn the_first_in_a_race_wins_and_the_others_are_cancelled() {
    story(RACE)
        .start()
        .gives(&[
            "workflow.started",
            "step.started quote#0",
            "step.started quote/fast#1",
            "task quote/fast#1",
            "step.started quote/slow#1",
            "task quote/slow#1",
        ])
        .at("1s", returned("quote/slow", 1, json!({"price": 7})))
        .gives(&[
            "step.completed quote/slow#1 in 1s",
            "revoke quote/fast#1",
            "step.cancelled quote/fast#1",
            "step.completed quote#0 in 1s",
            "step.started buy#1",
            "task buy#1",
        ])
        .gives_task_with("buy", json!({"price": 7}))
        .at("2s", returned("quote/fast", 1, json!({"price": 1})))
        .gives_nothing()
        .at("3s", succeeded("buy", 1))
        .ends_with(json!({"price": 7}));
}

#[test]
fn who_fails_in_a_race_is_out_of_it_and_the_last_who_fails_fails_it() {
    story(RACE)
        .start()
        .at("1s", failed("quote/fast", 1, "Down"))
        .gives(&["step.failed quote/fast#1 Down"])
        .is(Status::Running)
        .at("2s", succeeded("quote/slow", 1))
        .gives_also("step.completed quote#0 in 2s");
    story(RACE)
        .start()
        .at("1s", failed("quote/fast", 1, "Down"))
        .at("2s", failed("quote/slow", 1, "Late"))
        .fails_by("quote/slow", "Late")
        .step("quote", StepStatus::Failed);
}

#[test]
fn a_race_that_nobody_ended_is_skipped_or_failed() {
    story(RACE)
        .start()
        .at("1s", skipped("quote/fast", 1))
        .at("2s", skipped("quote/slow", 1))
        .gives_also("step.skipped quote: none of those that ran completed")
        .gives_task_with("buy", json!(null));
    story(RACE)
        .start()
        .at("1s", failed("quote/fast", 1, "Down"))
        .at("2s", skipped("quote/slow", 1))
        .is(Status::Failed)
        .step("quote", StepStatus::Failed);
}

#[test]
fn one_who_wins_at_once_leaves_the_others_unbegun() {
    story("r: { race: { a: { set: { n: 1 } }, b: { activity: one } } }")
        .start()
        .gives(&[
            "workflow.started",
            "step.started r#0",
            "step.completed r/a#0 in 0ms",
            "step.completed r#0 in 0ms",
            "workflow.completed in 0ms",
        ])
        .ends_with(json!({"n": 1}));
}

const SWITCH: &str = "
check: { activity: check }
route:
  after: check
  switch:
    - { when: '${ ctx.stock > 10 }', steps: { ship: { activity: ship }, tell: { after: ship, activity: tell } } }
    - { when: '${ ctx.stock > 0 }', steps: { part: { activity: part } } }
    - steps: { order: { activity: order } }
end: { after: route, activity: end }
";

#[test]
fn the_first_case_that_holds_is_run_and_no_other() {
    story(SWITCH)
        .start()
        .at("1s", returned("check", 1, json!({"stock": 5})))
        .gives(&[
            "step.completed check#1 in 1s",
            "step.started route#0",
            "step.started route/part#1",
            "task route/part#1",
        ])
        .step("route/ship", StepStatus::Skipped)
        .step("route/tell", StepStatus::Skipped)
        .at("2s", succeeded("route/part", 1))
        .gives_also("task end#1")
        .step("route/order", StepStatus::Skipped)
        .at("3s", succeeded("end", 1))
        .is(Status::Completed);
    story(SWITCH)
        .start()
        .at("1s", returned("check", 1, json!({"stock": 50})))
        .gives_also("task route/ship#1")
        .at("2s", succeeded("route/ship", 1))
        .gives_also("task route/tell#1");
    story(SWITCH).start().at("1s", succeeded("check", 1)).gives_also("task route/order#1");
}

#[test]
fn a_switch_of_which_no_case_holds_is_skipped() {
    story("a: { switch: [{ when: false, steps: { b: { activity: one } } }] }\nc: { after: a, activity: two }")
        .start()
        .gives(&["workflow.started", "step.skipped a: no case of it applies", "step.started c#1", "task c#1"])
        .step("a/b", StepStatus::Skipped);
}

const TRY: &str = "
pay:
  try:
    charge: { activity: charge }
    note: { activity: note }
  catch:
    errors: [Declined]
    steps:
      tell: { activity: tell, input: { why: '${ error.type }', note: '${ steps.note.output }' } }
done: { after: pay, activity: done }
";

#[test]
fn what_fails_is_caught_and_what_runs_beside_it_is_cancelled() {
    story(TRY)
        .start()
        .at("1s", failed_finally("pay/charge", 1, "Declined"))
        .gives(&[
            "step.failed pay/charge#1 Declined",
            "revoke pay/note#1",
            "step.cancelled pay/note#1",
            "step.started pay/tell#1",
            "task pay/tell#1",
        ])
        .gives_task_with("pay/tell", json!({"why": "Declined", "note": null}))
        .at("2s", returned("pay/tell", 1, json!({"told": true})))
        .gives_also("step.completed pay#0 in 2s")
        .gives_also("task done#1")
        .at("3s", succeeded("done", 1))
        .ends_with(json!({"told": true}));
}

#[test]
fn what_is_not_caught_and_what_fails_in_a_catch_goes_up() {
    story(TRY).start().at("1s", failed_finally("pay/charge", 1, "Down")).fails_by("pay/charge", "Down");
    story(TRY)
        .start()
        .at("1s", failed_finally("pay/charge", 1, "Declined"))
        .at("2s", failed_finally("pay/tell", 1, "Declined"))
        .fails_by("pay/tell", "Declined");
}

#[test]
fn what_a_body_returned_before_it_failed_stays() {
    story(
        "
pay:
  try: { a: { activity: one }, b: { after: a, activity: two } }
  catch: { steps: { c: { activity: three } } }",
    )
    .start()
    .at("1s", returned("pay/a", 1, json!({"x": 1})))
    .at("2s", failed_finally("pay/b", 1, "Down"))
    .at("3s", returned("pay/c", 1, json!({"y": 2})))
    .ends_with(json!({"x": 1, "y": 2}));
}

#[test]
fn a_try_whose_body_does_not_fail_skips_its_catch() {
    story(TRY)
        .start()
        .at("1s", succeeded("pay/charge", 1))
        .at("2s", succeeded("pay/note", 1))
        .gives_also("step.completed pay#0 in 2s")
        .step("pay/tell", StepStatus::Skipped);
}

#[test]
fn values_that_are_set_join_the_context_at_once() {
    story("a: { set: { n: '${ workflow.input.n + 1 }', k: x } }\nb: { after: a, activity: one, input: '${ ctx.n }' }")
        .start_with(json!({"n": 4}))
        .gives(&["workflow.started", "step.completed a#0 in 0ms", "step.started b#1", "task b#1"])
        .gives_task_with("b", json!(5))
        .at("1s", succeeded("b", 1))
        .ends_with(json!({"n": 5, "k": "x"}));
}

#[test]
fn a_failure_on_purpose_is_one_like_any_other() {
    story("a: { when: '${ workflow.input.bad }', raise: { type: Bad, message: 'no ${ workflow.input.bad }' } }\nb: { activity: one }")
        .start_with(json!({"bad": true}))
        .fails_by("a", "Bad");
    let view = story("a: { raise: { type: Bad, message: 'got ${ workflow.input.n }', details: { n: 1 } } }")
        .start_with(json!({"n": 3}))
        .view();
    let error = view.error.unwrap();
    assert_eq!((error.message.as_str(), error.details), ("got 3", Some(json!({"n": 1}))));
}

const ANY: &str = "
a: { activity: one }
b: { activity: two }
c: { after_any: [a, b], activity: three }
";

#[test]
fn one_of_several_is_enough_and_the_others_go_on() {
    story(ANY)
        .start()
        .at("1s", succeeded("b", 1))
        .gives(&["step.completed b#1 in 1s", "step.started c#1", "task c#1"])
        .at("2s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 2s"])
        .at("3s", succeeded("c", 1))
        .is(Status::Completed);
}

#[test]
fn one_that_was_skipped_is_not_enough_but_all_are() {
    story(ANY)
        .start()
        .at("1s", skipped("b", 1))
        .step("c", StepStatus::Pending)
        .at("2s", succeeded("a", 1))
        .gives_also("task c#1");
    story(ANY).start().at("1s", skipped("b", 1)).at("2s", skipped("a", 1)).gives_also("task c#1");
}

#[test]
fn after_one_and_any_of_others_both_are_waited_for() {
    story("a: { activity: one }\nb: { activity: two }\nc: { activity: three }\nd: { after: a, after_any: [b, c], activity: four }")
        .start()
        .at("1s", succeeded("c", 1))
        .step("d", StepStatus::Pending)
        .at("2s", succeeded("b", 1))
        .step("d", StepStatus::Pending)
        .at("3s", succeeded("a", 1))
        .gives_also("task d#1");
}

#[test]
fn a_group_is_done_when_all_of_it_is() {
    story(
        "
a: { activity: one, group: g }
b: { activity: two, group: g, on_error: continue }
c: { after_group: g, activity: three }",
    )
    .start()
    .at("1s", succeeded("a", 1))
    .step("c", StepStatus::Pending)
    .at("2s", failed_finally("b", 1, "Down"))
    .gives_also("task c#1");
}
