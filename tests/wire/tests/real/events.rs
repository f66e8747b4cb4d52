//! A CloudEvent from a stock client starts a workflow, and the same client hears what becomes of it. Nothing of ours is used but the
//! services.

use std::collections::BTreeSet;

use sagaline_telemetry::Health;
use sagaline_wire::python::python;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::site::Site;

const WORKFLOW: &str = "workflow: ship
on: { event: order.paid, when: \"${ trigger.data.total > 0 }\" }
steps:
  pack: { set: { packed: \"${ workflow.input.order }\" } }
  tell: { after: pack, emit: { type: order.shipped, data: { order: \"${ ctx.packed }\" } } }
output: { order: \"${ ctx.packed }\" }
";

/// Publishes an event in either mode, twice each, and one that is not meant; prints every lifecycle event, and the event that is
/// emitted, until both executions are over and all is told. Services tell independently: that an event matched may come after
/// the end of what it started.
const PROGRAM: &str = r#"
import asyncio, json, sys
import nats

async def main():
    nc = await nats.connect(sys.argv[1])
    js = nc.jetstream()
    heard = asyncio.Queue()
    for subject in ["sagaline.lifecycle.>", "sagaline.events.order.shipped"]:
        await nc.subscribe(subject, cb=heard.put)
    binary = {"ce-specversion": "1.0", "ce-type": "order.paid", "ce-source": "/shop", "ce-id": "A-1"}
    structured = {"specversion": "1.0", "type": "order.paid", "source": "/shop", "id": "A-2", "data": {"order": "A-2", "total": 5}}
    unmeant = dict(binary, **{"ce-id": "A-3"})
    for _ in range(2):  # What is not meant comes first, so that it would be heard of in time.
        await js.publish("sagaline.events.order.paid", json.dumps({"order": "A-3", "total": 0}).encode(), headers=unmeant)
        await js.publish("sagaline.events.order.paid", json.dumps({"order": "A-1", "total": 3}).encode(), headers=binary)
        await js.publish("sagaline.events.order.paid", json.dumps(structured).encode(),
                         headers={"Content-Type": "application/cloudevents+json"})
    types = ["sagaline.trigger.matched.v1", "sagaline.workflow.started.v1", "sagaline.workflow.completed.v1", "order.shipped"]
    about = {kind: set() for kind in types}
    while any(len(executions) < 2 for executions in about.values()):
        message = await asyncio.wait_for(heard.get(), 90)
        headers = {name.lower(): value for name, value in (message.headers or {}).items()}
        about.setdefault(headers.get("ce-type"), set()).add(headers.get("ce-subject"))
        print(json.dumps({"subject": message.subject, "id": headers.get("ce-id"), "type": headers.get("ce-type"),
                          "about": headers.get("ce-subject"), "hops": headers.get("ce-sagalinehops"),
                          "data": json.loads(message.data)}))
    await nc.close()

asyncio.run(main())
"#;

#[test]
fn a_stock_client_publishes_events_and_hears_what_they_start() {
    let site = Site::with(WORKFLOW);
    let (stop, health) = (CancellationToken::new(), Health::new());
    let settings = sagaline_trigger::Settings::new(site.url(), "sagaline");
    let trigger = site.spawn(sagaline_trigger::run(settings, health, stop.clone()));
    let printed = python(PROGRAM, &[&site.url()]);
    let heard: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();

    // What protocol.md says that anybody can compute.
    let executions = ["A-1", "A-2"].map(|id| execution_of("ship", "/shop", id));
    let of = |what: &str| -> Vec<&Value> {
        heard.iter().filter(|event| event["subject"].as_str().unwrap().contains(&format!(".{what}."))).collect()
    };
    for what in ["trigger.matched", "workflow.started", "workflow.completed"] {
        let mut about: Vec<&str> = of(what).iter().map(|event| event["about"].as_str().unwrap()).collect();
        // An event that is published again may be told again, of the same execution.
        about.sort_unstable();
        about.dedup();
        let mut expected = executions.each_ref().map(String::as_str);
        expected.sort_unstable();
        assert_eq!(about, expected, "{what}: {printed}");
        let kind = format!("sagaline.{what}.v1");
        assert!(of(what).iter().all(|event| event["type"] == kind.as_str()), "{printed}");
    }
    for (execution, order) in executions.iter().zip(["A-1", "A-2"]) {
        // What comes a second time is known by its id.
        let told = format!("sagaline.lifecycle.workflow.completed.ship.{execution}");
        let ended = heard.iter().filter(|event| event["subject"] == told.as_str());
        let ids: BTreeSet<&str> = ended.map(|event| event["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 1, "once: {printed}");
        let shipped = heard.iter().find(|event| event["data"] == json!({ "order": order })).expect("it is emitted");
        assert_eq!((&shipped["hops"], &shipped["about"]), (&json!("1"), &json!(execution)));
    }
    stop.cancel();
    site.block_on(trigger).unwrap().unwrap();
}

/// As the page says, and by nothing of ours.
fn execution_of(workflow: &str, source: &str, id: &str) -> String {
    let program = "import hashlib, sys\nparts = [part.encode() for part in sys.argv[1:]]\n\
                   print(hashlib.sha256(b''.join(len(part).to_bytes(8, 'big') + part for part in parts)).hexdigest()[:32])";
    format!("{workflow}-{}", python(program, &[workflow, source, id]).trim())
}
