//! Random steps that a step returns: some that run, and some that cannot.

use serde_json::{Value, json};

use crate::choices::Choices;

const MOST_STEPS: usize = 4;

pub(crate) fn steps(choices: &mut Choices) -> Value {
    if choices.chance(10) {
        return bad(choices);
    }
    let count = choices.below(MOST_STEPS + 1);
    Value::Array((0..count).map(|place| step(choices, place)).collect())
}

fn step(choices: &mut Choices, place: usize) -> Value {
    let mut before = |percent: usize| -> Vec<String> {
        (0..place).filter(|_| choices.chance(percent)).map(|place| format!("e{place}")).collect()
    };
    let (after, after_any) = (before(30), before(10));
    let mut step = json!({
        "name": format!("e{place}"),
        "after": after,
        "after_any": after_any,
        "on_error": choices.weighted(&[(5, "fail"), (3, "skip"), (3, "continue")]),
        "kind": kind(choices, place),
    });
    match choices.below(10) {
        9 => step["when"] = "false".into(),
        8 => step["when"] = "steps.e0.status == \"completed\"".into(),
        _ => {}
    }
    step
}

fn kind(choices: &mut Choices, place: usize) -> Value {
    let inner = json!({"nodes": [
        {"name": format!("inner{place}"), "kind": {"step": {"activity": "inner"}}},
        {"name": format!("second{place}"), "after": [format!("inner{place}")], "kind": {"set": {"values": {"n": 4}}}},
    ]});
    let looped = json!({"name": "item", "kind": {"step": {"activity": "looped", "input": "${ item }"}}});
    let retry = json!({"attempts": 2, "initial": "1s", "backoff": "fixed"});
    let task = json!({"step": {"activity": "some.activity", "queue": "extra", "input": ["${ steps.e0.output }", "${ ctx.e0 }"], "retry": retry}});
    let kinds = [
        (8, task),
        (1, json!({"wait": {"duration": "1s"}})),
        (1, json!({"await": {"signal": "go", "timeout": "3s"}})),
        (1, json!({"dag": inner.clone()})),
        (1, json!({"race": {"nodes": [inner["nodes"][0].clone()]}})),
        (1, json!({"for_each": {"items": [1, 2], "as": "item", "concurrency": 1, "body": looped}})),
        (1, json!({"set": {"values": {"n": "${ steps.e0.output.n }"}}})),
        (1, json!({"raise": {"type": "Broken", "message": ""}})),
        (1, json!({"step": {"activity": "further", "expand": {"concurrency": 2}}})),
        // What they leave out is for the step that returns them to say.
        (6, json!({"step": {"activity": "plain"}})),
        (
            6,
            json!({"step": {"activity": "undone", "compensate": {"actions": [{"activity": "undo", "input": "${ output }"}]}}}),
        ),
        (1, json!({"step": {"activity": "often", "retry": {"attempts": 3}}})),
    ];
    let places: Vec<(usize, usize)> = kinds.iter().enumerate().map(|(place, (weight, _))| (*weight, place)).collect();
    kinds[choices.weighted(&places)].1.clone()
}

fn bad(choices: &mut Choices) -> Value {
    let step = json!({"name": "e0", "kind": {"step": {"activity": "a"}}});
    let after = |needed: &str| json!({"name": "e1", "after": [needed], "kind": {"step": {"activity": "a"}}});
    match choices.below(6) {
        5 => json!([step, step]),
        4 => json!([step, after("nobody")]),
        3 => json!([step, after("e1")]),
        2 => json!([{"name": "e0", "when": "1 +", "kind": {"step": {"activity": "a"}}}]),
        1 => json!([{"name": "e0", "kind": {"step": {"activity": "a", "queue": "nowhere"}}}]),
        _ => json!({"e0": {}}),
    }
}
