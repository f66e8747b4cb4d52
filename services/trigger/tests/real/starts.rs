//! What an event starts, and with what.

use std::time::Instant;

use sagaline_broker::nats::Payloads;
use sagaline_model::{EventTrigger, Trigger};
use serde_json::{Value, json};

use crate::common::{World, eventually, id, on, on_if, order};

#[tokio::test]
async fn an_event_in_binary_mode_starts_the_workflow_that_listens() {
    let world = World::new().await;
    let input = json!({ "order": "${ trigger.data.order }", "from": "${ trigger.source }" });
    let listens = Trigger::Event(EventTrigger { input: Some(input), ..EventTrigger::of("order.created") });
    world.apply("order", 1, vec![Trigger::Manual, listens]).await;
    let trigger = world.trigger().await;
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "A-1"),
        ("ce-source", "/shop"),
        ("ce-type", "order.created"),
        ("ce-region", "eu"),
        ("ce-traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    world.publish_raw("order.created", &headers, r#"{"order":7}"#).await;
    let starts = world.wait_for_starts(1).await;

    let execution = id("order", "/shop", "A-1");
    let start = &starts[&execution][0];
    assert_eq!((start.workflow.as_str(), start.version), ("order", Some(1)));
    assert_eq!(start.input, json!({ "order": 7, "from": "/shop" }));
    let cause = start.trigger.as_ref().expect("the event that started it");
    assert_eq!((&cause["id"], &cause["region"], &cause["data"]["order"]), (&json!("A-1"), &json!("eu"), &json!(7)));

    world.settle().await;
    let subject = world.names().start(&execution, world.installed.partitions);
    let (partition, _, _) = world.names().parse_run(&subject).expect("a subject of a log");
    let stored = world.stored(&world.names().runs(partition)).await.remove(0);
    let header = |name| stored.headers.get(name).map(|value| value.as_str().to_owned());
    assert_eq!(header("ce-type").as_deref(), Some("sagaline.input.start.v1"));
    assert_eq!(header("ce-source").as_deref(), Some("/sagaline/sagaline/trigger"));
    assert_eq!(header("ce-subject"), Some(execution.clone()));
    assert_eq!(header("ce-traceparent").as_deref(), Some(headers[5].1));

    let told = world.told("matched").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["event"], json!({ "id": "A-1", "source": "/shop", "type": "order.created" }));
    assert_eq!((&told[0]["workflow"], &told[0]["execution"]), (&json!("order"), &json!(execution)));
    trigger.stop().await;
}

#[tokio::test]
async fn an_event_in_structured_mode_starts_the_same_execution() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.created")]).await;
    let trigger = world.trigger().await;
    let event = json!({
        "specversion": "1.0", "id": "A-1", "source": "/shop", "type": "order.created", "data": { "order": 7 },
    });
    let structured = [("Content-Type", "application/cloudevents+json; charset=utf-8")];
    world.publish_raw("order.created", &structured, event.to_string()).await;
    world.wait_for_starts(1).await;
    world.publish("order.created", "/shop", "A-1", order(7)).await;
    world.settle().await;
    let starts = world.starts().await;
    assert_eq!(starts.len(), 1);
    assert_eq!(starts[&id("order", "/shop", "A-1")][0].input, order(7));
    trigger.stop().await;
}

#[tokio::test]
async fn only_a_condition_that_is_true_starts() {
    let world = World::new().await;
    world.apply("large", 1, vec![on_if("order.created", "${ trigger.data.total > 100 }")]).await;
    world.apply("number", 1, vec![on_if("order.created", "${ trigger.data.total }")]).await;
    world.apply("broken", 1, vec![on_if("order.created", "${ trigger.data.total + 'x' == 1 }")]).await;
    world.apply("other", 1, vec![on("order.cancelled")]).await;
    let trigger = world.trigger().await;
    world.publish("order.created", "/shop", "small", json!({ "total": 99 })).await;
    world.publish("order.created", "/shop", "large", json!({ "total": 101 })).await;
    world.settle().await;
    let started: Vec<String> = world.starts().await.into_keys().collect();
    assert_eq!(started, [id("large", "/shop", "large")]);
    trigger.stop().await;
}

#[tokio::test]
async fn every_workflow_that_listens_is_started_once() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.created"), on_if("order.created", "true")]).await;
    world.apply("audit", 3, vec![on("order.created")]).await;
    let trigger = world.trigger().await;
    world.publish("order.created", "/shop", "A-1", order(1)).await;
    world.settle().await;
    let started: Vec<(String, usize)> =
        world.starts().await.into_iter().map(|(execution, starts)| (execution, starts.len())).collect();
    assert_eq!(started, [(id("audit", "/shop", "A-1"), 1), (id("order", "/shop", "A-1"), 1)]);
    assert_eq!(world.told("matched").await.len(), 2);
    trigger.stop().await;
}

#[tokio::test]
async fn a_workflow_may_listen_for_several_events() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.created"), on("order.changed")]).await;
    let trigger = world.trigger().await;
    for (kind, event) in [("order.created", "A-1"), ("order.changed", "A-2"), ("order.cancelled", "A-3")] {
        world.publish(kind, "/shop", event, order(1)).await;
    }
    world.settle().await;
    let started: Vec<String> = world.starts().await.into_keys().collect();
    let mut both = [id("order", "/shop", "A-1"), id("order", "/shop", "A-2")];
    both.sort();
    assert_eq!(started, both);
    trigger.stop().await;
}

/// No time passes between `apply` and the event: whoever only watches the bucket would miss some of these.
#[tokio::test]
async fn an_event_right_after_apply_sees_that_version() {
    let world = World::new().await;
    let trigger = world.trigger().await;
    for version in 1..=40 {
        world.apply("order", version, vec![on("order.created")]).await;
        world.publish("order.created", "/shop", &version.to_string(), Value::Null).await;
        let started = world.wait_for_starts(version as usize).await;
        let start = &started[&id("order", "/shop", &version.to_string())][0];
        assert_eq!(start.version, Some(version));
    }
    world.apply("order", 41, vec![]).await;
    world.publish("order.created", "/shop", "41", Value::Null).await;
    world.settle().await;
    assert_eq!(world.count_starts().await, 40, "it listens no more");
    trigger.stop().await;
}

#[tokio::test]
async fn what_is_too_large_for_a_message_travels_as_a_reference() {
    let world = World::new().await;
    world.apply("order", 1, vec![on_if("order.created", "${ trigger.data.name == 'large' }")]).await;
    let trigger = world.trigger().await;
    let data = json!({ "name": "large", "text": "x".repeat(600 * 1024) });
    world.publish("order.created", "/shop", "A-1", data.clone()).await;
    let starts = world.wait_for_starts(1).await;
    let start = &starts[&id("order", "/shop", "A-1")][0];
    assert!(start.input.get("$ref").is_some() && start.input.to_string().len() < 1000);
    let payloads = Payloads::open(&world.connection).await.expect("the store of payloads");
    assert_eq!(payloads.resolve(start.input.clone()).await.expect("it is there"), data);
    let cause = start.trigger.clone().expect("the event");
    assert_eq!(cause["data"], start.input, "it is stored once");

    // Such a reference in an event is looked into, and what it refers to stored for this execution as well: it may outlive the other.
    world.publish("order.created", "/shop", "A-2", start.input.clone()).await;
    let other = world.wait_for_starts(2).await[&id("order", "/shop", "A-2")][0].input.clone();
    assert_ne!(other["$ref"]["key"], start.input["$ref"]["key"]);
    assert_eq!(payloads.resolve(other).await.expect("it is there"), data);
    trigger.stop().await;
}

#[tokio::test]
async fn events_from_before_the_workflow_listened_do_not_start_it() {
    let world = World::new().await;
    world.publish("order.created", "/shop", "long ago", Value::Null).await;
    let published = Instant::now();
    eventually("it is longer ago than clocks may be apart", async || 11 <= published.elapsed().as_secs()).await;
    world.apply("order", 1, vec![on("order.created")]).await;
    world.publish("order.created", "/shop", "now", Value::Null).await;
    let trigger = world.trigger().await;
    world.settle().await;
    let started: Vec<String> = world.starts().await.into_keys().collect();
    assert_eq!(started, [id("order", "/shop", "now")]);
    trigger.stop().await;
}
