//! Steps that return further steps.

use sagaline_events::{
    Input,
    input::{Pause, Resume},
    record::{ItemsView, Status, StepStatus},
};
use serde_json::{Value, json};

use crate::{
    inputs::{began, cancel, expanded, failed, failed_finally, returned, succeeded},
    story::{Story, story, workflow},
};

fn pause() -> Input {
    Input::Pause(Pause { reason: None })
}

fn resume() -> Input {
    Input::Resume(Resume { context: Default::default() })
}

const PLAN: &str = "
plan: { activity: images.plan, expand: { concurrency: 2, queues: [gpu] }, retry: { attempts: 3 } }
sum: { after_graft: plan, activity: two, input: ['${ steps.plan.output }', '${ ctx.a }', '${ ctx.n }'] }
";

/// A step with an activity, and whatever else is to be said of it.
fn step(name: &str, more: Value) -> Value {
    let mut step = json!({"name": name, "kind": {"step": {"activity": "images.resize"}}});
    let (Some(all), Value::Object(more)) = (step.as_object_mut(), more) else { return step };
    all.extend(more);
    step
}

fn plain(name: &str) -> Value {
    step(name, json!({}))
}

fn after(name: &str, needed: &str) -> Value {
    step(name, json!({"after": [needed]}))
}

fn planned(steps: Value) -> Story {
    story(PLAN).start().at("1s", expanded("plan", 1, steps))
}

#[test]
fn what_a_step_returns_is_done_so_many_at_once_before_what_comes_after_it() {
    planned(json!([plain("a"), plain("b"), plain("c")]))
        .gives(&[
            "step.expanded plan#1 by 3",
            "step.started plan/a#1",
            "task plan/a#1",
            "step.started plan/b#1",
            "task plan/b#1",
        ])
        .has_steps("plan", 3, 0)
        .at("2s", returned("plan/b", 1, json!({"n": 2})))
        .gives(&["step.completed plan/b#1 in 1s", "step.started plan/c#1", "task plan/c#1"])
        .has_steps("plan", 3, 1)
        .step("plan/a", StepStatus::Running)
        .step("plan/b", StepStatus::Completed)
        .at("3s", returned("plan/a", 1, json!({"n": 1})))
        .at("4s", returned("plan/c", 1, json!("no map")))
        .gives(&["step.completed plan/c#1 in 2s", "step.completed plan#1 in 4s", "step.started sum#1", "task sum#1"])
        .gives_task_with("sum", json!([{"a": {"n": 1}, "b": {"n": 2}, "c": "no map"}, {"n": 1}, 1]))
        .at("5s", succeeded("sum", 1))
        .ends_with(json!({"a": {"n": 1}, "b": {"n": 2}, "c": "no map", "n": 1}));
}

#[test]
fn there_may_be_nothing_to_do() {
    planned(json!([]))
        .gives(&["step.expanded plan#1 by 0", "step.completed plan#1 in 1s", "step.started sum#1", "task sum#1"])
        .gives_task_with("sum", json!([{}, null, null]));
}

#[test]
fn it_may_return_a_value_as_any_step() {
    let story = story(PLAN).start().at("1s", returned("plan", 1, json!({"n": 7})));
    story.gives_task_with("sum", json!([{"n": 7}, null, 7]));
}

#[test]
fn the_steps_come_after_one_another_and_see_one_another() {
    let input = |text: Value| json!({"step": {"activity": "images.resize", "queue": "gpu", "input": text}});
    let seen = input(json!([
        "${ steps.a.output.n }",
        "${ ctx.a.n }",
        "${ ctx.n }",
        "${ steps.a.status }",
        "${ workflow.name }"
    ]));
    planned(json!([plain("a"), step("b", json!({"after": ["a"], "kind": seen}))]))
        .gives(&["step.expanded plan#1 by 2", "step.started plan/a#1", "task plan/a#1"])
        .at("2s", returned("plan/a", 1, json!({"n": 5})))
        .gives_task_with("plan/b", json!([5, 5, 5, "completed", "w"]))
        .at("3s", succeeded("plan/b", 1))
        .gives_also("task sum#1");
}

#[test]
fn one_of_several_is_enough_for_a_step_that_says_so() {
    let steps = json!([plain("a"), plain("b"), step("c", json!({"after_any": ["a", "b"]}))]);
    planned(steps).at("2s", succeeded("plan/b", 1)).gives_also("task plan/c#1");
}

#[test]
fn each_of_them_is_tried_again_by_itself() {
    let retry = json!({"step": {"activity": "a", "retry": {"attempts": 2, "initial": "1s", "backoff": "fixed"}}});
    planned(json!([step("a", json!({"kind": retry}))]))
        .at("2s", failed("plan/a", 1, "Down"))
        .gives(&["step.failed plan/a#1 Down, again at 3s"])
        .timer()
        .gives(&["step.started plan/a#2", "task plan/a#2"]);
}

const UNDER_DEFAULTS: &str = "
step_timeout: 10s
retry: { attempts: 3, initial: 4s, backoff: linear }
steps: { plan: { activity: images.plan, expand: true } }
";

#[test]
fn what_they_leave_out_is_as_the_workflow_says() {
    let own = json!({"step": {"activity": "a", "timeout": "1m", "retry": {"attempts": 2}}});
    let whole = json!({"step": {"activity": "a", "retry": {"attempts": 2, "initial": "1s", "backoff": "fixed"}}});
    workflow(UNDER_DEFAULTS)
        .start()
        .at(
            "1s",
            expanded(
                "plan",
                1,
                json!([plain("a"), step("b", json!({"kind": own})), step("c", json!({"kind": whole}))]),
            ),
        )
        .at("2s", began("plan/a", 1))
        .timer_is_due("12s")
        .timer()
        .gives(&["revoke plan/a#1", "step.timed_out plan/a#1, again at 16s"])
        // It says how often, and leaves the rest.
        .at("13s", failed("plan/b", 1, "Down"))
        .gives(&["step.failed plan/b#1 Down, again at 17s"])
        // It says all.
        .at("13s", failed("plan/c", 1, "Down"))
        .gives(&["step.failed plan/c#1 Down, again at 14s"]);
}

#[test]
fn what_they_return_in_turn_is_so_too() {
    let kind = json!({"step": {"activity": "a", "expand": {"concurrency": 1}}});
    workflow(UNDER_DEFAULTS)
        .start()
        .at("1s", expanded("plan", 1, json!([step("inner", json!({"kind": kind}))])))
        .at("2s", expanded("plan/inner", 1, json!([plain("a")])))
        .at("3s", failed("plan/inner/a", 1, "Down"))
        .gives(&["step.failed plan/inner/a#1 Down, again at 7s"]);
}

#[test]
fn one_that_fails_fails_the_whole_and_cancels_the_others() {
    planned(json!([plain("a"), plain("b"), plain("c")]))
        .at("2s", failed("plan/a", 1, "Down"))
        .gives(&[
            "step.failed plan/a#1 Down",
            "revoke plan/b#1",
            "step.cancelled plan/b#1",
            "step.failed plan#0 Down",
            "workflow.failed Down by plan/a attempt 1 in 2s",
        ])
        .fails_by("plan/a", "Down");
}

#[test]
fn failures_may_be_passed_over_or_kept() {
    let with = |policy: &str| json!([step("a", json!({"on_error": policy})), after("b", "a")]);
    let end = |policy: &str| {
        planned(with(policy)).at("2s", failed_finally("plan/a", 1, "Down")).at("3s", returned("plan/b", 1, json!(2)))
    };
    end("skip").gives_task_with("sum", json!([{"b": 2}, null, null]));
    let task = end("continue").task("sum").input;
    assert_eq!((&task[0]["a"]["error"]["type"], &task[1]["error"]["type"]), (&json!("Down"), &json!("Down")));
}

#[test]
fn a_failure_inside_may_be_forgiven_outside() {
    let lenient = PLAN.replace("retry:", "on_error: continue, retry:");
    story(&lenient)
        .start()
        .at("1s", expanded("plan", 1, json!([plain("a"), plain("b")])))
        .at("2s", failed("plan/a", 1, "Down"))
        .gives_also("task sum#1")
        .step("plan", StepStatus::Failed)
        .at("3s", succeeded("plan/b", 1))
        .gives_nothing()
        .at("4s", succeeded("sum", 1))
        .is(Status::Completed);
}

#[test]
fn a_cancel_takes_their_tasks_back() {
    planned(json!([plain("a"), plain("b"), plain("c")]))
        .at("2s", cancel("enough"))
        .gives(&[
            "step.cancelled plan#0",
            "revoke plan/a#1",
            "step.cancelled plan/a#1",
            "revoke plan/b#1",
            "step.cancelled plan/b#1",
            "workflow.cancelled enough in 2s",
        ])
        .is(Status::Cancelled);
}

#[test]
fn they_may_hold_others_and_return_others_themselves() {
    let inner = json!({"dag": {"nodes": [plain("x"), after("y", "x")]}});
    let further = json!({"step": {"activity": "images.plan", "expand": {"concurrency": 1}}});
    planned(json!([step("a", json!({"kind": inner})), step("b", json!({"kind": further}))]))
        .gives_also("task plan/a/x#1")
        .gives_also("task plan/b#1")
        .at("2s", expanded("plan/b", 1, json!([plain("a"), after("x", "a")])))
        .gives(&["step.expanded plan/b#1 by 2", "step.started plan/b/a#1", "task plan/b/a#1"])
        .at("3s", returned("plan/b/a", 1, json!(1)))
        .at("4s", returned("plan/a/x", 1, json!({"n": 1})))
        .at("5s", returned("plan/b/x", 1, json!(2)))
        .gives(&["step.completed plan/b/x#1 in 2s", "step.completed plan/b#1 in 4s"])
        .at("6s", returned("plan/a/y", 1, json!({"m": 2})))
        .gives_task_with("sum", json!([{"a": {"n": 1, "m": 2}, "b": {"a": 1, "x": 2}}, {"n": 1, "m": 2}, 1]));
}

#[test]
fn every_item_of_a_loop_may_return_steps_of_the_same_names() {
    let looped = "
each: { for_each: { items: [1, 2, 3], concurrency: 2 }, activity: images.plan, expand: true }
sum: { after_graft: each, activity: two, input: '${ steps.each.output }' }
";
    let seen = json!({"step": {"activity": "a", "input": ["${ item }", "${ steps.a.output }", "${ ctx.a }"]}});
    let steps = json!([plain("a"), step("b", json!({"after": ["a"], "kind": seen}))]);
    story(looped)
        .start()
        .at("1s", expanded("each/item:2", 1, steps.clone()))
        .at("2s", expanded("each/item", 1, steps.clone()))
        .at("3s", returned("each/item/a", 1, json!(10)))
        .gives_task_with("each/item/b", json!([1, 10, 10]))
        .at("4s", returned("each/item:2/a", 1, json!(20)))
        .gives_task_with("each/item:2/b", json!([2, 20, 20]))
        .at("5s", returned("each/item:2/b", 1, json!(21)))
        .gives_also("task each/item:3#1")
        .at("6s", expanded("each/item:3", 1, steps))
        .at("7s", returned("each/item/b", 1, json!(11)))
        .at("8s", returned("each/item:3/a", 1, json!(30)))
        .gives_task_with("each/item:3/b", json!([3, 30, 30]))
        .at("9s", returned("each/item:3/b", 1, json!(31)))
        .gives_task_with("sum", json!([{"a": 10, "b": 11}, {"a": 20, "b": 21}, {"a": 30, "b": 31}]));
}

#[test]
fn a_race_that_another_won_ends_them() {
    story("race:\n  race:\n    plan: { activity: images.plan, expand: true }\n    other: { activity: two }")
        .start()
        .at("1s", expanded("race/plan", 1, json!([plain("a")])))
        .at("2s", returned("race/other", 1, json!(1)))
        .gives_also("revoke race/plan/a#1")
        .is(Status::Completed);
}

#[test]
fn while_it_is_paused_none_of_them_begins() {
    story(PLAN)
        .start()
        .at("1s", pause())
        .at("2s", expanded("plan", 1, json!([plain("a"), plain("b"), plain("c")])))
        .gives(&["step.expanded plan#1 by 3"])
        .is(Status::Paused)
        .at("3s", resume())
        .gives_also("task plan/a#1")
        .gives_also("task plan/b#1");
}

#[test]
fn a_pause_that_outlives_them_begins_none_of_them() {
    let lenient = PLAN.replace("retry:", "on_error: continue, retry:");
    story(&lenient)
        .start()
        .at("1s", expanded("plan", 1, json!([plain("a"), plain("b"), plain("c")])))
        .at("2s", pause())
        .at("3s", succeeded("plan/b", 1))
        .at("4s", failed("plan/a", 1, "Down"))
        .at("5s", resume())
        .gives(&["workflow.resumed", "step.started sum#1", "task sum#1"]);
}

#[test]
fn what_cannot_be_run_fails_the_step_and_says_why() {
    let none = |steps: Value, why: &str| {
        let story = planned(steps).fails_by("plan", "BadExpansion");
        let message = story.view().error.unwrap().message;
        assert!(message.contains(why), "{message}");
    };
    none(json!([plain("a"), plain("a")]), "two steps are named `a`");
    none(json!([after("a", "b")]), "step `a` comes after `b`, which is not beside it");
    none(json!([after("a", "b"), after("b", "a")]), "the steps a → b wait for each other");
    none(json!([step("a", json!({"when": "1 +"}))]), "step `a`: `1 +` cannot be compiled");
    none(json!([plain("a"), {"name": "b"}]), "number 2 (`b`) cannot be read: missing field `kind`");
    none(json!({"a": {}}), "they are no list");
    let elsewhere = json!({"step": {"activity": "a", "queue": "elsewhere"}});
    none(json!([step("a", json!({"kind": elsewhere}))]), "write `expand: { queues: [elsewhere] }`");
    let many: Vec<Value> =
        (0..10_001).map(|n| json!({"name": format!("s{n}"), "kind": {"set": {"values": {}}}})).collect();
    none(json!(many), "they are 10001; a step returns 10000 at most");
    let heavy = json!({"step": {"activity": "a", "input": "x".repeat(950 * 1024)}});
    none(json!([step("a", json!({"kind": heavy}))]), "more than the 900 KiB that can be kept of it");
}

#[test]
fn a_step_whose_definition_does_not_say_so_returns_none() {
    story("a: { activity: one, retry: { attempts: 5 } }")
        .start()
        .at("1s", expanded("a", 1, json!([plain("x")])))
        .fails_by("a", "BadExpansion");
}

#[test]
fn an_old_attempt_and_a_second_copy_return_nothing() {
    story(PLAN)
        .start()
        .at("1s", failed("plan", 1, "Down"))
        .timer()
        .at("9s", expanded("plan", 1, json!([plain("a")])))
        .gives_nothing()
        .at("10s", expanded("plan", 2, json!([plain("a")])))
        .gives_also("task plan/a#1")
        .at("11s", expanded("plan", 2, json!([plain("a")])))
        .gives_nothing()
        .at("12s", returned("plan", 2, json!(1)))
        .gives_nothing();
}

#[test]
fn why_names_the_steps_that_it_waits_for() {
    let story = planned(json!([plain("a"), plain("b"), plain("c")]));
    let steps: Vec<String> = story.why().iter().filter_map(|why| why.step.as_ref()).map(ToString::to_string).collect();
    assert_eq!(steps, ["plan/a", "plan/b"]);
    assert!(story.why()[0].cause.contains("attempt 1 of `images.resize` was handed to the queue `default`"));
}

impl Story {
    fn has_steps(self, step: &str, total: usize, done: usize) -> Self {
        assert_eq!(self.step_view(step).items, Some(ItemsView { total, done }));
        self
    }
}

#[test]
fn a_returned_step_passes_the_gates_that_it_names() {
    let kind = json!({"step": {"activity": "images.resize", "gates": [{"places": {"name": "gpu", "limit": 2}}]}});
    planned(json!([{"name": "a", "kind": kind}])).gives(&[
        "step.expanded plan#1 by 1",
        "step.scheduled plan/a#1",
        "~places:gpu acquire plan/a#1 of 2 Queue",
        "step.waiting plan/a for ~places:gpu",
    ]);
}
