//! `dev`: everything on this machine, and nothing left of it.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use sagaline_testkit::site::Nats;
use serde_json::{Value, json};

use crate::common::{Folder, ORDER, Ran, eventually, program, run};

/// A server, three services and two orders, on a machine that builds something else meanwhile.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A `dev` that runs, its lines coming in as they are printed.
pub(crate) struct Dev {
    child: Child,
    lines: Receiver<String>,
    stderr: thread::JoinHandle<String>,
    /// Where its temporary folder is.
    temporary: Folder,
}

impl Dev {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let temporary = Folder::new();
        let mut command = program([&["dev", "--http", "127.0.0.1:0"], arguments].concat());
        command.env("TMPDIR", &temporary.0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let (stdout, mut errors) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if sender.send(line.expect("UTF-8")).is_err() {
                    return;
                }
            }
        });
        let stderr = thread::spawn(move || {
            let mut said = String::new();
            errors.read_to_string(&mut said).expect("UTF-8");
            said
        });
        Self { child, lines, stderr, temporary }
    }

    /// Every line up to the one that is waited for.
    #[track_caller]
    pub(crate) fn until(&self, is_it: impl Fn(&str) -> bool) -> Vec<String> {
        let mut seen = vec![];
        loop {
            let Ok(line) = self.lines.recv_timeout(SOON) else { panic!("no such line; there were {seen:#?}") };
            seen.push(line);
            if seen.last().is_some_and(|line| is_it(line)) {
                return seen;
            }
        }
    }

    /// What it says when it is ready, in JSON.
    pub(crate) fn ready(&self) -> Value {
        let lines = self.until(|line| line.contains(r#""ready":true"#));
        serde_json::from_str(&lines[0]).expect("JSON")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// How it ended, and what it said on standard error.
    pub(crate) fn end(mut self) -> (ExitStatus, String, Folder) {
        let mut ended = None;
        eventually("it ends", Duration::from_secs(20), || {
            ended = self.child.try_wait().expect("a child of ours");
            ended.is_some()
        });
        (ended.expect("it has ended"), self.stderr.join().expect("it was read"), self.temporary)
    }
}

fn runs(pid: &Value) -> bool {
    let pid = pid.as_u64().expect("a process id");
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    // Dead, but not yet asked about by its parent, is dead.
    state.is_ok_and(|state| !state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

pub(crate) fn at(url: &Value, line: &[&str]) -> Ran {
    run([&["--nats-url", url.as_str().expect("a URL")], line].concat())
}

#[test]
fn the_example_is_shown_live_and_ctrl_c_leaves_nothing_behind() {
    let dev = Dev::start(&["--example", "order"]);
    let start = dev.until(|line| line == "ready");
    assert!(start[0].starts_with("nats: nats://127.0.0.1:") && start[1].contains("removed at the end"), "{start:?}");
    let url = json!(start[0].split_whitespace().nth(1).expect("a URL"));

    let paid = dev.until(|line| line.contains("✓ completed in ")).join("\n");
    for line in ["✓ validate ", "✓ reserve ", "✓ charge ", "- decline ", "✓ notify ", "✓ confirm "] {
        assert!(paid.contains(line), "{line}: {paid}");
    }
    let declined = dev.until(|line| line.contains("↩ rolled back in ")).join("\n");
    assert!(declined.contains("✗ decline ") && declined.contains("CardDeclined: the card of order"), "{declined}");
    assert!(declined.contains("↩ reserve        compensated"), "{declined}");
    assert!(!declined.contains("✓ confirm"), "{declined}");
    assert!(!dev.temporary.is_empty());

    // It goes on serving.
    let input = r#"{"order_id":"A-1","total":10,"card":"visa"}"#;
    let waited = at(&url, &["start", "order", "--input", input, "--wait", "--output", "json"]).ends_with(0).json();
    assert_eq!((&waited[0]["status"], &waited[0]["output"]["payment"]), (&json!("completed"), &json!("payment-A-1")));

    dev.signal(Signal::INT);
    let (ended, stderr, temporary) = dev.end();
    assert!(ended.success() && temporary.is_empty(), "{ended}: {stderr}");
}

#[test]
fn what_is_stored_survives_a_restart_with_the_same_folder() {
    let folder = Folder::new();
    let data = folder.0.join("data").display().to_string();
    let dev = Dev::start(&["--data-dir", &data, "--output", "json"]);
    let ready = dev.ready();
    assert_eq!((&ready["data_dir"], &ready["data_is_kept"]), (&json!(data), &json!(true)));
    let applied = at(&ready["nats_url"], &["apply", ORDER]).ends_with(0);
    assert!(applied.stderr.is_empty(), "its activities come with `dev`: {}", applied.stderr);
    let input = r#"{"order_id":"A-1","total":10,"card":"declined"}"#;
    let failed = at(&ready["nats_url"], &["start", "order", "--input", input, "--id", "o-1", "--wait"]).ends_with(1);
    assert!(
        failed.stdout.contains("status: rolled_back") && failed.stdout.contains("CardDeclined"),
        "{}",
        failed.stdout
    );
    dev.signal(Signal::TERM);
    let (ended, stderr, temporary) = dev.end();
    assert!(ended.success() && temporary.is_empty(), "{ended}: {stderr}");
    assert!(!runs(&ready["nats_server_pid"]));

    let dev = Dev::start(&["--data-dir", &data, "--output", "json"]);
    let ready = dev.ready();
    let shown = at(&ready["nats_url"], &["get", "o-1", "--output", "json"]).ends_with(0).json();
    assert_eq!(shown[0]["status"], json!("rolled_back"));
    assert!(at(&ready["nats_url"], &["workflows"]).ends_with(0).stdout.contains("order "));
    dev.signal(Signal::INT);
    assert!(dev.end().0.success());
    assert!(Path::new(&data).is_dir());
}

#[test]
fn the_death_of_the_server_is_said_with_the_end_of_its_log() {
    let dev = Dev::start(&["--output", "json"]);
    let ready = dev.ready();
    let pid = i32::try_from(ready["nats_server_pid"].as_i64().expect("a process id")).expect("small");
    kill_process(Pid::from_raw(pid).expect("a process"), Signal::KILL).expect("it runs");
    let (ended, stderr, temporary) = dev.end();
    assert_eq!(ended.code(), Some(69), "{stderr}");
    assert!(stderr.contains("was killed by signal 9") && stderr.contains("[INF]"), "{stderr}");
    assert!(stderr.contains("hint: ") && temporary.is_empty(), "{stderr}");
}

#[test]
fn a_second_interrupt_ends_it_at_once_and_leaves_nothing_behind() {
    let dev = Dev::start(&["--output", "json"]);
    let ready = dev.ready();
    at(&ready["nats_url"], &["apply", &slow_workflow(&dev.temporary)]).ends_with(0);
    at(&ready["nats_url"], &["start", "slow", "--id", "s-1"]).ends_with(0);
    eventually("the step runs", SOON, || at(&ready["nats_url"], &["history", "s-1"]).stdout.contains("step_started"));
    std::fs::remove_file(dev.temporary.0.join("slow.yaml")).expect("the definition");
    // A step is running, so that the first alone would wait for it.
    dev.signal(Signal::INT);
    dev.signal(Signal::TERM);
    let (_, stderr, temporary) = dev.end();
    assert!(stderr.contains("ending at once"), "{stderr}");
    assert!(temporary.is_empty() && !runs(&ready["nats_server_pid"]), "{stderr}");
}

fn slow_workflow(folder: &Folder) -> String {
    folder.file("slow.yaml", "workflow: slow\nsteps:\n  a: { activity: sleep, input: { ms: 60000 }, timeout: 2m }\n")
}

#[test]
fn a_benchmark_accounts_for_every_execution() {
    let dev = Dev::start(&["--output", "json"]);
    let ready = dev.ready();
    let bench = |more: &[&str]| at(&ready["nats_url"], &[&["bench", "--workflows", "200"], more].concat()).ends_with(0);
    let measured = bench(&["--concurrency", "16"]).json().remove(0);
    assert_eq!((&measured["completed"], &measured["lost"], &measured["failed"]), (&json!(200), &json!(0), &json!(0)));
    assert_eq!((&measured["repeated_steps"], &measured["repeated_steps_from"]), (&json!(0), &json!("log")));
    assert!(measured["workflows_per_s"].as_f64().is_some_and(|rate| 0.0 < rate));
    assert!(measured["p50_us"].as_u64() <= measured["p99_us"].as_u64());

    let paced = bench(&["--rate", "200", "--steps", "2", "--step-ms", "20", "--payload", "100"]).json().remove(0);
    assert_eq!((&paced["completed"], &paced["steps"]), (&json!(200), &json!(2)));
    assert!(paced["p50_us"].as_u64().is_some_and(|micros| 40_000 <= micros), "two steps sleep: {paced}");
    assert!(paced["seconds"].as_f64().is_some_and(|seconds| 0.99 <= seconds), "200 at 200 a second: {paced}");
    dev.signal(Signal::INT);
    assert!(dev.end().0.success());
}

/// What was in flight is finished by itself; ends that nobody could hear are found by asking.
#[test]
fn a_benchmark_loses_nothing_when_the_server_is_killed_and_comes_back() {
    let folder = Folder::new();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let mut server = runtime.block_on(Nats::start("dev"));
    let witness = folder.0.join("witness").display().to_string();
    let dev = Dev::start(&["--nats-url", &server.url(), "--witness", &witness, "--output", "json"]);
    let ready = dev.ready();
    assert_eq!((&ready["nats_server_pid"], &ready["data_dir"]), (&json!(null), &json!(null)));

    let line = ["bench", "--workflows", "400", "--rate", "100", "--steps", "2", "--step-ms", "50"];
    let mut bench = program([&["--nats-url", &server.url()], &line[..], &["--witness", &witness]].concat());
    let bench = bench.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let listed = || at(&ready["nats_url"], &["list", "--status", "completed", "--limit", "100"]).stdout.lines().count();
    eventually("it is in the middle", SOON, || 50 < listed());
    runtime.block_on(server.kill());
    runtime.block_on(server.restart());
    let ended = bench.wait_with_output().expect("it ends");
    let measured: Value = serde_json::from_slice(&ended.stdout).expect("one object");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(measured["repeated_steps_from"], json!("witness"), "{said}");
    for (what, count) in
        [("completed", 400), ("lost", 0), ("unfinished", 0), ("unacknowledged", 0), ("repeated_steps", 0)]
    {
        assert_eq!(measured[what], json!(count), "{what}: {measured}: {said}");
    }
    dev.signal(Signal::INT);
    assert!(dev.end().0.success());
    runtime.block_on(server.stop());
}

#[test]
fn people_approve_ask_and_change() {
    let dev = Dev::start(&["--output", "json"]);
    let ready = dev.ready();
    let at = |line: &[&str]| at(&ready["nats_url"], line);
    let folder = Folder::new();
    let text = "workflow: spend
signals: { go: { schema: { type: object } } }
queries: { limit: \"${ ctx.limit }\" }
updates: { raise: { when: \"${ update < 10 }\", set: { limit: \"${ ctx.limit + update }\" }, result: \"${ ctx.limit }\" } }
steps: { ok: { await: { approval: { approvers: ann } } } }
";
    at(&["apply", &folder.file("spend.yaml", text)]).ends_with(0);
    for id in ["s-1", "s-2"] {
        at(&["start", "spend", "--id", id, "--input", r#"{"limit":1}"#]).ends_with(0);
    }
    let why = at(&["why", "s-1"]).ends_with(0).stdout;
    assert!(why.contains("to end it: sagaline approve s-1 ok --by ann"), "{why}");
    assert_eq!(at(&["query", "s-1", "limit"]).ends_with(0).stdout, "1\n");
    assert_eq!(at(&["update", "s-1", "raise", "--data", "4"]).ends_with(0).stdout, "5\n");
    let refused = at(&["update", "s-1", "raise", "--data", "10"]).ends_with(1).stderr;
    assert!(refused.contains("`update < 10` does not hold"), "{refused}");
    let unknown = at(&["query", "s-1", "limits"]).ends_with(1).stderr;
    assert!(unknown.contains("it has `limit`"), "{unknown}");
    let misfit = at(&["signal", "s-1", "go", "--data", "3"]).ends_with(65).stderr;
    assert!(misfit.contains("does not fit its schema") && misfit.contains("expected a map"), "{misfit}");
    let stranger = at(&["approve", "s-1", "ok", "--by", "eve"]).ends_with(1).stderr;
    assert!(stranger.contains("`eve` is none of those who may approve `ok`: `ann`"), "{stranger}");
    let approved = at(&["approve", "s-1", "ok", "--by", "ann"]).ends_with(0).stdout;
    assert_eq!(approved, "step ok of s-1 is approved\n");
    assert!(at(&["watch", "s-1"]).ends_with(0).stdout.contains("status: completed"));
    assert_eq!(at(&["query", "s-1", "limit"]).ends_with(0).stdout, "5\n");
    at(&["approve", "s-2", "ok", "--by", "ann", "--reject", "--data", r#"{"why":"no"}"#]).ends_with(0);
    let failed = at(&["get", "s-2", "--output", "json"]).ends_with(0).json();
    assert_eq!(failed[0]["error"]["type"], json!("Rejected"));
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

#[test]
fn what_waits_is_explained_and_goes_on_when_it_is_told_to() {
    let dev = Dev::start(&["--output", "json"]);
    let ready = dev.ready();
    let at = |line: &[&str]| at(&ready["nats_url"], line);
    let folder = Folder::new();
    let text = "workflow: ask\nsteps:\n  go: { await: { signal: go } }\n  then: { after: go, activity: echo, input: { ok: true } }\n";
    at(&["apply", &folder.file("ask.yaml", text)]).ends_with(0);
    for id in ["w-1", "w-2"] {
        at(&["start", "ask", "--id", id]).ends_with(0);
    }
    let why = at(&["why", "w-1"]).ends_with(0).stdout;
    assert!(why.contains("step go: waiting") && why.contains("to end it: sagaline signal w-1 go"), "{why}");
    let listed = at(&["list", "--status", "waiting", "--output", "json"]).ends_with(0).json();
    assert_eq!(listed.len(), 2);

    let mut watch = program(["--nats-url", ready["nats_url"].as_str().expect("a URL"), "watch", "w-1"]);
    let mut watch = watch.stdout(Stdio::piped()).spawn().expect("it runs");
    // Whether it listens already or comes too late: it ends with the execution.
    at(&["signal", "w-1", "go", "--output", "json"]).ends_with(0);
    assert!(watch.wait().expect("it ends").success());
    assert!(at(&["get", "w-1"]).ends_with(0).stdout.contains("status: completed"));

    at(&["pause", "w-2", "--reason", "audit"]).ends_with(0);
    at(&["signal", "w-2", "go"]).ends_with(0);
    let paused = at(&["get", "w-2", "--output", "json"]).ends_with(0).json();
    assert_eq!(paused[0]["status"], json!("paused"));
    let why = at(&["why", "w-2"]).ends_with(0).stdout;
    assert!(why.contains("somebody paused it: audit") && why.contains("sagaline resume w-2"), "{why}");
    let refused = at(&["resume", "w-2", "--context", "[1]"]).ends_with(65).stderr;
    assert!(refused.contains("`--context` must be a JSON object"), "{refused}");
    at(&["start", "ask", "--id", "w-4"]).ends_with(0);
    at(&["pause", "w-4"]).ends_with(0);
    at(&["signal", "w-4", "go"]).ends_with(0);
    assert_eq!(at(&["list", "--status", "paused", "--output", "json"]).ends_with(0).json().len(), 2);
    at(&["resume", "w-4", "--context", r#"{"approved":true}"#]).ends_with(0);
    assert!(at(&["watch", "w-4"]).ends_with(0).stdout.contains("status: completed"));
    let went_on = at(&["get", "w-4", "--output", "json"]).ends_with(0).json();
    assert_eq!(went_on[0]["output"], json!({"approved": true, "ok": true}));

    let cancelled = at(&["cancel", "w-2", "--reason", "enough", "--output", "json"]).ends_with(0);
    assert_eq!((&cancelled.json()[0]["known"], cancelled.stderr.as_str()), (&json!(true), ""));
    assert!(at(&["watch", "w-2"]).ends_with(1).stdout.contains("status: cancelled"));
    let shown = at(&["get", "w-2", "--output", "json"]).ends_with(0).json();
    assert_eq!((&shown[0]["status"], &shown[0]["reason"]), (&json!("cancelled"), &json!("enough")));
    assert!(at(&["cancel", "w-2"]).ends_with(0).stderr.contains("`w-2` was over already (cancelled)"));

    let absent = at(&["get", "w-3"]).ends_with(1).stderr;
    assert!(absent.contains("there is no execution `w-3`") && absent.contains("hint: "), "{absent}");
    let early = at(&["signal", "w-3", "go", "--output", "json"]).ends_with(0);
    assert_eq!(early.json()[0]["known"], json!(false));
    dev.signal(Signal::HUP);
    assert!(dev.end().0.success());
}
