//! Which events are meant, on a real server.

use sagaline_model::{EventTrigger, Trigger};
use serde_json::{Value, json};

use crate::common::{World, id};

fn trigger(json: Value) -> Trigger {
    Trigger::Event(serde_json::from_value::<EventTrigger>(json).expect("a trigger"))
}

#[tokio::test]
async fn an_event_starts_those_whose_patterns_it_fits() {
    let world = World::new().await;
    world.apply("word", 1, vec![trigger(json!({ "type": "order.*" }))]).await;
    world.apply("rest", 1, vec![trigger(json!({ "type": ["invoice.paid", "order.>"] }))]).await;
    world.apply("shop", 1, vec![trigger(json!({ "type": "order.paid", "source": "/shops/*" }))]).await;
    let acme = json!({ "type": "order.paid", "subject": "order-*", "extensions": { "tenant": "acme" } });
    world.apply("acme", 1, vec![trigger(acme)]).await;
    let running = world.trigger().await;

    world.publish("order.paid", "/shops/1", "A-1", Value::Null).await;
    world.publish("order.paid.late", "/shops/1", "A-2", Value::Null).await;
    let headers = |source, event, tenant| {
        [
            ("ce-specversion", "1.0"),
            ("ce-id", event),
            ("ce-source", source),
            ("ce-type", "order.paid"),
            ("ce-subject", "order-7"),
            ("ce-tenant", tenant),
        ]
    };
    world.publish_raw("order.paid", &headers("/stores/1", "A-3", "acme"), "").await;
    world.publish_raw("order.paid", &headers("/stores/1", "A-4", "other"), "").await;
    world.settle().await;

    let started: Vec<String> = world.starts().await.into_keys().collect();
    let mut expected = [
        id("word", "/shops/1", "A-1"),
        id("rest", "/shops/1", "A-1"),
        id("shop", "/shops/1", "A-1"),
        id("rest", "/shops/1", "A-2"),
        id("word", "/stores/1", "A-3"),
        id("rest", "/stores/1", "A-3"),
        id("acme", "/stores/1", "A-3"),
        id("word", "/stores/1", "A-4"),
        id("rest", "/stores/1", "A-4"),
    ];
    expected.sort();
    assert_eq!(started, expected);
    running.stop().await;
}

/// The first entry that fits says the input, and the workflow is started once, however many do.
#[tokio::test]
async fn the_first_entry_that_fits_says_the_input() {
    let world = World::new().await;
    let entries = [
        json!({ "type": "order.*", "source": "/store", "input": "store" }),
        json!({ "type": "order.paid", "input": "paid" }),
        json!({ "type": "order.>", "input": "any" }),
    ];
    world.apply("order", 1, entries.map(trigger).to_vec()).await;
    let running = world.trigger().await;
    for (kind, source, event) in
        [("order.paid", "/store", "1"), ("order.paid", "/shop", "2"), ("order.changed", "/shop", "3")]
    {
        world.publish(kind, source, event, Value::Null).await;
    }
    world.settle().await;
    let starts = world.starts().await;
    let input = |source, event| starts[&id("order", source, event)].iter().map(|start| start.input.clone()).collect();
    let inputs: [Vec<Value>; 3] = [input("/store", "1"), input("/shop", "2"), input("/shop", "3")];
    assert_eq!(inputs, [vec![json!("store")], vec![json!("paid")], vec![json!("any")]]);
    running.stop().await;
}
