//! A CloudEvent from a stock client starts a workflow, and the same client hears what becomes of it. Nothing of ours is used but the
//! services.

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
/// emitted, until both executions are over.
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
    for _ in range(2):
        await js.publish("sagaline.events.order.paid", json.dumps({"order": "A-1", "total": 3}).encode(), headers=binary)
        await js.publish("sagaline.events.order.paid", json.dumps(structured).encode(),
                         headers={"Content-Type": "application/cloudevents+json"})
        await js.publish("sagaline.events.order.paid", json.dumps({"order": "A-3", "total": 0}).encode(), headers=unmeant)
    completed = shipped = 0
    while completed < 2 or shipped < 2:
        message = await asyncio.wait_for(heard.get(), 60)
        headers = {name.lower(): value for name, value in (message.headers or {}).items()}
        completed += ".workflow.completed." in message.subject
        shipped += message.subject.endswith("order.shipped")
        print(json.dumps({"subject": message.subject, "type": headers.get("ce-type"), "about": headers.get("ce-subject"),
                          "hops": headers.get("ce-sagalinehops"), "data": json.loads(message.data)}))
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
        let told = format!("sagaline.lifecycle.workflow.completed.ship.{execution}");
        assert_eq!(heard.iter().filter(|event| event["subject"] == told.as_str()).count(), 1, "once: {printed}");
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
