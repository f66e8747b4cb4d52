//! What operators say about events that come in: sources that are mapped in, and what events look like. All while triggers run.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, RetentionPolicy};
use sagaline_broker::{
    names::Stream,
    ports::{Bucket, Message},
};
use sagaline_testkit::site::{store, stream};
use serde_json::{Value, json};

use crate::common::{World, eventually, id, on, on_if, order};

impl World {
    /// What `sagaline events sources set` and `types set` do; nothing removes.
    async fn set(&self, key: &str, value: Option<Value>) {
        let subject = self.names().key(Bucket::Settings, key);
        let headers = if value.is_none() { vec![("KV-Operation", "DEL".to_owned())] } else { vec![] };
        let payload = value.map(|value| value.to_string()).unwrap_or_default().into();
        store(&self.connection, &Message { subject, expected: None, msg_id: None, ttl: None, headers, payload }).await;
    }

    async fn stream_of_others(&self, name: &str, subject: &str, retention: RetentionPolicy) {
        let config = Config {
            name: name.into(),
            subjects: vec![subject.into()],
            retention,
            max_bytes: 1 << 20,
            ..Config::default()
        };
        self.connection.jetstream().create_stream(config).await.expect("a stream");
    }

    async fn put_in(&self, subject: &str, payload: &str) {
        let stored = self.connection.jetstream().publish(subject.to_owned(), payload.to_owned().into()).await;
        stored.expect("it is sent").await.expect("it is stored");
    }

    /// Waits until triggers take from it, and so know of it.
    async fn wait_for_consumer(&self, of: &str, name: &str) {
        eventually(&format!("a trigger takes from `{of}`"), async || {
            let Ok(stream) = self.connection.jetstream().get_stream(of).await else { return false };
            stream.consumer_info(name).await.is_ok_and(|consumer| 0 < consumer.num_waiting)
        })
        .await;
    }
}

#[tokio::test]
async fn a_stream_of_others_is_a_source_of_events() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.paid")]).await;
    world.stream_of_others("SHOP", "shop.>", RetentionPolicy::Limits).await;
    world.put_in("shop.7.paid", r#"{"order":0}"#).await;
    let (one, other) = (world.trigger().await, world.trigger().await);
    let shape = json!({
        "type": "order.${ message.tokens[2] }",
        "source": "/shops/${ message.tokens[1] }",
        "id": "${ message.data.order }",
    });
    world.set("source.shop", Some(json!({ "stream": "SHOP", "subject": "shop.*.*", "event": shape }))).await;
    world.wait_for_consumer("SHOP", "trigger-shop").await;
    for payload in [r#"{"order":1}"#, r#"{"order":2}"#, r#"{"order":1}"#, "no JSON"] {
        world.put_in("shop.7.paid", payload).await;
    }
    world.put_in("shop.7.paid.late", r#"{"order":3}"#).await;
    let events = [("ce-specversion", "1.0"), ("ce-id", "A"), ("ce-source", "/own"), ("ce-type", "order.paid")];
    let mut headers = async_nats::HeaderMap::new();
    events.iter().for_each(|(name, value)| headers.insert(*name, *value));
    let jetstream = world.connection.jetstream();
    let sent = jetstream.publish_with_headers("shop.7.changed", headers, order(9).to_string().into()).await;
    sent.expect("it is sent").await.expect("it is stored");

    world.wait_for_starts(3).await;
    let starts = world.starts().await;
    let mut expected = [id("order", "/shops/7", "1"), id("order", "/shops/7", "2"), id("order", "/own", "A")];
    expected.sort();
    assert_eq!(starts.keys().cloned().collect::<Vec<_>>(), expected, "not what was there before, or does not fit");
    assert_eq!(starts[&id("order", "/own", "A")][0].input, order(9), "a CloudEvent is left as it is");
    eventually("what is no event is set aside", async || !world.told("rejected").await.is_empty()).await;
    let rejected = world.told("rejected").await.remove(0);
    assert_eq!((&rejected["reason"], &rejected["message"]["stream"]), (&json!("not_a_cloudevent"), &json!("SHOP")));
    let why = rejected["why"].as_str().expect("a sentence");
    assert!(why.starts_with("the `id` of the event cannot be made"), "{why}");

    // From now on other messages of it count, and then none at all.
    let shape = json!({ "type": "order.paid" });
    world.set("source.shop", Some(json!({ "stream": "SHOP", "subject": "shop.*.*.late", "event": shape }))).await;
    eventually("the consumer is changed", async || {
        let shop = stream(&world.connection, "SHOP").await;
        let info = shop.consumer_info("trigger-shop").await;
        info.is_ok_and(|info| info.config.filter_subject == "shop.*.*.late" && 0 < info.num_waiting)
    })
    .await;
    world.put_in("shop.7.paid.late", r#"{"order":4}"#).await;
    world.wait_for_starts(4).await;
    world.set("source.shop", None).await;
    eventually("its consumer is gone", async || {
        let shop = stream(&world.connection, "SHOP").await;
        shop.consumer_info("trigger-shop").await.is_err()
    })
    .await;
    one.stop().await;
    other.stop().await;
}

/// Whoever publishes has an answer, as from any stream; and nothing is lost that came while no trigger ran.
#[tokio::test]
async fn a_plain_subject_is_captured() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.paid")]).await;
    let source = json!({ "subject": "till.*.paid", "event": { "type": "order.paid" } });
    world.set("source.till", Some(source)).await;
    let trigger = world.trigger().await;
    world.wait_for_consumer("SOURCE_till", "trigger-till").await;
    world.put_in("till.1.paid", r#"{"order":1}"#).await;
    world.wait_for_starts(1).await;
    trigger.stop().await;
    world.put_in("till.2.paid", r#"{"order":2}"#).await;
    world.put_in("till.2.paid", r#"{"order":2}"#).await;
    let trigger = world.trigger().await;
    let starts = world.wait_for_starts(3).await;
    assert!(starts.values().all(|starts| starts.len() == 1), "each message is an event of its own, and one start");

    // An operator deletes the consumer: everything since the source was set is read again, and starts nothing again.
    let captured = stream(&world.connection, "SOURCE_till").await;
    captured.delete_consumer("trigger-till").await.expect("it is deleted");
    world.wait_for_consumer("SOURCE_till", "trigger-till").await;
    world.put_in("till.3.paid", r#"{"order":3}"#).await;
    world.wait_for_starts(4).await;
    eventually("all of it is acknowledged", async || {
        let info = captured.consumer_info("trigger-till").await;
        info.is_ok_and(|info| info.num_pending == 0 && info.num_ack_pending == 0)
    })
    .await;
    assert_eq!(world.count_starts().await, 4);
    trigger.stop().await;
}

#[tokio::test]
async fn a_source_that_cannot_be_served_holds_up_nothing() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.paid")]).await;
    for (name, source) in [
        ("absent", json!({ "stream": "NOWHERE" })),
        ("own", json!({ "stream": "LIFECYCLE" })),
        ("everything", json!({ "subject": ">" })),
        ("neither", json!({})),
    ] {
        world.set(&format!("source.{name}"), Some(source)).await;
    }
    let trigger = world.trigger().await;
    world.publish("order.paid", "/shop", "1", order(1)).await;
    world.wait_for_starts(1).await;
    // The stream comes to be there.
    world.stream_of_others("NOWHERE", "nowhere.>", RetentionPolicy::WorkQueue).await;
    world.wait_for_consumer("NOWHERE", "trigger-absent").await;
    world.put_in("nowhere.x", "nothing is made of it").await;
    eventually("it is set aside", async || !world.told("rejected").await.is_empty()).await;
    trigger.stop().await;
}

#[tokio::test]
async fn events_of_a_known_type_are_checked_and_made_new() {
    let world = World::new().await;
    world.apply("order", 1, vec![on_if("order.created", "trigger.data.total.currency == 'EUR'")]).await;
    let versions = json!({
        "version": "trigger.data.version",
        "versions": {
            "1": {
                "schema": { "required": ["total"], "properties": { "total": { "type": "number" } } },
                "to_next": { "total": { "amount": "${ trigger.data.total }", "currency": "EUR" }, "version": 2 },
            },
            "2": { "schema": { "required": ["total"], "properties": { "total": { "type": "object" } } } },
        },
    });
    world.set("event.order.created", Some(versions)).await;
    let trigger = world.trigger().await;
    let new = json!({ "total": { "amount": 5, "currency": "EUR" }, "version": 2 });
    world.publish("order.created", "/shop", "old", json!({ "total": 5 })).await;
    world.publish("order.created", "/shop", "new", new.clone()).await;
    world.publish("order.created", "/shop", "bad", json!({ "total": "5" })).await;
    world.publish("order.created", "/shop", "newer", json!({ "version": 3 })).await;
    world.settle().await;
    let starts = world.starts().await;
    let mut expected = [id("order", "/shop", "new"), id("order", "/shop", "old")];
    expected.sort();
    assert_eq!(starts.keys().cloned().collect::<Vec<_>>(), expected);
    for starts in starts.values() {
        assert_eq!((&starts[0].input, &starts[0].trigger.as_ref().expect("an event")["data"]), (&new, &new));
    }
    let mut whys: Vec<String> = vec![];
    for data in world.told("rejected").await {
        assert_eq!(data["reason"], "bad_event");
        whys.push(data["why"].as_str().expect("a sentence").to_owned());
    }
    whys.sort();
    let expected = [
        "an event of type `order.created`: it is of version 3, and what is known are: 1, 2",
        "an event of type `order.created`: its data do not fit version 1: /total is \"5\"; expected a number",
    ];
    assert_eq!(whys, expected);
    let rejected = world.stored(&world.names().stream(Stream::Rejected)).await;
    assert!(rejected.iter().all(|message| message.subject.as_str() == "sagaline.rejected.bad_event"));

    // Once nothing is said about the type any more, everything of it passes.
    world.set("event.order.created", None).await;
    let mut tries = 0;
    eventually("nothing is checked any more", async || {
        tries += 1;
        world.publish("order.created", "/shop", &format!("any{tries}"), new.clone()).await;
        world.publish("order.created", "/till", &format!("any{tries}"), json!({ "total": "5" })).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.settle().await;
        world.told("rejected").await.len() < tries + 2
    })
    .await;
    trigger.stop().await;
}

/// A workflow that hears what it says itself, and would go on for ever.
#[tokio::test]
async fn an_event_that_has_come_round_too_often_starts_nothing() {
    let world = World::new().await;
    world.apply("ring", 1, vec![on("ring.*")]).await;
    let trigger = world.trigger().await;
    for hops in ["0", "32", "33", "many"] {
        let headers = [
            ("ce-specversion", "1.0"),
            ("ce-id", hops),
            ("ce-source", "/ring"),
            ("ce-type", "ring.closed"),
            ("ce-sagalinehops", hops),
        ];
        world.publish_raw("ring.closed", &headers, "").await;
        let unheard = [&headers[..3], &[("ce-type", "other.closed"), ("ce-sagalinehops", hops)]].concat();
        world.publish_raw("other.closed", &unheard, "").await;
    }
    world.settle().await;
    let mut expected = ["0", "32", "many"].map(|event| id("ring", "/ring", event));
    expected.sort();
    assert_eq!(world.starts().await.into_keys().collect::<Vec<_>>(), expected);
    let told = world.told("rejected").await;
    assert_eq!((told.len(), &told[0]["reason"], &told[0]["event"]["id"]), (1, &json!("loop"), &json!("33")));
    trigger.stop().await;
}
