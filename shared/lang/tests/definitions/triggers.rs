//! What starts executions: the events that are asked for, and what becomes of them.

use sagaline_model::Plan;
use serde_json::json;

use crate::without_warnings;

#[test]
fn events_may_be_gathered() {
    let read = |on: &str| {
        let text = format!("workflow: w\non: {on}\nsteps: {{ a: {{ activity: noop }} }}\n");
        let plan =
            sagaline_lang::read(&text, "w.yaml").unwrap_or_else(|faults| panic!("{}", faults.render(&text))).plan;
        assert_eq!(plan.rules, sagaline_model::Plan::RULES_OF_STARTS);
        serde_json::to_value(&plan.triggers[0]).unwrap()["event"]["gather"].clone()
    };
    assert_eq!(
        read("{ event: doc.changed, debounce: { for: 5s, key: '${ trigger.data.doc }', max: 1m } }"),
        json!({ "debounce": { "for": "5s", "key": "${ trigger.data.doc }", "max": "1m" } })
    );
    assert_eq!(read("{ event: row, batch: { size: 10, for: 1s } }"), json!({ "batch": { "size": 10, "for": "1s" } }));
}

#[test]
fn triggers_ask_for_any_attribute_and_may_tell_an_execution() {
    let plan = without_warnings(
        r#"
workflow: order
on:
  - event: [order.*, invoice.>]
    source: /shops/*
    subject: order-*
    extensions: { tenant: acme, shard: 7 }
  - event: payment.taken
    when: ${ trigger.data.total > 0 }
    signal: paid
    execution: "order-${ trigger.data.order }"
    data: { amount: "${ trigger.data.total }" }
  - { event: order.closed, signal: closed, execution: "${ trigger.subject }" }
steps: { a: { activity: noop } }
"#,
    );
    assert_eq!(plan.rules, Plan::RULES_OF_STARTS);
    assert_eq!(
        serde_json::to_value(&plan.triggers).expect("JSON"),
        json!([
            { "event": {
                "type": ["order.*", "invoice.>"],
                "source": "/shops/*",
                "subject": "order-*",
                "extensions": { "tenant": "acme", "shard": "7" },
            } },
            { "event": {
                "type": "payment.taken",
                "when": "trigger.data.total > 0",
                "signal": {
                    "name": "paid",
                    "execution": "order-${ trigger.data.order }",
                    "data": { "amount": "${ trigger.data.total }" },
                },
            } },
            { "event": { "type": "order.closed", "signal": { "name": "closed", "execution": "${ trigger.subject }" } } },
        ])
    );
}

/// What older replicas can serve asks for no more of them than before.
#[test]
fn a_plain_trigger_asks_for_the_first_rules() {
    let on = r#"{ event: [order.created], when: "true", input: 1 }"#;
    let plan = without_warnings(&format!("workflow: w\non: {on}\nsteps: {{ a: {{ activity: noop }} }}\n"));
    assert_eq!(plan.rules, Plan::FIRST_RULES);
    let event = serde_json::to_value(&plan.triggers[0]).expect("JSON");
    assert_eq!(event, json!({ "event": { "type": "order.created", "when": "true", "input": 1 } }));
}
