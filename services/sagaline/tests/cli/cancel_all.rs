//! `cancel-all`: what is open of one workflow, and nothing else.

use rustix::process::Signal;
use serde_json::json;

use crate::{
    common::{Folder, Installed, eventually},
    dev::{Dev, SOON, at},
};

const ASK: &str = "workflow: ask\nsteps: { go: { await: go } }\n";
const BID: &str = "workflow: bid\nsteps: { go: { await: go } }\n";

#[test]
fn all_that_is_open_of_a_workflow_is_cancelled_and_counted() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    for (file, text) in [("ask.yaml", ASK), ("bid.yaml", BID)] {
        at(&url, &["apply", &folder.file(file, text)]).ends_with(0);
    }
    for (workflow, id) in [("ask", "a-1"), ("ask", "a-2"), ("ask", "a-3"), ("ask", "done"), ("bid", "b-1")] {
        at(&url, &["start", workflow, "--id", id]).ends_with(0);
    }
    at(&url, &["signal", "done", "go"]).ends_with(0);
    at(&url, &["pause", "a-2"]).ends_with(0);
    let is = |id: &str, status: &str| at(&url, &["get", id]).stdout.contains(&format!("status: {status}"));
    eventually("one is done, one paused", SOON, || is("done", "completed") && is("a-2", "paused"));

    let line = ["cancel-all", "ask", "--reason", "maintenance", "--output", "json"];
    let said = at(&url, &line).ends_with(0).json();
    assert_eq!(said, [json!({ "workflow": "ask", "cancelled": 3, "silent_partitions": [] })]);
    eventually("they are cancelled", SOON, || ["a-1", "a-2", "a-3"].iter().all(|id| is(id, "cancelled")));
    assert!(at(&url, &["get", "a-2"]).stdout.contains("maintenance"));
    assert!(is("done", "completed") && is("b-1", "waiting"));

    let none = at(&url, &["cancel-all", "ask"]).ends_with(0);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("cancel sent to 0 executions of ask\n", ""));
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

#[test]
fn to_cancel_all_while_nobody_knows_what_is_open_exits_with_69() {
    let said = Installed::new().run(&["cancel-all", "ask"]).ends_with(69);
    assert!(said.stderr.contains("no orchestrator answers for partition 0, 1"), "{}", said.stderr);
}
