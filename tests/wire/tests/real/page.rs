//! The JSON of the page that NATS and the stores read, given to real ones.

use std::{fs, path::PathBuf, time::Duration};

use sagaline_broker::nats::{PayloadOf, Payloads, connect};
use sagaline_wire::{client::Started, nats::Nats};
use serde_json::{Value, json};

use crate::site::{LONG, Site};

/// The example of this name.
fn example(claim: &str) -> Value {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once(&format!("\n```json {claim}\n")).unwrap_or_else(|| panic!("no example `{claim}`"));
    serde_json::from_str(rest.split("\n```").next().unwrap()).unwrap()
}

fn site() -> Site {
    Site::with("workflow: pay\nsteps: { charge: { activity: payments.charge } }\n")
}

#[test]
fn the_server_takes_the_requests_of_the_page() {
    let site = site();
    let mut nats = Nats::connect(&site.address()).unwrap();
    let create = example("api:consumer").to_string();
    let subject = "$JS.API.CONSUMER.CREATE.QUEUE_default.payments~charge";
    for _ in 0..2 {
        let created = nats.request(subject, &[], create.as_bytes(), LONG).unwrap().unwrap();
        let created: Value = serde_json::from_slice(&created.payload).unwrap();
        assert_eq!(created["config"]["ack_wait"], 4_000_000_000_u64, "{created}");
        assert!(created["ts"].is_string() && created["created"].is_string(), "{created}");
    }
    let inbox = nats.own_subject("tasks");
    nats.subscribe(&inbox).unwrap();
    let pull = example("api:pull").to_string();
    nats.publish("$JS.API.CONSUMER.MSG.NEXT.QUEUE_default.payments~charge", &inbox, &[], pull.as_bytes()).unwrap();
    let heartbeat = nats.next(LONG).unwrap().expect("a heartbeat");
    assert_eq!(heartbeat.status, 100, "{heartbeat:?}");
}

#[test]
fn an_operators_settings_of_a_consumer_are_told_from_ours() {
    let site = site();
    let mut nats = Nats::connect(&site.address()).unwrap();
    let mut ask = |verb: &str, body: &Value| -> Value {
        let subject = format!("$JS.API.CONSUMER.{verb}.QUEUE_default.payments~charge");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        serde_json::from_slice(&nats.request(&subject, &[], body.as_bytes(), LONG).unwrap().unwrap().payload).unwrap()
    };
    let mut theirs = example("api:consumer");
    theirs["config"]["ack_wait"] = json!(9_000_000_000_u64);
    assert!(ask("CREATE", &theirs)["error"].is_null());
    assert_eq!(ask("CREATE", &example("api:consumer"))["error"]["err_code"], 10148);
    assert_eq!(ask("INFO", &Value::Null)["config"]["ack_wait"], 9_000_000_000_u64);
}

#[test]
fn an_acknowledgement_has_the_fields_of_the_page() {
    let site = site();
    let mut client = site.client();
    let headers = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/shop"), ("ce-type", "order.created")];
    let answer = client.nats.request("sagaline.events.order.created", &headers, b"{}", LONG).unwrap().unwrap();
    let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
    let fields = |json: &Value| json.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&answer), fields(&example("puback")));
}

#[test]
fn a_start_that_is_there_can_be_read_with_its_id() {
    let site = site();
    let mut client = site.client();
    // In the other mode of CloudEvents.
    let event = json!({
        "specversion": "1.0", "id": "mine", "source": "/shop", "type": "sagaline.input.start.v1", "data": {"workflow": "pay"},
    });
    let subject = "sagaline.run.1.order-1.start";
    let headers = [("content-type", "application/cloudevents+json"), ("Nats-Expected-Last-Subject-Sequence", "0")];
    let answer = client.nats.request(subject, &headers, event.to_string().as_bytes(), LONG).unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&answer.payload).unwrap()["stream"], "RUNS_1");
    assert_eq!(client.start("order-1", "pay", &Value::Null).unwrap(), Started::Before);
    let there = client.nats.request(&format!("$JS.API.DIRECT.GET.RUNS_1.{subject}"), &[], b"", LONG).unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&there.payload).unwrap()["id"], "mine");
    assert_eq!(there.header("Nats-Subject"), Some(subject));
}

#[test]
fn a_reference_is_as_the_page_shows_it() {
    let site = site();
    let value = json!("x".repeat(300_000));
    let of = PayloadOf { partition: 0, execution: "order-1" };
    let reference = site.block_on(async {
        let connection = connect(&site.url(), "sagaline", "test").await.unwrap();
        Payloads::open(&connection).await.unwrap().offload(of, value).await.unwrap()
    });
    assert_eq!(reference, example("reference"));
}

#[test]
fn what_is_no_input_is_rejected_with_the_headers_of_the_page() {
    let site = site();
    let mut client = site.client();
    let rejected = client.nats.subscribe("sagaline.rejected.*").unwrap();
    let error = client.send("e-1", "no_such_thing", &json!({"a": 1}));
    error.expect("anything is stored; its owner looks at it");
    let message = loop {
        let message = client.nats.next(LONG).unwrap().expect("it is rejected");
        if message.sid == rejected {
            break message;
        }
    };
    assert_eq!(message.subject, "sagaline.rejected.bad_input");
    assert_eq!(message.payload, br#"{"a":1}"#);
    for header in ["Sagaline-Reason", "Sagaline-Stream", "Sagaline-Sequence", "Nats-Msg-Id"] {
        assert!(message.header(header).is_some(), "{header}: {message:?}");
    }
}

#[test]
fn nobody_answers_where_there_is_no_installation() {
    let site = site();
    let mut nats = Nats::connect(&site.address()).unwrap();
    let subject = "$JS.API.DIRECT.GET.KV_team-a_partitions.$KV.team-a_partitions.count";
    let answer = nats.request(subject, &[], b"", Duration::from_secs(5)).unwrap().expect("an answer at once");
    assert_eq!(answer.status, 503);
}
