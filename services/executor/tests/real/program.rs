//! The program: flags, exit codes, the witness, SIGTERM and SIGKILL.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde::Deserialize;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::common::{LONG, Site, eventually, task};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagaline-executor"));
    command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SAGALINE_")) {
        command.env_remove(name);
    }
    command
}

/// An executor whose witness writes to `file`.
fn executor(site: &Site, file: &Path) -> Child {
    let mut command = program();
    command.args(["--nats-url", &site.server.url(), "--witness"]).arg(file).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the program starts")
}

#[derive(Debug, Deserialize)]
struct Line {
    what: String,
    execution: String,
    step: String,
    attempt: u32,
    pid: u32,
    at: sagaline_model::Moment,
}

fn witnessed(file: &PathBuf) -> Vec<Line> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(pid(child), signal).expect("it can be told");
}

fn pid(child: &Child) -> Pid {
    child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw).expect("it runs")
}

/// Stops a process where it stands. A thread that runs goes on for a moment after the signal was sent: this waits until none does.
fn freeze(child: &Child) {
    signal(child, Signal::STOP);
    let (_, status) =
        waitpid(Some(pid(child)), WaitOptions::UNTRACED).expect("it is a child").expect("it was waited for");
    assert!(status.stopped(), "{status:?}");
}

async fn eventually_begun(file: &PathBuf, execution: &str, pid: Option<u32>) {
    let begun = |line: &Line| line.what == "begin" && line.execution == execution && Some(line.pid) == pid;
    eventually(&format!("`{execution}` begins"), async || witnessed(file).iter().any(begun)).await;
}

#[tokio::test]
async fn the_task_of_a_killed_executor_goes_to_another_within_seconds() {
    let site = Site::start().await;
    let file = site.server.folder().join("witness.jsonl");
    let mut first = executor(&site, &file);
    let first_pid = first.id();
    site.put(&task("sleep", "long", json!({ "ms": 60_000 }))).await;
    eventually_begun(&file, "long", first_pid).await;
    let second = executor(&site, &file);
    let second_pid = second.id();
    let mut number = 0;
    eventually("the second takes tasks too", async || {
        number += 1;
        site.put(&task("noop", &format!("probe-{number}"), json!(null))).await;
        witnessed(&file).iter().any(|line| Some(line.pid) == second_pid)
    })
    .await;
    first.start_kill().expect("it can be killed");
    let killed = Instant::now();
    first.wait().await.expect("it is gone");
    eventually_begun(&file, "long", second_pid).await;
    assert!(killed.elapsed() < Duration::from_secs(6), "{:?}", killed.elapsed());
    let lines = witnessed(&file);
    let of_long: Vec<_> = lines.iter().filter(|line| line.execution == "long").collect();
    assert_eq!(of_long.len(), 2, "{of_long:?}");
    assert!(of_long.iter().all(|line| line.what == "begin" && line.step == "step" && line.attempt == 1));
    assert!(of_long[0].at < of_long[1].at);
}

/// The task lies in the buffers of a process that stands still while another does it. It must not be done again afterwards, even
/// though its owner, asked by a worker in doubt, would want it.
#[tokio::test]
async fn an_executor_that_stood_still_does_not_begin_what_it_was_given_before() {
    let site = Site::start().await;
    let file = site.server.folder().join("witness.jsonl");
    let first = executor(&site, &file);
    site.put(&task("noop", "first", json!(null))).await;
    eventually_begun(&file, "first", first.id()).await;
    let stream = site.connection.jetstream().get_stream("QUEUE_default").await.expect("the queue");
    let pending = async || stream.consumer_info("noop").await.expect("the consumer").num_ack_pending;
    eventually("it has acknowledged that one", async || pending().await == 0).await;
    freeze(&first);
    site.put(&task("noop", "given", json!(null))).await;
    eventually("the server has given it to the first", async || pending().await == 1).await;
    let second = executor(&site, &file);
    eventually_begun(&file, "given", second.id()).await;
    drop(second);
    signal(&first, Signal::CONT);
    let mut number = 0;
    eventually("the first takes tasks again", async || {
        number += 1;
        let probe = format!("probe-{number}");
        site.put(&task("noop", &probe, json!(null))).await;
        witnessed(&file).iter().any(|line| line.execution.starts_with("probe") && Some(line.pid) == first.id())
    })
    .await;
    let begun: Vec<_> =
        witnessed(&file).into_iter().filter(|line| line.execution == "given" && line.what == "begin").collect();
    assert_eq!(begun.len(), 1, "{begun:?}");
}

#[tokio::test]
async fn sigterm_ends_it_also_when_nats_is_away() {
    let mut site = Site::start().await;
    let file = site.server.folder().join("witness.jsonl");
    let mut child = executor(&site, &file);
    site.put(&task("noop", "first", json!(null))).await;
    eventually_begun(&file, "first", child.id()).await;
    // A result that is not stored would be tried for as long as the drain lasts.
    eventually("its result is stored", async || site.results().await == 1).await;
    site.server.kill().await;
    signal(&child, Signal::TERM);
    let ended = tokio::time::timeout(Duration::from_secs(20), child.wait()).await;
    assert!(ended.expect("it ends").expect("it can be waited for").success());
}

#[tokio::test]
async fn sigterm_lets_what_runs_come_to_its_end() {
    let site = Site::start().await;
    let file = site.server.folder().join("witness.jsonl");
    let mut executor = executor(&site, &file);
    site.put(&task("sleep", "short", json!({ "ms": 800 }))).await;
    eventually_begun(&file, "short", executor.id()).await;
    signal(&executor, Signal::TERM);
    let status = tokio::time::timeout(LONG, executor.wait()).await.expect("it ends in time").expect("it ends");
    assert_eq!(status.code(), Some(0));
    assert_eq!(site.results().await, 1);
    assert_eq!(witnessed(&file).last().map(|line| line.what.clone()).as_deref(), Some("end"));
}

/// What is short comes to its end, what is long is handed back when the drain is over, and begins elsewhere then: nobody waits for the
/// four seconds after which the task of a dead worker goes to another.
#[tokio::test]
async fn what_is_not_done_when_the_drain_is_over_goes_to_another_at_once() {
    let site = Site::start().await;
    let file = site.server.folder().join("witness.jsonl");
    let mut command = program();
    command.args(["--nats-url", &site.server.url(), "--drain", "1s", "--witness"]).arg(&file);
    let mut first = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let first_pid = first.id();
    for (name, ms) in [("short", 500), ("long-1", 60_000), ("long-2", 60_000)] {
        site.put(&task("sleep", name, json!({ "ms": ms }))).await;
        eventually_begun(&file, name, first_pid).await;
    }
    let second = executor(&site, &file);
    let second_pid = second.id();
    let mut number = 0;
    eventually("the second takes tasks too", async || {
        number += 1;
        site.put(&task("noop", &format!("probe-{number}"), json!(null))).await;
        witnessed(&file).iter().any(|line| Some(line.pid) == second_pid)
    })
    .await;
    signal(&first, Signal::TERM);
    let status = tokio::time::timeout(LONG, first.wait()).await.expect("it ends in time").expect("it ends");
    let ended = Instant::now();
    assert_eq!(status.code(), Some(0));
    for long in ["long-1", "long-2"] {
        eventually_begun(&file, long, second_pid).await;
    }
    assert!(ended.elapsed() < Duration::from_secs(2), "{:?}", ended.elapsed());
    let lines = witnessed(&file);
    let short: Vec<_> = lines.iter().filter(|line| line.execution == "short").collect();
    assert!(short.len() == 2 && short.iter().all(|line| Some(line.pid) == first_pid), "{short:?}");
}

#[tokio::test]
async fn a_second_sigterm_ends_the_drain() {
    let site = Site::start().await;
    let file = site.server.folder().join("witness.jsonl");
    let mut first = executor(&site, &file);
    site.put(&task("sleep", "long", json!({ "ms": 60_000 }))).await;
    eventually_begun(&file, "long", first.id()).await;
    signal(&first, Signal::TERM);
    let stream = site.connection.jetstream().get_stream("QUEUE_default").await.expect("the queue");
    let asks = async || stream.consumer_info("noop").await.expect("the consumer").num_waiting;
    eventually("it asks for nothing more", async || asks().await == 0).await;
    let told = Instant::now();
    signal(&first, Signal::TERM);
    tokio::time::timeout(LONG, first.wait()).await.expect("it ends in time").expect("it ends");
    assert!(told.elapsed() < Duration::from_secs(2), "{:?}", told.elapsed());
    let second = executor(&site, &file);
    eventually_begun(&file, "long", second.id()).await;
    assert!(told.elapsed() < Duration::from_secs(4), "it was handed back: {:?}", told.elapsed());
}

#[tokio::test]
async fn all_faults_of_the_settings_are_told_at_once() {
    let output = program().args(["--http", "nowhere", "--concurrency", "0", "--log-format", "xml"]).output().await;
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8(output.stderr).expect("text");
    for part in ["`nowhere`", "--concurrency", "`xml`"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(output.stdout.is_empty());
}

#[tokio::test]
async fn flags_that_nobody_knows_are_a_fault_and_help_is_none() {
    let code = async |flag: &str| program().arg(flag).output().await.expect("it runs").status.code();
    assert_eq!((code("--colour").await, code("--help").await, code("--version").await), (Some(64), Some(0), Some(0)));
}

#[tokio::test]
async fn without_nats_it_says_so_and_ends() {
    let output = program().args(["--nats-url", "nats://127.0.0.1:1"]).output().await.expect("it runs");
    assert_eq!(output.status.code(), Some(69));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("nats://127.0.0.1:1") && said.contains("--nats-url"), "{said}");
}

#[tokio::test]
async fn a_witness_that_cannot_write_is_no_witness() {
    let output = program().args(["--witness", "/nowhere/witness"]).output().await.expect("it runs");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(!output.status.success() && said.contains("/nowhere/witness"), "{said}");
}
