//! `queues`: what waits where, paused, emptied, and what is said about it.

use std::process::Stdio;

use rustix::process::Signal;
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::{Client, StartOptions};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::{
    common::{Folder, Installed, eventually, program},
    dev::{Dev, SOON, at},
};

const QUICK: &str = "workflow: quick\nsteps: { a: { activity: noop } }\n";
/// An activity that nobody has.
const STUCK: &str = "workflow: stuck\nsteps: { a: { activity: nobody.does, queue: heap, retry: 5 } }\n";
const TASKS: usize = 600;

/// Starts executions of `stuck` whose tasks stay where they are.
fn start_many(url: &Value) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = Client::connect(url.as_str().expect("an address"), "sagaline", "test").await.expect("connected");
        let workflow = Name::new("stuck").expect("a name");
        let starts = (0..TASKS).map(async |number| {
            let id = Some(ExecutionId::new(format!("s-{number}")).expect("an id"));
            client
                .start(&workflow, Value::Null, StartOptions { id, ..StartOptions::default() })
                .await
                .expect("started");
        });
        futures::future::join_all(starts).await;
    });
}

#[test]
fn an_installation_begins_with_three_queues_that_weigh_differently() {
    let installed = Installed::new();
    let listed = installed.run(&["queues", "list", "--output", "json"]).ends_with(0).json();
    let of = |view: &Value| (view["queue"].clone(), view["weight"].clone());
    let wanted = [("critical", 6), ("default", 3), ("low", 1)].map(|(queue, weight)| (json!(queue), json!(weight)));
    assert_eq!(listed.iter().map(of).collect::<Vec<_>>(), wanted);
    let none = installed.run(&["queues", "get", "nowhere"]).ends_with(1);
    assert!(none.stderr.contains("no queue `nowhere`") && none.stderr.contains("queues list"), "{}", none.stderr);
}

#[test]
fn what_is_set_is_shown_and_can_be_taken_back() {
    let installed = Installed::new();
    let line = ["queues", "set", "low", "--weight", "2", "--rate", "100/s", "--burst", "7", "--concurrency", "50"];
    let set = installed.run(&line).ends_with(0).stdout;
    for part in ["weight: 2", "rate: 100/1s, 7 at once", "concurrency: 50"] {
        assert!(set.contains(part), "{part}: {set}");
    }
    let line = ["queues", "set", "low", "--activity", "mail.send", "--limit", "4", "--output", "json"];
    let set = installed.run(&line).ends_with(0).json();
    assert_eq!(set[0]["settings"]["activities"], json!({ "mail.send": 4 }));
    let line =
        ["queues", "set", "low", "--weight", "none", "--rate", "none", "--activity", "mail.send", "--limit", "none"];
    let set = installed.run(&[&line[..], &["--output", "json"]].concat()).ends_with(0).json();
    assert_eq!((&set[0]["weight"], &set[0]["settings"]), (&json!(1), &json!({ "concurrency": 50 })));
    let limited =
        installed.run(&["queues", "set", "low", "--activity", "mail.send", "--limit", "4"]).ends_with(0).stdout;
    assert!(limited.contains("mail.send: at most 4 at a time; no worker has served it yet"), "{limited}");
    installed.run(&["queues", "set", "low"]).ends_with(64);
    installed.run(&["queues", "set", "low", "--limit", "4"]).ends_with(64);
    installed.run(&["queues", "set", "low", "--weight", "0"]).ends_with(64);
    installed.run(&["queues", "delete", "low"]).ends_with(0);
    installed.run(&["queues", "get", "low"]).ends_with(1);
}

#[test]
fn a_queue_is_made_before_anything_is_put_into_it() {
    let installed = Installed::new();
    let made = installed.run(&["queues", "create", "reports"]).ends_with(0).stdout;
    assert!(made.contains("queue: reports") && made.contains("weight: 3"), "{made}");
    installed.run(&["queues", "set", "reports", "--weight", "2"]).ends_with(0);
    let again = installed.run(&["queues", "create", "reports"]).ends_with(0).stdout;
    assert!(again.contains("weight: 2"), "what was said of it stays: {again}");
    installed.run(&["queues", "create", "no name"]).ends_with(64);
}

#[test]
fn a_pause_that_is_said_again_stays_as_it_was_said() {
    let installed = Installed::new();
    let pause = |more: &[&str]| {
        let line = [&["queues", "pause", "low", "--output", "json"][..], more].concat();
        installed.run(&line).ends_with(0).json()[0]["settings"]["paused"].take()
    };
    let first = pause(&["--note", "the bank is closed"]);
    assert_eq!(first["note"], "the bank is closed");
    assert_eq!(pause(&[]), first);
    let noted = pause(&["--note", "until Monday"]);
    assert_eq!((&noted["note"], &noted["at"]), (&json!("until Monday"), &first["at"]));
}

#[test]
fn a_paused_queue_hands_nothing_out_until_it_is_resumed() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    at(&url, &["apply", &folder.file("quick.yaml", QUICK)]).ends_with(0);
    let paused = at(&url, &["queues", "pause", "default", "--note", "the bank is closed"]).ends_with(0).stdout;
    assert!(paused.contains("state: paused") && paused.contains("the bank is closed"), "{paused}");
    at(&url, &["start", "quick", "--id", "q-1"]).ends_with(0);
    let queue = || at(&url, &["queues", "get", "default", "--output", "json"]).ends_with(0).json()[0].take();
    eventually("its task waits", SOON, || queue()["pending"] == 1);
    assert!(queue()["activities"].as_array().expect("a list").iter().all(|of| of["paused"] == true));
    let refused = at(&url, &["queues", "delete", "default"]).ends_with(1);
    assert!(refused.stderr.contains("it has 1 task"), "{}", refused.stderr);
    at(&url, &["queues", "resume", "default"]).ends_with(0);
    eventually("it runs", SOON, || at(&url, &["get", "q-1"]).stdout.contains("status: completed"));
    assert_eq!(queue()["settings"], json!({}));
    assert_eq!((&queue()["completed"], &queue()["dead"]), (&json!(1), &json!(0)));
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

/// The purge is killed while it works, and done again: every execution ends, and nothing stays in the queue.
#[test]
fn whoever_waits_for_a_purged_task_is_told_also_if_the_purge_is_killed() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    at(&url, &["apply", &folder.file("stuck.yaml", STUCK)]).ends_with(0);
    start_many(&url);
    let pending = || at(&url, &["queues", "get", "heap", "--output", "json"]).ends_with(0).json()[0]["pending"].take();
    eventually("all tasks wait", SOON, || pending() == TASKS);
    let mut purge = program(["--nats-url", url.as_str().expect("an address"), "queues", "purge", "heap"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    eventually("some are gone", SOON, || pending() != TASKS);
    purge.kill().expect("it can be killed");
    purge.wait().expect("it is gone");
    let rest = at(&url, &["queues", "purge", "heap", "--output", "json"]).ends_with(0).json()[0].take();
    assert_eq!((&rest["untold"], &rest["held"]), (&json!(0), &json!(0)));
    assert!(rest["told"].as_u64().is_some_and(|told| told < TASKS as u64), "{rest}");
    let failed = || {
        let line = ["list", "--workflow", "stuck", "--status", "failed", "--limit", "1000", "--output", "json"];
        at(&url, &line).ends_with(0).stdout.lines().count()
    };
    eventually("every execution has ended", SOON, || failed() == TASKS);
    assert_eq!(pending(), 0);
    let heap = at(&url, &["queues", "get", "heap"]).ends_with(0).stdout;
    assert!(heap.contains(&format!("0 completed, 0 failed and retried, {TASKS} failed for good")), "{heap}");
    assert!(at(&url, &["get", "s-0"]).ends_with(0).stdout.contains("TaskDiscarded"));
    at(&url, &["queues", "delete", "heap"]).ends_with(0);
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

/// A step that is tried again and one that snoozes, both of jobs and of workflows, also after another owner took over.
#[test]
fn what_comes_later_is_counted_as_long_as_it_is_to_come() {
    const AGAIN: &str = "workflow: again\nsteps: { a: { activity: fail, queue: low, retry: { attempts: 2, initial: 1h }, input: { error: { type: Busy, message: not now } } } }\n";
    let folder = Folder::new();
    let data = folder.0.join("data").display().to_string();
    let dev = Dev::start(&["--data-dir", &data, "--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    at(&url, &["apply", &folder.file("again.yaml", AGAIN)]).ends_with(0);
    for id in ["r-1", "r-2"] {
        at(&url, &["start", "again", "--id", id]).ends_with(0);
    }
    at(&url, &["jobs", "submit", "noop", "--queue", "low", "--in", "2h", "--id", "s-1"]).ends_with(0);
    let fails = r#"{"error":{"type":"Busy","message":"not now"}}"#;
    at(&url, &["jobs", "submit", "fail", "--queue", "low", "--payload", fails, "--max-retries", "6", "--id", "r-3"])
        .ends_with(0);
    let later = |url: &Value| {
        let seen = at(url, &["queues", "get", "low", "--output", "json"]).ends_with(0).json()[0].take();
        (seen["scheduled"].as_u64(), seen["retry"].as_u64())
    };
    eventually("all of it is to come", SOON, || later(&url) == (Some(1), Some(3)));
    let told = at(&url, &["queues", "get", "low"]).ends_with(0).stdout;
    assert!(told.contains("tasks: 0 pending, 0 active, 1 scheduled, 3 to retry"), "{told}");
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());

    let dev = Dev::start(&["--data-dir", &data, "--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    // The job's ten seconds may be over by now.
    at(&url, &["jobs", "cancel", "r-3"]).code.expect("it ends");
    eventually("the next owner knows of it", SOON, || later(&url) == (Some(1), Some(2)));
    for id in ["r-1", "r-2", "s-1"] {
        at(&url, &["cancel", id]).ends_with(0);
    }
    eventually("nothing is to come", SOON, || later(&url) == (Some(0), Some(0)));
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}
