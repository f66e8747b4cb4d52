//! What cannot be served, and that it stops nothing else.

use sagaline_broker::names::Stream;
use sagaline_model::{EventTrigger, Plan, Trigger};
use serde_json::{Value, json};

use crate::common::{World, id, on, order};

#[tokio::test]
async fn what_is_no_cloudevent_is_set_aside_as_it_came() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.created")]).await;
    let trigger = world.trigger().await;
    world.publish_raw("order.created", &[], "\u{0}garbage\r\n").await;
    world.publish_raw("order.created", &[("ce-specversion", "0.3"), ("ce-id", "old")], "{}").await;
    world.publish_raw("order.created", &[("content-type", "application/cloudevents+json")], "{").await;
    world.publish("order.created", "/shop", "A-1", order(1)).await;
    world.wait_for_starts(1).await;
    world.settle().await;

    let mut rejected = world.stored(&world.names().stream(Stream::Rejected)).await;
    rejected.sort_by_key(|message| message.headers.get("Sagaline-Sequence").map(|value| value.as_str().to_owned()));
    assert_eq!(rejected.len(), 3);
    assert!(rejected.iter().all(|message| message.subject.as_str() == "sagaline.rejected.not_a_cloudevent"));
    let header = |index: usize, name| rejected[index].headers.get(name).map(|value| value.as_str().to_owned());
    assert_eq!(&rejected[0].payload[..], b"\0garbage\r\n");
    assert!(header(0, "Sagaline-Reason").expect("a reason").contains("no CloudEvent"));
    assert_eq!(header(0, "Sagaline-Stream").as_deref(), Some("EVENTS"));
    assert_eq!(header(0, "Sagaline-Subject").as_deref(), Some("sagaline.events.order.created"));
    assert!(header(1, "Sagaline-Reason").expect("a reason").contains("`0.3`"));
    let headers: Value = serde_json::from_str(&header(1, "Sagaline-Headers").expect("the headers")).expect("JSON");
    assert_eq!(headers["ce-id"], "old");
    assert!(header(2, "Sagaline-Reason").expect("a reason").contains("EOF"));

    let told = world.told("rejected").await;
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|data| data["reason"] == "not_a_cloudevent" && data["workflow"].is_null()));
    trigger.stop().await;
}

#[tokio::test]
async fn an_input_that_cannot_be_made_is_set_aside_and_holds_up_no_other_workflow() {
    let world = World::new().await;
    let input = Some(json!({ "total": "${ trigger.data.order + 'x' }" }));
    world.apply("broken", 1, vec![Trigger::Event(EventTrigger { input, ..EventTrigger::of("order.created") })]).await;
    world.apply("order", 1, vec![on("order.created")]).await;
    let trigger = world.trigger().await;
    world.publish("order.created", "/shop", "A 1", order(1)).await;
    world.settle().await;
    assert_eq!(world.starts().await.into_keys().collect::<Vec<_>>(), [id("order", "/shop", "A 1")]);
    let rejected = world.stored(&world.names().stream(Stream::Rejected)).await;
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].subject.as_str(), "sagaline.rejected.trigger_fault");
    assert_eq!(&rejected[0].payload[..], order(1).to_string().as_bytes());
    let told = world.told("rejected").await;
    assert_eq!((&told[0]["workflow"], &told[0]["event"]["id"]), (&json!("broken"), &json!("A 1")));
    assert_eq!(told[0]["execution"], id("broken", "/shop", "A 1"));
    trigger.stop().await;
}

#[tokio::test]
async fn an_input_that_does_not_fit_its_schema_starts_nothing_and_says_why() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.created")]).await;
    let schema =
        json!({ "properties": { "order": { "type": "number" }, "card": true }, "required": ["order", "card"] });
    let root = sagaline_model::Dag { nodes: vec![] };
    let checked = Plan {
        handlers: Default::default(),
        conduct: Default::default(),
        exchange: Default::default(),
        concurrency: None,
        unique: None,
        config: Default::default(),
        workflow: sagaline_model::Name::new("checked").expect("a name"),
        rules: Plan::RULES_OF_CONTRACTS,
        note: None,
        input_schema: Some(schema),
        triggers: vec![on("order.created")],
        timeout: None,
        tags: vec![],
        root,
        output: None,
    };
    world.apply_plan(checked, 1).await;
    let trigger = world.trigger().await;
    world.publish("order.created", "/shop", "A-1", json!({ "order": "x" })).await;
    world.settle().await;
    assert_eq!(world.starts().await.into_keys().collect::<Vec<_>>(), [id("order", "/shop", "A-1")]);
    let told = world.told("rejected").await;
    assert_eq!((&told[0]["workflow"], &told[0]["reason"]), (&json!("checked"), &json!("invalid_input")));
    let why = told[0]["why"].as_str().expect("a reason");
    assert!(why.contains("has no `card`; expected a map with `card`; /order is \"x\"; expected a number"), "{why}");
    trigger.stop().await;
}

/// The log of a partition is away for a while: its starts wait, the others do not.
#[tokio::test]
async fn an_event_that_fails_is_tried_again_and_holds_up_no_other() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.created")]).await;
    let away = world.names().runs(1);
    world.connection.jetstream().delete_stream(&away).await.expect("the log goes away");
    let trigger = world.trigger().await;
    let events = 40;
    for number in 0..events {
        world.publish("order.created", "/shop", &number.to_string(), order(number)).await;
    }
    let of_partition = |partition| {
        let home = move |number: &usize| {
            sagaline_model::partition_of(&id("order", "/shop", &number.to_string()), 2) == partition
        };
        (0..events).filter(home).count()
    };
    assert!(0 < of_partition(0) && 0 < of_partition(1));
    crate::common::eventually("the other partition has its starts", async || {
        world.stored(&world.names().runs(0)).await.len() == of_partition(0)
    })
    .await;
    world.server.installation().ensure(&world.connection).await.expect("the log is back");
    world.wait_for_starts(events).await;
    world.settle().await;
    assert_eq!(world.stored(&away).await.len(), of_partition(1));
    trigger.stop().await;
}

/// A job is one whatever its source: what asks for one and is none is set aside, and the next one is submitted.
#[tokio::test]
async fn what_is_no_job_is_set_aside_with_its_reason_and_holds_up_no_other() {
    let world = World::new().await;
    let trigger = world.trigger().await;
    let kind = "sagaline.job.submit.v1";
    let bad = [json!({ "payload": 1 }), json!({ "activity": "a", "in": "2s", "at": "2026-01-01T00:00:00Z" }), json!(7)];
    for (number, data) in bad.iter().enumerate() {
        world.publish(kind, "/shop", &format!("bad-{number}"), data.clone()).await;
    }
    world.publish(kind, "/shop", "good", json!({ "activity": "mails.send", "queue": "named-first-here" })).await;
    world.settle().await;
    let queue = world.names().queue_stream("named-first-here");
    assert!(world.stored(&queue).await.is_empty(), "the queue was made, and its tasks are the orchestrator's");
    assert_eq!(world.starts().await.into_keys().collect::<Vec<_>>(), [id("job", "/shop", "good")]);
    let rejected = world.stored(&world.names().stream(Stream::Rejected)).await;
    assert_eq!(rejected.len(), 3);
    for message in &rejected {
        assert_eq!(message.subject.as_str(), "sagaline.rejected.bad_job");
        let headers = &message.headers;
        let why = headers.get("Sagaline-Reason").map(|why| why.as_str().to_owned()).expect("a reason");
        let wanted: Value = serde_json::from_slice(&message.payload).expect("it is as it came");
        let part = match bad.iter().position(|data| *data == wanted) {
            Some(0) => "missing field `activity`",
            Some(1) => "it says `at` and `in`",
            Some(2) => "its data is no job",
            _ => panic!("{wanted} was not published"),
        };
        assert!(why.contains(part), "{why}");
    }
    assert!(world.told("rejected").await.iter().all(|data| data["reason"] == "bad_job"));
    trigger.stop().await;
}
