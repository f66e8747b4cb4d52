//! What waits for people, and what they may send and ask, as it ends up in the plan.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sagaline_model::Plan;
use serde_json::{Value, json};

fn plan(keys: &str) -> Plan {
    let source = format!("workflow: w\n{keys}");
    let read = sagaline_lang::read(&source, "w.yaml").unwrap_or_else(|faults| panic!("{}", faults.render(&source)));
    assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    read.plan
}

/// What the steps do, as JSON.
fn kinds(steps: &str) -> Value {
    let plan = plan(&format!("steps:\n{steps}"));
    let kinds: Vec<Value> = plan.root.nodes.iter().map(|node| serde_json::to_value(&node.kind).unwrap()).collect();
    kinds.into()
}

#[test]
fn several_signals_are_waited_for() {
    assert_eq!(
        kinds(
            "  a: { await: { signals: [paid, packed] } }\n  b: { await: { signals: [x, y], need: any, timeout: 1h, on_timeout: skip } }"
        ),
        json!([
            { "await_signals": { "signals": ["paid", "packed"], "need": "all", "on_timeout": "fail" } },
            { "await_signals": { "signals": ["x", "y"], "need": "any", "timeout": "1h", "on_timeout": "skip" } },
        ])
    );
}

#[test]
fn a_wait_may_have_steps_for_when_nothing_comes() {
    let steps = "  a: { await: { signal: go, timeout: 1h, on_timeout: { steps: { x: { set: { n: 1 } } } } } }";
    let x = json!({ "name": "x", "on_error": "fail", "kind": { "set": { "values": { "n": 1 } } } });
    let expected =
        json!([{ "await": { "signal": "go", "timeout": "1h", "on_timeout": { "steps": { "nodes": [x] } } } }]);
    assert_eq!(kinds(steps), expected);
}

#[test]
fn an_approval_knows_who_may_and_what_tells_them() {
    let kinds = kinds(
        "  a: { await: { approval: {} } }\n  b: { await: { approval: { approvers: [ann, '${ ctx.boss }'], notify: { activity: mail, queue: slow, retry: 3 } }, timeout: 1d } }",
    );
    assert_eq!(kinds[0], json!({ "approval": { "on_timeout": "fail" } }));
    let [approval, notify] = [&kinds[1]["approval"], &kinds[1]["approval"]["notify"]];
    assert_eq!((&approval["approvers"], &approval["timeout"]), (&json!(["ann", "${ ctx.boss }"]), &json!("1d")));
    assert_eq!((&notify["name"], &notify["on_error"]), (&json!("notify"), &json!("continue")));
    assert_eq!(notify["kind"]["step"]["queue"], "slow");
    assert_eq!(notify["kind"]["step"]["retry"]["attempts"], 3);
}

#[test]
fn what_may_be_sent_and_asked_is_in_the_plan() {
    let plan = plan(
        "signals: { go: { schema: { type: object } }, stop: {} }
queries: { progress: { a: '${ steps.a.status }' } }
updates: { raise: { schema: true, when: '${ update.by < 5 }', set: { n: '${ update.by }' }, result: '${ ctx.n }' } }
steps: { a: { activity: noop } }",
    );
    assert_eq!(
        serde_json::to_value(&plan.exchange).unwrap(),
        json!({
            "signals": { "go": { "schema": { "type": "object" } }, "stop": {} },
            "queries": { "progress": { "a": "${ steps.a.status }" } },
            "updates": {
                "raise": { "schema": true, "when": "update.by < 5", "set": { "n": "${ update.by }" }, "result": "${ ctx.n }" },
            },
        })
    );
    assert_eq!(plan.rules, Plan::RULES_OF_COMPANY);
}

/// What asks for nothing new runs on what older orchestrators know.
#[test]
fn an_item_may_still_be_called_update() {
    let plan = plan("steps: { a: { for_each: { items: [1], as: update }, activity: noop, input: '${ update }' } }");
    assert_eq!(plan.rules, Plan::RULES_OF_CONTROL);
}

#[test]
fn an_event_is_waited_for_that_has_something_in_common_with_the_execution() {
    let kinds = kinds(
        "  a: { await: { event: order.paid, match: { order_id: '${ workflow.input.id }' }, keep: 1h, timeout: 1d, on_timeout: skip } }\n  b: { await: { event: order.paid, correlate: { event: '${ trigger.subject }', with: '${ ctx.id }' }, when: '${ trigger.data.sum > 2 }' } }\n  c: { await: { event: shop.closed } }",
    );
    let expected = json!([
        { "await_event": {
            "event": "order.paid", "key": { "order_id": "${ trigger.data[\"order_id\"] }" },
            "with": { "order_id": "${ workflow.input.id }" }, "keep": "1h", "timeout": "1d", "on_timeout": "skip",
        } },
        { "await_event": {
            "event": "order.paid", "key": "${ trigger.subject }", "with": "${ ctx.id }",
            "when": "trigger.data.sum > 2", "on_timeout": "fail",
        } },
        { "await_event": { "event": "shop.closed", "on_timeout": "fail" } },
    ]);
    assert_eq!(kinds, expected);
}
