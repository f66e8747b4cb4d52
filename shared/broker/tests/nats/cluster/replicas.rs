//! Replicas as a setting: streams and what hangs on them, and reads that must not come from a replica that lags.

use sagaline_broker::{
    nats::{Installation, NatsPorts, PayloadOf, Payloads},
    ports::{Bucket, Message, Outcome, Ports},
};
use serde_json::{Value, json};

use crate::common::{Site, eventually, message, small};

async fn copies(connection: &sagaline_broker::nats::Connection, what: &str) -> usize {
    let answer = connection.client().request(format!("$JS.API.{what}"), "".into()).await.unwrap();
    let info: Value = serde_json::from_slice(&answer.payload).unwrap();
    1 + info["cluster"]["replicas"].as_array().map_or(0, Vec::len)
}

/// As an operator does who adds two nodes.
#[tokio::test]
async fn an_installation_of_one_copy_becomes_one_of_three_and_its_consumers_too() {
    let (site, connection) = Site::cluster().await;
    let other = sagaline_broker::nats::connect(&site.server.url(), "grows", "test").await.unwrap();
    let grows = |replicas| Installation { replicas, ..small() };
    grows(1).ensure(&other).await.unwrap();
    assert_eq!(copies(&connection, "STREAM.INFO.grows_QUEUE_default").await, 1);
    let worker = json!({ "stream_name": "grows_QUEUE_default", "action": "create", "config": {
        "name": "pay", "durable_name": "pay", "ack_policy": "explicit", "filter_subject": "grows.queue.default.pay.>" } });
    let made = "$JS.API.CONSUMER.CREATE.grows_QUEUE_default.pay.grows.queue.default.pay.>";
    connection.client().request(made, worker.to_string().into()).await.unwrap();
    grows(3).ensure(&other).await.unwrap();
    for what in ["STREAM.INFO.grows_RUNS_0", "STREAM.INFO.KV_grows_partitions", "CONSUMER.INFO.grows_QUEUE_default.pay"]
    {
        eventually(what, async || copies(&connection, what).await == 3).await;
    }
    grows(1).ensure(&other).await.unwrap();
    assert_eq!(copies(&connection, "STREAM.INFO.grows_RUNS_0").await, 3, "never lowered");
}

/// A replica may answer direct reads before it has what was acknowledged; the leader never does.
#[tokio::test]
async fn what_was_acknowledged_is_read_at_once_also_under_load() {
    let (site, connection) = Site::cluster().await;
    let mut load: NatsPorts = site.ports().await;
    for ticket in 0..5000 {
        load.publish(ticket, message(&format!("$KV.executions.0.load-{ticket}"), vec![b'x'; 500]).into());
    }
    let mut events = vec![];
    for number in 0..500_u32 {
        let value = number.to_string();
        let put = Message { ..message("$KV.definitions.order.latest", value.clone()) };
        // Under such a load an answer may be late; what is written twice is written.
        eventually("it is stored", async || matches!(connection.publish(&put).await, Outcome::Stored { .. })).await;
        let (_, read) = connection.value(Bucket::Definitions, "order.latest").await.unwrap().expect("a value");
        assert_eq!(read, value, "read {number}");
        load.events(true, std::time::Duration::ZERO, &mut events).await;
    }
}

/// The reference of a large value arrives elsewhere before every replica has what it refers to.
#[tokio::test]
async fn a_payload_can_be_read_everywhere_as_soon_as_its_reference_is_there() {
    let (site, connection) = Site::cluster().await;
    let config = connection.jetstream().get_stream("OBJ_payloads").await.unwrap().cached_info().config.clone();
    assert!(!config.allow_direct, "clients are to ask the leader");
    let written = Payloads::open(&connection).await.unwrap();
    let elsewhere = [site.connect().await, site.connect().await, site.connect().await];
    for number in 0..40 {
        let execution = format!("order-{number}");
        let of = PayloadOf { partition: 0, execution: &execution };
        let value = json!({ "number": number, "text": "x".repeat(300_000) });
        let reference = written.offload(of, value.clone()).await.unwrap();
        for reader in &elsewhere {
            let read = Payloads::open(reader).await.unwrap().resolve(reference.clone()).await.unwrap();
            assert!(read == value, "payload {number}");
        }
    }
}
