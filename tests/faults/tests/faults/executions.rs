//! Executions of what is not there.

use futures::StreamExt;
use sagaline_sdk::client::fresh_id;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::site::{Site, WITHIN, event};

const START: &str = "sagaline.input.start.v1";

#[test]
fn an_unknown_workflow_is_refused_with_a_hint() {
    let site = Site::shared();
    let id = fresh_id().to_string();
    site.sagaline(&["start", "nothing", "--id", &id])
        .ends_with(1)
        .says(&["error: no workflow `nothing` is applied", "hint: `sagaline apply FILE` applies one"]);
    site.sagaline(&["get", &id]).ends_with(1).says(&["there is no execution", "hint: "]);
    site.sagaline(&["start", "echo", "--version", "9"]).ends_with(1).says(&["has no version 9", "hint: "]);
    site.goes_on();
}

/// A client that does not look first: the start is stored, so it must come to an end that can be seen.
#[test]
fn a_raw_start_of_an_unknown_workflow_ends_refused() {
    let site = Site::shared();
    for (start, why) in [
        (json!({ "workflow": "nothing" }), "no workflow `nothing` is applied"),
        (json!({ "workflow": "nothing", "version": 1 }), "nothing"),
        (json!({ "workflow": "echo", "version": 9 }), "9"),
    ] {
        let id = fresh_id();
        let told = site.run(async {
            let nats = site.client.connection().client();
            let mut told = nats.subscribe(format!("sagaline.lifecycle.workflow.*.*.{id}")).await.expect("heard");
            nats.flush().await.expect("the server has the subscription");
            let subject = site.names().start(id.as_str(), site.client.partitions());
            let headers = crate::site::header_map(&event(START));
            let ack = nats.request_with_headers(subject, headers, start.to_string().into()).await.expect("an ack");
            assert!(!String::from_utf8_lossy(&ack.payload).contains("error"), "{ack:?}");
            timeout(WITHIN, told.next()).await.expect("it is told").expect("the connection stays")
        });
        assert_eq!(told.subject.split('.').nth(3), Some("start_refused"), "{start}: {}", told.subject);
        let told: Value = serde_json::from_slice(&told.payload).expect("JSON");
        assert_eq!(told["error"]["type"], "UnknownWorkflow", "{told}");
        let view = site.run(async { timeout(WITHIN, site.client.wait(&id)).await.expect("in time").expect("found") });
        assert_eq!(view.status.as_str(), "failed");
        let shown = site.sagaline(&["get", id.as_str(), "--output", "json"]).ends_with(0).json();
        assert_eq!((&shown[0]["status"], &shown[0]["error"]["type"]), (&json!("failed"), &json!("UnknownWorkflow")));
        let message = shown[0]["error"]["message"].as_str().expect("a message");
        assert!(message.contains(why), "{message}");
    }
    site.goes_on();
}
