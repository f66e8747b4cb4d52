//! Slots add up: many processes run hundreds of tasks at a time, each no more than it has slots for.

use std::{collections::BTreeMap, path::Path, process::Stdio};

use futures::future::join_all;
use serde::Deserialize;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::common::{Site, eventually, task};

const PROCESSES: usize = 6;
const SLOTS: usize = 64;
/// Each of the other four activities keeps a slot for the first task that may come.
const LEAST: usize = SLOTS - 4;

fn executor(site: &Site, witness: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagaline-executor"));
    command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.args(["--nats-url", &site.server.url(), "--queue", "default"]);
    command.args(["--concurrency", &SLOTS.to_string(), "--witness"]).arg(witness);
    command.spawn().expect("the program starts")
}

#[derive(Deserialize)]
struct Line {
    what: String,
    pid: u32,
}

/// How many tasks each process has begun. None has ended, or the count would say nothing about what runs at a time.
fn running(witness: &Path) -> BTreeMap<u32, usize> {
    let text = std::fs::read_to_string(witness).unwrap_or_default();
    let mut running = BTreeMap::new();
    for line in text.lines() {
        let Line { what, pid } = serde_json::from_str(line).expect("a line");
        assert_eq!(what, "begin", "a task that sleeps for long has ended");
        *running.entry(pid).or_default() += 1;
    }
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_tasks_run_at_a_time_over_several_processes() {
    let site = Site::start().await;
    let witness = site.server.folder().join("slots.jsonl");
    let executors: Vec<Child> = (0..PROCESSES).map(|_| executor(&site, &witness)).collect();
    // More than there are slots, so that every slot has one to take.
    let long = |number| task("sleep", &format!("long-{number}"), json!({ "ms": 600_000 }));
    let tasks: Vec<_> = (0..PROCESSES * SLOTS + 100).map(long).collect();
    join_all(tasks.iter().map(|task| site.put(task))).await;
    let full = |count: &usize| (LEAST..=SLOTS).contains(count);
    eventually("every process is full", async || {
        running(&witness).values().filter(|count| full(count)).count() == PROCESSES
    })
    .await;
    let running = running(&witness);
    assert!(running.values().all(full) && running.values().sum::<usize>() > 300, "{running:?}");
    drop(executors);
}
