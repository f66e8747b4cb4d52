//! The same for every item of a list.

use std::collections::BTreeMap;

use sagaline_events::record::{InsideView, ItemsView, Status, StepStatus};
use serde_json::json;

use crate::{
    inputs::{failed, failed_finally, returned, signal, succeeded},
    story::{Story, story},
};

const LOOP: &str = "
each: { for_each: { items: '${ workflow.input.list }', as: thing, concurrency: 2 }, activity: one, input: ['${ thing }', '${ index }'] }
sum: { after: each, activity: two, input: '${ steps.each.output }' }
";

fn looping(steps: &str) -> Story {
    story(steps).start_with(json!({"list": ["a", "b", "c"]}))
}

#[test]
fn so_many_items_are_worked_on_at_once_and_results_come_in_order() {
    looping(LOOP)
        .gives(&[
            "workflow.started",
            "step.started each#0",
            "step.started each/item#1",
            "task each/item#1",
            "step.started each/item:2#1",
            "task each/item:2#1",
        ])
        .gives_task_with("each/item", json!(["a", 0]))
        .gives_task_with("each/item:2", json!(["b", 1]))
        .at("1s", returned("each/item:2", 1, json!({"n": 2})))
        .gives(&["step.completed each/item:2#1 in 1s", "step.started each/item:3#1", "task each/item:3#1"])
        .gives_task_with("each/item:3", json!(["c", 2]))
        .step("each", StepStatus::Running)
        .has_items("each", 3, 1)
        .at("2s", returned("each/item:3", 1, json!({"n": 3})))
        .gives(&["step.completed each/item:3#1 in 1s"])
        .at("3s", returned("each/item", 1, json!({"n": 1})))
        .gives(&["step.completed each/item#1 in 3s", "step.completed each#0 in 3s", "step.started sum#1", "task sum#1"])
        .gives_task_with("sum", json!([{"n": 1}, {"n": 2}, {"n": 3}]))
        .at("4s", succeeded("sum", 1))
        .ends_with(json!({}));
}

#[test]
fn no_items_are_done_at_once() {
    let none = |input| story(LOOP).start_with(input).gives_task_with("sum", json!([]));
    none(json!({"list": []}));
    none(json!({}));
}

#[test]
fn what_is_no_list_fails() {
    story(LOOP).start_with(json!({"list": 3})).fails_by("each", "ExpressionError");
}

#[test]
fn an_item_that_fails_fails_the_loop_and_cancels_the_others() {
    looping(LOOP)
        .at("1s", failed("each/item:2", 1, "Down"))
        .gives(&[
            "step.failed each/item:2#1 Down",
            "revoke each/item#1",
            "step.cancelled each/item#1",
            "step.failed each#0 Down",
            "workflow.failed Down by each/item:2 attempt 1 in 1s",
        ])
        .fails_by("each/item:2", "Down");
}

#[test]
fn items_that_fail_may_be_passed_over_or_kept_as_failures() {
    let with = |policy: &str| LOOP.replace("concurrency: 2", &format!("concurrency: 3, on_item_error: {policy}"));
    let end = |policy: &str| {
        looping(&with(policy))
            .at("1s", returned("each/item", 1, json!(1)))
            .at("2s", failed_finally("each/item:2", 1, "Down"))
            .at("3s", returned("each/item:3", 1, json!(3)))
    };
    end("skip").gives_task_with("sum", json!([1, null, 3]));
    let task = end("continue").task("sum").input;
    assert_eq!((&task[0], &task[1]["error"]["type"], &task[2]), (&json!(1), &json!("Down"), &json!(3)));
}

const STEPS_INSIDE: &str = "
each:
  for_each: '${ workflow.input.list }'
  steps:
    fetch: { activity: fetch, input: '${ item }' }
    store: { after: fetch, activity: store, input: ['${ steps.fetch.output.n }', '${ ctx.n }', '${ item }'] }
sum: { after: each, activity: two, input: ['${ steps.each.output }', '${ ctx.n }'] }
";

#[test]
fn the_steps_of_an_item_see_those_of_the_same_item() {
    looping(STEPS_INSIDE)
        .gives_task_with("each/item:3/fetch", json!("c"))
        .at("1s", returned("each/item:3/fetch", 1, json!({"n": 30})))
        .gives_task_with("each/item:3/store", json!([30, 30, "c"]))
        .at("2s", returned("each/item/fetch", 1, json!({"n": 10})))
        .gives_task_with("each/item/store", json!([10, 10, "a"]))
        .at("3s", returned("each/item/store", 1, json!({"ok": 1})))
        .gives(&["step.completed each/item/store#1 in 1s", "step.completed each/item#0 in 3s"])
        .at("4s", returned("each/item:2/fetch", 1, json!({"n": 20})))
        .at("5s", succeeded("each/item:2/store", 1))
        .at("6s", succeeded("each/item:3/store", 1))
        .gives_task_with("sum", json!([[{"n": 10, "ok": 1}, {"n": 20}, {"n": 30}], null]));
}

#[test]
fn a_loop_inside_of_a_loop_sees_both_items() {
    story(
        "
outer:
  for_each: { items: [[1, 2], [3]], as: row }
  steps:
    inner: { for_each: { items: '${ row }', as: cell }, activity: one, input: ['${ row }', '${ cell }', '${ index }'] }",
    )
    .start()
    .gives_task_with("outer/item/inner/item:2", json!([[1, 2], 2, 1]))
    .gives_task_with("outer/item:2/inner/item", json!([[3], 3, 0]))
    .at("1s", returned("outer/item/inner/item:2", 1, json!(2)))
    .at("2s", returned("outer/item:2/inner/item", 1, json!(3)))
    .at("3s", returned("outer/item/inner/item", 1, json!(1)))
    .is(Status::Completed)
    .ends_with(json!({}));
}

#[test]
fn each_item_is_tried_again_by_itself() {
    looping("each: { for_each: '${ workflow.input.list }', activity: one, retry: { attempts: 2, initial: 1s, jitter: false } }")
        .at("1s", failed("each/item:2", 1, "Down"))
        .gives(&["step.failed each/item:2#1 Down, again at 2s"])
        .timer()
        .gives(&["step.started each/item:2#2", "task each/item:2#2"])
        .at("3s", succeeded("each/item:2", 2))
        .at("4s", succeeded("each/item", 1))
        .at("5s", succeeded("each/item:3", 1))
        .is(Status::Completed);
}

#[test]
fn items_wait_for_signals_and_time_like_any_step() {
    looping("each: { for_each: '${ workflow.input.list }', await: { signal: go } }\nlast: { after: each, activity: one, input: '${ steps.each.output }' }")
        .at("1s", signal("go", json!("x")))
        .at("2s", signal("go", json!("y")))
        .is(Status::Waiting)
        .at("3s", signal("go", json!("z")))
        .gives_task_with("last", json!(["x", "y", "z"]));
}

#[test]
fn items_that_need_nothing_are_done_within_one_turn() {
    story("each: { for_each: { items: [1, 2, 3], concurrency: 1 }, set: { n: '${ item * 2 }' } }\nlast: { after: each, activity: one, input: '${ steps.each.output }' }")
        .start()
        .gives_task_with("last", json!([{"n": 2}, {"n": 4}, {"n": 6}]));
}

impl Story {
    fn has_items(self, step: &str, total: usize, done: usize) -> Self {
        assert_eq!(self.step_view(step).items, Some(ItemsView { total, done }));
        self
    }
}

#[test]
fn a_loop_at_work_says_how_its_steps_stand_in_the_newest_item_and_in_how_many() {
    let text = "
each:
  for_each: { items: '${ workflow.input.list }', concurrency: 2 }
  steps:
    a: { activity: one, retry: 2 }
    b: { after: a, for_each: [1, 2, 3], activity: two }
";
    let mut looping = looping(text).at("1s", succeeded("each/item/a", 1)).at("2s", failed("each/item:2/a", 1, "Down"));
    let inside = |story: &Story| story.step_view("each").inside;
    let one = |step: &str, status, attempt, statuses: &[(StepStatus, usize)]| InsideView {
        step: format!("each/item{step}"),
        item: 2,
        status,
        attempt,
        items: None,
        statuses: BTreeMap::from_iter(statuses.iter().copied()),
        ended: BTreeMap::new(),
        failed: vec![],
    };
    use StepStatus::{BackingOff, Completed, Pending, Running};
    assert_eq!(
        inside(&looping),
        [
            one("", Running, 0, &[(Running, 2)]),
            one("/a", BackingOff, 1, &[(Completed, 1), (BackingOff, 1)]),
            one("/b", Pending, 0, &[(Running, 1)]),
            one("/b/item", Pending, 0, &[(Running, 3)]),
        ]
    );
    // The other loop is at work in the newest item, too: it says how far it is there.
    looping = looping.timer().at("5s", succeeded("each/item:2/a", 2));
    looping = looping.at("6s", succeeded("each/item:2/b/item:3", 1));
    let b = InsideView { items: Some(ItemsView { total: 3, done: 1 }), ..one("/b", Running, 0, &[(Running, 2)]) };
    assert_eq!(inside(&looping)[2], b);
    let item = InsideView { ended: [(Completed, 1)].into(), ..one("/b/item", Running, 1, &[(Running, 5)]) };
    assert_eq!(inside(&looping)[3], item);
}

/// The frames of an item are gone with it. What they came to is counted, while the loop is at work and when it is over.
#[test]
fn of_the_items_that_are_done_it_is_known_how_many_ended_how_and_which_failed() {
    let text = "
each:
  for_each: { items: '${ workflow.input.list }', concurrency: 1, on_item_error: continue }
  steps:
    a: { activity: one }
    b: { after: a, for_each: [1, 2], activity: two }
";
    let mut looping = looping(text)
        .at("1s", failed("each/item/a", 1, "Down"))
        .at("2s", succeeded("each/item:2/a", 1))
        .at("3s", succeeded("each/item:2/b/item", 1))
        .at("4s", succeeded("each/item:2/b/item:2", 1));
    let inside = |story: &Story| -> Vec<_> {
        let inside = story.step_view("each").inside.into_iter();
        inside.map(|it| (it.step, it.item, it.status, Vec::from_iter(it.ended), it.failed)).collect()
    };
    let of = |step: &str, item, status, ended: &[(StepStatus, usize)], failed: &[u32]| {
        (format!("each/item{step}"), item, status, ended.to_vec(), failed.to_vec())
    };
    use StepStatus::{Completed, Failed, Pending, Running};
    assert_eq!(
        inside(&looping),
        [
            of("", 3, Running, &[(Completed, 1), (Failed, 1)], &[1]),
            of("/a", 3, Running, &[(Completed, 1), (Failed, 1)], &[1]),
            of("/b", 3, Pending, &[(Completed, 1)], &[]),
            of("/b/item", 3, Pending, &[(Completed, 2)], &[]),
        ]
    );
    looping = looping.at("5s", failed("each/item:3/a", 1, "Down")).is(Status::Completed);
    assert_eq!(
        inside(&looping),
        [
            of("", 0, Failed, &[(Completed, 1), (Failed, 2)], &[1, 3]),
            of("/a", 0, Failed, &[(Completed, 1), (Failed, 2)], &[1, 3]),
            of("/b", 0, Completed, &[(Completed, 1)], &[]),
            of("/b/item", 0, Completed, &[(Completed, 2)], &[]),
        ]
    );
}

/// What was given up when an item failed the whole is counted with what was done before.
#[test]
fn a_loop_that_failed_says_what_became_of_its_items() {
    let text = "each: { for_each: { items: '${ workflow.input.list }', concurrency: 2 }, activity: one }";
    let looping =
        looping(text).at("1s", succeeded("each/item", 1)).at("2s", failed("each/item:3", 1, "Down")).is(Status::Failed);
    let inside = looping.step_view("each").inside.remove(0);
    use StepStatus::{Cancelled, Completed, Failed};
    assert_eq!((inside.status, inside.failed), (Failed, vec![3]));
    assert_eq!(inside.ended, BTreeMap::from([(Completed, 1), (Failed, 1), (Cancelled, 1)]));
}

/// A step of a hundred thousand items that all fail is no longer than one of ten.
#[test]
fn of_many_that_failed_the_first_are_named() {
    let list = serde_json::Value::from((1..=50).collect::<Vec<u32>>());
    let text = "each: { for_each: { items: '${ workflow.input.list }', concurrency: 1, on_item_error: continue }, activity: one }";
    let mut looping = story(text).start_with(json!({ "list": list }));
    for item in 1..=50 {
        let path = if item == 1 { "each/item".to_owned() } else { format!("each/item:{item}") };
        looping = looping.at("1s", failed(&path, 1, "Down"));
    }
    let inside = looping.step_view("each").inside.remove(0);
    assert_eq!((inside.ended[&StepStatus::Failed], inside.failed), (50, (1..=10).collect()));
}
