//! Outputs that are put under a key of `ctx`, whatever they are.

use serde_json::{Value, json};

use crate::{
    inputs::{approved, expanded, failed, returned, signal, skipped, succeeded},
    story::{story, workflow},
};

#[test]
fn an_output_is_put_under_its_key_and_its_map_is_not_merged() {
    story(
        "
charge: { activity: one, context_key: invoice }
list: { activity: two, context_key: lines }
none: { activity: three, context_key: nothing }
tell: { after: [charge, list, none], activity: four, input: '${ ctx }' }",
    )
    .start()
    .at("1s", returned("charge", 1, json!({"id": 7})))
    .at("2s", returned("list", 1, json!([1, 2])))
    .at("3s", returned("none", 1, Value::Null))
    .gives_task_with("tell", json!({"invoice": {"id": 7}, "lines": [1, 2], "nothing": null}))
    .at("4s", succeeded("tell", 1))
    .ends_with(json!({"invoice": {"id": 7}, "lines": [1, 2], "nothing": null}));
}

#[test]
fn the_last_one_wins_and_what_gives_nothing_leaves_the_key_alone() {
    let steps = "
a: { activity: one, context_key: k }
b: { after: a, activity: two, context_key: k }
c: { after: b, activity: three, context_key: k }
d: { after: c, activity: four, context_key: k, on_error: continue }
e: { after: d, set: { other: '${ ctx.k }' } }";
    story(steps)
        .start()
        .at("1s", returned("a", 1, json!(1)))
        .at("2s", returned("b", 1, json!(2)))
        .at("3s", skipped("c", 1))
        .at("4s", failed("d", 1, "Down"))
        .ends_with(json!({"k": 2, "other": 2}));
}

#[test]
fn every_kind_of_step_may_have_one() {
    story(
        "
ask: { await: go, context_key: answer }
look: { await: { approval: {} }, context_key: verdict }
say: { set: { n: 1 }, context_key: said }
tell: { emit: something.happened, context_key: event }
cool: { wait: 0ms, context_key: cooled }",
    )
    .start()
    .timer()
    .at("1s", signal("go", json!("yes")))
    .at("2s", approved("look", "ann", Value::Null))
    .ends_with(json!({
        "said": {"n": 1}, "event": "e/tell", "answer": "yes", "cooled": null,
        "verdict": {"approved": true, "approver": "ann"},
    }));
}

#[test]
fn of_a_loop_it_is_the_list_and_of_steps_inside_what_they_gave_together() {
    story("each: { for_each: { items: [1, 2] }, activity: one, context_key: results }")
        .start()
        .at("1s", returned("each/item:2", 1, json!({"n": 2})))
        .at("2s", returned("each/item", 1, json!({"n": 1})))
        .ends_with(json!({"results": [{"n": 1}, {"n": 2}]}));
    // Those inside see of one another what they always see.
    story(
        "
pay:
  context_key: payment
  steps:
    charge: { activity: one, context_key: invoice }
    note: { after: charge, activity: two, input: '${ ctx }' }
last: { after: pay, set: { last: true } }",
    )
    .start()
    .at("1s", returned("pay/charge", 1, json!({"id": 7})))
    .gives_task_with("pay/note", json!({"invoice": {"id": 7}}))
    .at("2s", returned("pay/note", 1, json!({"noted": true})))
    .ends_with(json!({
        "invoice": {"id": 7}, "noted": true, "last": true, "payment": {"invoice": {"id": 7}, "noted": true},
    }));
}

#[test]
fn inside_of_a_loop_it_is_a_part_of_what_the_item_gives() {
    story(
        "
each:
  for_each: { items: [1, 2] }
  steps:
    one: { activity: one, context_key: first }
done: { after: each, activity: two, input: ['${ ctx }', '${ steps.each.output }'] }",
    )
    .start()
    .at("1s", returned("each/item/one", 1, json!("a")))
    .at("2s", returned("each/item:2/one", 1, json!("b")))
    .gives_task_with("done", json!([{}, [{"first": "a"}, {"first": "b"}]]));
}

#[test]
fn steps_that_a_step_returned_may_have_one_and_it_too() {
    let steps = json!([{"name": "a", "context_key": "inner", "kind": {"step": {"activity": "images.resize"}}}]);
    story("plan: { activity: images.plan, expand: { concurrency: 2 }, context_key: all }")
        .start()
        .at("1s", expanded("plan", 1, steps))
        .at("2s", returned("plan/a", 1, json!(5)))
        .ends_with(json!({"inner": 5, "all": {"a": 5}}));
}

#[test]
fn a_handler_may_have_one_and_nothing_comes_of_it_afterwards() {
    workflow("steps: { a: { activity: one } }\non_failure: { activity: two, context_key: noted }")
        .start()
        .at("1s", failed("a", 1, "Down"))
        .at("2s", returned("on_failure", 1, json!(1)))
        .fails_by("a", "Down");
}
