//! A step is undone after everything that came after it.

use serde_json::{Value, json};

use crate::{
    inputs::{began, claimed, expanded, failed, rollback},
    story::{Story, story, workflow},
};

/// All of these have been done, one after the other.
fn done(mut story: Story, steps: &[&str]) -> Story {
    story = story.start();
    for step in steps {
        story = did(story, step);
    }
    story
}

fn did(story: Story, step: &str) -> Story {
    story.then(began(step, 1)).then(claimed(step, 1, json!({"n": 1})))
}

fn undoes(story: Story, expected: &str) {
    story.then(rollback("enough")).gives_also(&format!("undo of cancelled: {expected}"));
}

#[test]
fn a_chain_goes_strictly_backwards() {
    let chain = "
a: { activity: one, compensate: un }
b: { after: a, activity: one, compensate: un }
c: { after: b, activity: one, compensate: un }
d: { after: c, wait: 1h }
";
    undoes(done(story(chain), &["a", "b", "c"]), "c, b after c, a after b");
}

#[test]
fn independent_steps_are_undone_side_by_side() {
    let diamond = "
a: { activity: one, compensate: un }
b: { after: a, activity: one, compensate: un }
c: { after: a, activity: one, compensate: un }
d: { after: [b, c], activity: one, compensate: un }
e: { after: d, wait: 1h }
";
    undoes(done(story(diamond), &["a", "b", "c", "d"]), "d, c after d, b after d, (a) after c+b, a after a");
}

#[test]
fn what_has_nothing_to_undo_hands_the_order_on() {
    let through = "
a: { activity: one, compensate: un }
b: { after: a, activity: one }
x: { after: b, activity: one, compensate: un }
y: { after: b, activity: one, compensate: un }
z: { after: [x, y], wait: 1h }
";
    let story = story(through).start();
    let story = did(story, "a").then(claimed("b", 1, Value::Null));
    undoes(did(did(story, "x"), "y"), "y, x, (b) after y+x, a after b");
}

#[test]
fn one_need_of_several_counts_as_well() {
    let any = "
a: { activity: one, compensate: un }
b: { activity: one, compensate: un }
c: { after_any: [a, b], activity: one, compensate: un }
d: { after: c, wait: 1h }
";
    undoes(done(story(any), &["a", "b", "c"]), "c, b after c, a after c");
}

#[test]
fn what_stands_inside_comes_between_what_stands_around_it() {
    let nested = "
a: { activity: one, compensate: un }
g:
  after: a
  steps:
    x: { activity: one, compensate: un }
    y: { activity: one, compensate: un }
z: { after: g, activity: one, compensate: un }
w: { after: z, wait: 1h }
";
    undoes(done(story(nested), &["a", "g/x", "g/y", "z"]), "z, g/y after z, g/x after z, (g) after g/y+g/x, a after g");
}

#[test]
fn what_mends_is_undone_before_what_it_mends() {
    let tried = "
t:
  try:
    a: { activity: one, compensate: un }
    b: { after: a, activity: one }
  catch:
    steps:
      m: { activity: one, compensate: un }
z: { after: t, wait: 1h }
";
    let story = story(tried).start();
    let story = did(story, "t/a").then(failed("t/b", 1, "Busy"));
    undoes(did(story, "t/m"), "t/m, t/a after t/m");
}

#[test]
fn items_one_after_the_other_are_undone_backwards() {
    let each = |concurrency: &str| {
        let definition = format!(
            "
all: {{ for_each: {{ items: [1, 2, 3], concurrency: {concurrency} }}, activity: one, compensate: un }}
z: {{ after: all, wait: 1h }}
"
        );
        done(story(&definition), &["all/item", "all/item:2", "all/item:3"])
    };
    undoes(each("1"), "all/item:3, all/item:2 after all/item:3, all/item after all/item:2");
    undoes(each("2"), "all/item:3, all/item:2, all/item");
    undoes(each("'${ 1 }'"), "all/item:3, all/item:2 after all/item:3, all/item after all/item:2");
    undoes(each("'${ 1 + 1 }'"), "all/item:3, all/item:2, all/item");
}

#[test]
fn items_with_steps_inside_are_undone_each_by_itself() {
    let each = "
all:
  for_each: [1, 2]
  steps:
    x: { activity: one, compensate: un }
    y: { after: x, activity: one, compensate: un }
z: { after: all, wait: 1h }
";
    undoes(
        done(story(each), &["all/item/x", "all/item:2/x", "all/item/y", "all/item:2/y"]),
        "all/item:2/y, all/item:2/x after all/item:2/y, all/item/y, all/item/x after all/item/y",
    );
}

fn steps(steps: Value) -> Value {
    let undone = |mut step: Value| {
        let name = step["name"].as_str().unwrap().to_owned();
        step["kind"] = json!({"step": {"activity": name, "compensate": {"actions": [{"activity": "un"}]}}});
        step
    };
    Value::Array(steps.as_array().unwrap().iter().cloned().map(undone).collect())
}

fn expanding() -> Story {
    let plan = "
plan: { activity: one, expand: true, compensate: un }
z: { after: plan, activity: last, compensate: un }
w: { after: z, wait: 1h }
";
    let returned = steps(json!([
        {"name": "p"}, {"name": "q", "after": ["p"]}, {"name": "r", "after": ["p"]}, {"name": "s", "after": ["q", "r"]},
    ]));
    story(plan).start().then(began("plan", 1)).then(expanded("plan", 1, returned))
}

#[test]
fn what_a_step_returned_is_undone_in_its_order_before_the_step() {
    let all = "(plan) after plan/r+plan/q";
    // While it is at work on them,
    let story = did(did(did(expanding(), "plan/p"), "plan/q"), "plan/r");
    undoes(story, "plan/r, plan/q, (plan/p) after plan/r+plan/q, plan/p after plan/p, plan after plan/p");
    // and when all that is over and forgotten.
    let story = did(did(did(did(expanding(), "plan/p"), "plan/q"), "plan/r"), "plan/s");
    let order = "plan/s after z, plan/r after plan/s, plan/q after plan/s, (plan/p) after plan/r+plan/q, \
                 plan/p after plan/p, plan after plan/p";
    undoes(did(story, "z"), &format!("z, {order}"));
    assert!(!order.contains(all));
}

#[test]
fn who_answers_late_keeps_its_place_though_its_expansion_is_forgotten() {
    let story = did(expanding(), "plan/p").then(began("plan/q", 1));
    let story = story.then(rollback("enough")).gives_also("revoke plan/q#1").then(claimed("plan/q", 1, json!(4)));
    story.gives(&["undo of cancelled: plan/q, plan/p after plan/q, plan after plan/p"]);
    let story = did(expanding(), "plan/p").then(began("plan/q", 1));
    let story = story.then(rollback("enough")).then(failed("plan/q", 1, "Stopped"));
    story.gives(&["undo of cancelled: plan/p, plan after plan/p"]);
}

#[test]
fn what_a_step_returned_in_an_earlier_round_is_undone_after_what_it_returned_in_this() {
    let plan = "
retry_workflow: { attempts: 2, initial: 1s, jitter: false }
steps:
  plan: { activity: one, expand: true, compensate: un }
";
    let first = steps(json!([{"name": "p"}, {"name": "q", "after": ["p"]}, {"name": "bad", "after": ["q"]}]));
    let story = workflow(plan).start().then(began("plan", 1)).then(expanded("plan", 1, first));
    let story = did(did(story, "plan/p"), "plan/q");
    let story = story.then(failed("plan/bad", 1, "Busy")).timer().gives_also("task plan#2");
    let second = steps(json!([{"name": "x"}, {"name": "bad", "after": ["x"]}]));
    let story = story.then(began("plan", 2)).then(expanded("plan", 2, second));
    let story = story.then(began("plan/x", 2)).then(claimed("plan/x", 2, json!(1)));
    story
        .then(failed("plan/bad", 2, "Busy"))
        .gives_also("undo of failed: plan/x, plan/q after plan/x, plan/p after plan/q, plan after plan/p");
}
