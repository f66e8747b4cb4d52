//! Definitions as a contract: versions, schemas and tags, as people meet them on a whole system.

use bytes::Bytes;
use rustix::process::Signal;
use sagaline_broker::nats::{Connection, connect};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::{
    common::{Folder, Installed, Ran, eventually},
    dev::{Dev, SOON, at},
};

/// Waits for a signal, and then says which version it is.
fn waiting(answer: u32) -> String {
    format!(
        "workflow: order\ntimeout: {answer}h\nsteps:\n  go: {{ await: go }}\n  say: {{ after: go, activity: echo, input: {answer} }}\n\
         output: \"${{ steps.say.output }}\"\n"
    )
}

/// What is known of an execution.
fn get(url: &Value, id: &str) -> Value {
    at(url, &["get", id, "--output", "json"]).ends_with(0).json().remove(0)
}

/// Waits until an execution is over; gives its status, version and output.
fn end_of(url: &Value, id: &str) -> (Value, Value, Value) {
    let mut view = Value::Null;
    eventually("it is over", SOON, || {
        view = get(url, id);
        !view["ended_at"].is_null()
    });
    (view["status"].take(), view["version"].take(), view["output"].take())
}

fn ends(status: &str, version: u32, output: u32) -> (Value, Value, Value) {
    (json!(status), json!(version), json!(output))
}

#[test]
fn what_runs_stays_on_its_version_also_after_a_restart() {
    let folder = Folder::new();
    let data = folder.0.join("data").display().to_string();
    let (first, second) = (folder.file("first.yaml", &waiting(1)), folder.file("second.yaml", &waiting(2)));
    let dev = Dev::start(&["--data-dir", &data, "--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    let start = |url: &Value, id: &str| at(url, &["start", "order", "--id", id]).ends_with(0);
    let go = |url: &Value, id: &str| at(url, &["signal", id, "go"]).ends_with(0);

    assert!(at(&url, &["apply", &first]).ends_with(0).stdout.contains("version 1 created"));
    start(&url, "old");
    start(&url, "older");
    eventually("both wait on version 1", SOON, || {
        at(&url, &["list", "--status", "waiting", "--output", "json"]).ends_with(0).json().len() == 2
    });
    assert!(at(&url, &["apply", &second]).ends_with(0).stdout.contains("version 2 changed"));
    start(&url, "new");
    go(&url, "old");
    go(&url, "new");
    assert_eq!(end_of(&url, "old"), ends("completed", 1, 1));
    assert_eq!(end_of(&url, "new"), ends("completed", 2, 2));
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());

    let dev = Dev::start(&["--data-dir", &data, "--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    start(&url, "newer");
    at(&url, &["start", "order", "--id", "on-purpose", "--version", "1"]).ends_with(0);
    for id in ["older", "newer", "on-purpose"] {
        go(&url, id);
    }
    assert_eq!(end_of(&url, "older"), ends("completed", 1, 1));
    assert_eq!(end_of(&url, "newer"), ends("completed", 2, 2));
    assert_eq!(end_of(&url, "on-purpose"), ends("completed", 1, 1));
    assert!(at(&url, &["start", "order", "--version", "3"]).ends_with(1).stderr.contains("no version 3"));

    let listed = at(&url, &["definitions", "list", "order", "--output", "json"]).ends_with(0).json();
    assert_eq!(listed.iter().map(|version| &version["version"]).collect::<Vec<_>>(), [1, 2]);
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

const CHECKED: &str = "\
workflow: checked
tags: [shop, team=blue]
input_schema: { type: object, required: [id], properties: { id: true, total: { type: number, minimum: 0 } }, additionalProperties: false }
steps:
  wait: { await: go }
";

/// Publishes a start as a client would that checks nothing.
fn start_raw(connection: &Connection, partitions: u32, id: &str, data: &Value) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let subject = connection.names().start(id, partitions);
    let mut headers = async_nats::HeaderMap::new();
    for (name, value) in [("specversion", "1.0"), ("id", id), ("source", "/raw"), ("type", "sagaline.input.start.v1")] {
        headers.insert(format!("ce-{name}"), value);
    }
    runtime.block_on(async {
        let published = connection.jetstream().publish_with_headers(subject, headers, Bytes::from(data.to_string()));
        published.await.expect("published").await.expect("stored");
    });
}

#[test]
fn an_input_that_does_not_fit_is_refused_by_the_client_and_by_the_engine() {
    let folder = Folder::new();
    let dev = Dev::start(&["--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    at(&url, &["apply", &folder.file("checked.yaml", CHECKED)]).ends_with(0);

    let bad = ["start", "checked", "--id", "bad", "--input", r#"{"total":-1,"x":1}"#];
    let refused = at(&url, &bad).ends_with(65);
    for line in [
        "error: the input does not fit the schema of `checked` version 1",
        "  the input has a key `x`; expected only keys that the schema names",
        "  the input has no `id`; expected a map with `id`",
        "  /total is -1; expected 0 or more",
        "nothing was started",
    ] {
        assert!(refused.stderr.contains(line), "{line}: {}", refused.stderr);
    }
    let violations = at(&url, &[&bad[..], &["--output", "json"]].concat()).ends_with(65).json();
    assert_eq!((violations.len(), &violations[2]["at"]), (3, &json!("/total")));
    assert!(at(&url, &["history", "bad"]).ends_with(1).stderr.contains("there is no execution `bad`"));

    // What was started once is the same start, whatever is asked of inputs since.
    let good = ["start", "checked", "--id", "good", "--input", r#"{"id":1}"#];
    at(&url, &good).ends_with(0);
    let stricter = CHECKED.replace("required: [id]", "required: [id, total]");
    at(&url, &["apply", &folder.file("stricter.yaml", &stricter)]).ends_with(0);
    assert!(at(&url, &good).ends_with(0).stdout.contains("existing: true"));

    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let text = url.as_str().expect("a URL");
    let connection = runtime.block_on(connect(text, "sagaline", "raw")).expect("a connection");
    start_raw(
        &connection,
        2,
        "raw",
        &json!({ "workflow": "checked", "input": { "id": 1 }, "tags": { "team": "red" } }),
    );
    eventually("it is over", SOON, || get_if_there(&url, "raw").is_some_and(|view| !view["ended_at"].is_null()));
    let view = get(&url, "raw");
    assert_eq!(
        (&view["status"], &view["version"], &view["error"]["type"]),
        (&json!("failed"), &json!(2), &json!("InvalidInput"))
    );
    assert_eq!(view["error"]["details"]["violations"][0]["problem"], "has no `total`");
    assert_eq!(view["tags"], json!({ "shop": "", "team": "red" }));
    let shown = at(&url, &["get", "raw"]).ends_with(0).stdout;
    assert!(shown.contains("  the input has no `total`; expected a map with `total`\n"), "{shown}");

    // The start that a raw client left unbound is what the events name, not the binding.
    start_raw(&connection, 2, "raw-2", &json!({ "workflow": "checked", "input": { "id": 1, "total": 1 } }));
    eventually("it waits", SOON, || get_if_there(&url, "raw-2").is_some_and(|view| view["status"] == "waiting"));
    let started = runtime.block_on(last_started(&connection));
    let history = at(&url, &["history", "raw-2", "--output", "json"]).ends_with(0).json();
    assert_eq!(history[0]["type"], "sagaline.input.start.v1");
    let partition = sagaline_model::partition_of("raw-2", 2);
    assert_eq!(started["input_ref"], format!("RUNS_{partition}/{}", history[0]["sequence"]));
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

fn get_if_there(url: &Value, id: &str) -> Option<Value> {
    let ran: Ran = at(url, &["get", id, "--output", "json"]);
    (ran.code == Some(0)).then(|| ran.json().remove(0))
}

/// The data of the last `workflow.started`.
async fn last_started(connection: &Connection) -> Value {
    let stream = connection.jetstream().get_stream("LIFECYCLE").await.expect("the stream");
    let last = stream.get_last_raw_message_by_subject("sagaline.lifecycle.workflow.started.checked").await;
    serde_json::from_slice(&last.expect("an event").payload).expect("JSON")
}

#[test]
fn a_list_is_filtered_paged_and_whole() {
    let folder = Folder::new();
    let dev = Dev::start(&["--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    at(&url, &["apply", &folder.file("checked.yaml", CHECKED)]).ends_with(0);
    at(&url, &["apply", &folder.file("order.yaml", &waiting(1))]).ends_with(0);
    for number in 0..12 {
        let (id, customer) = (format!("c-{number:02}"), format!("customer={}", number % 3));
        at(&url, &["start", "checked", "--id", &id, "--input", r#"{"id":1}"#, "--tag", &customer]).ends_with(0);
    }
    at(&url, &["start", "order", "--id", "o-1"]).ends_with(0);
    let rows = |line: &[&str]| at(&url, &[&["list", "--output", "json"], line].concat()).ends_with(0).json();
    let ids = |line: &[&str]| -> Vec<String> {
        rows(line).iter().map(|row| row["execution"].as_str().expect("an id").to_owned()).collect()
    };
    eventually("all wait", SOON, || ids(&["--status", "waiting"]).len() == 13);
    at(&url, &["cancel", "c-03"]).ends_with(0);
    at(&url, &["cancel", "c-01"]).ends_with(0);
    eventually("two are cancelled", SOON, || ids(&["--status", "cancelled"]).len() == 2);

    assert_eq!(ids(&["--tag", "customer=2"]), ["c-02", "c-05", "c-08", "c-11"]);
    assert_eq!(ids(&["--tag", "customer=0", "--tag", "team=blue", "--status", "waiting"]), ["c-00", "c-06", "c-09"]);
    assert_eq!(ids(&["--tag", "shop"]).len(), 12);
    assert_eq!(ids(&["--workflow", "order"]), ["o-1"]);
    assert!(ids(&["--since", "0s"]).is_empty() && ids(&["--tag", "customer=9"]).is_empty());
    assert_eq!(ids(&["--since", "1h"]).len(), 13);

    // Page by page it is the same list: open ones by id, then the last to end first.
    let whole = ids(&["--all"]);
    assert_eq!(whole.len(), 13);
    assert_eq!(whole[11..], ["c-01", "c-03"]);
    let (mut paged, mut after): (Vec<Value>, Vec<String>) = (vec![], vec![]);
    loop {
        let cursor: Vec<&str> = after.iter().map(String::as_str).collect();
        let page = rows(&[&["--limit", "5"], &cursor[..]].concat());
        let Some(last) = page.last() else { break };
        after = vec!["--after".to_owned(), last["cursor"].as_str().expect("a cursor").to_owned()];
        paged.extend(page);
    }
    assert_eq!(paged.iter().map(|row| row["execution"].as_str().expect("an id")).collect::<Vec<_>>(), whole);
    let text = at(&url, &["list", "--limit", "2"]).ends_with(0);
    assert!(text.stdout.contains("customer=0 shop team=blue"), "{}", text.stdout);
    assert!(text.stderr.contains("there may be more: `--after open:c-02` goes on"), "{}", text.stderr);
    at(&url, &["list", "--after", "nonsense"]).ends_with(64);
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

#[test]
fn what_changed_between_two_versions_is_told() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let alone = installed.run(&["definitions", "diff", "order"]).ends_with(1);
    assert!(alone.stderr.contains("no workflow `order` is applied"), "{}", alone.stderr);
    installed.run(&["apply", &folder.file("order.yaml", &waiting(1))]).ends_with(0);
    assert!(installed.run(&["definitions", "diff", "order"]).ends_with(1).stderr.contains("one version only"));
    let other = "workflow: order\ntimeout: 1h\nsteps:\n  go: { await: go }\n  tell: { after: go, activity: echo }\n";
    installed.run(&["apply", &folder.file("order.yaml", other)]).ends_with(0);

    let told = installed.run(&["definitions", "diff", "order"]).ends_with(0).stdout;
    assert_eq!(
        told,
        "order: version 1 → 2\n~ output: ${ steps.say.output } → nothing\n+ step tell: activity echo, after go\n\
         - step say: activity echo, after go\n"
    );
    let diff =
        installed.run(&["definitions", "diff", "order", "1", "2", "--output", "json"]).ends_with(0).json().remove(0);
    assert_eq!((&diff["from"], &diff["added"], &diff["removed"]), (&json!(1), &json!(["tell"]), &json!(["say"])));
    assert_eq!(diff["keys"][0], json!({ "key": "output", "old": "${ steps.say.output }", "new": null }));
    assert_eq!(
        installed.run(&["definitions", "diff", "order", "2", "2"]).ends_with(0).stdout,
        "order: version 2 → 2\nno difference\n"
    );
    let missing = installed.run(&["definitions", "diff", "order", "1", "7"]).ends_with(1);
    assert!(
        missing.stderr.contains("no version 7") && missing.stderr.contains("definitions list order"),
        "{}",
        missing.stderr
    );
    assert_eq!(installed.run(&["definitions", "get", "order", "1"]).ends_with(0).stdout, waiting(1));
    installed.run(&["definitions", "diff", "order", "1"]).ends_with(64);
}

#[test]
fn a_history_says_what_is_gone() {
    let (installed, folder) = (Installed::new(), Folder::new());
    installed.run(&["apply", &folder.file("order.yaml", &waiting(1))]).ends_with(0);
    installed.run(&["start", "order", "--id", "o-1"]).ends_with(0);
    installed.run(&["signal", "o-1", "go"]).ends_with(0);
    let whole = installed.run(&["history", "o-1", "--output", "json"]).ends_with(0);
    assert_eq!((whole.json().len(), whole.stderr.as_str()), (2, ""));

    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connection = connect(&installed.url, &installed.namespace, "test").await.expect("a connection");
        let log = connection.names().runs(sagaline_model::partition_of("o-1", 2));
        let log = connection.jetstream().get_stream(log).await.expect("the log");
        log.purge().sequence(whole.json()[1]["sequence"].as_u64().expect("a sequence")).await.expect("purged");
    });
    let short = installed.run(&["history", "o-1", "--output", "json"]).ends_with(0);
    assert_eq!(short.json().len(), 1);
    assert!(short.stderr.starts_with("the log before 20") && short.stderr.contains(" is gone"), "{}", short.stderr);
    let nothing = installed.run(&["history", "never"]);
    assert!(nothing.stderr.contains("there is no execution `never`") || nothing.code == Some(69), "{}", nothing.stderr);
}
