//! `events tail` as people and programs run it.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use sagaline_testkit::site::Nats;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::{
    common::{Installed, program, run},
    dev::{Dev, SOON, at},
};

/// A tail that runs.
pub(crate) struct Tail {
    child: Child,
    lines: Receiver<String>,
    stderr: thread::JoinHandle<String>,
}

impl Tail {
    pub(crate) fn start(url: &str, namespace: &str, arguments: &[&str]) -> Self {
        let global = ["--nats-url", url, "--namespace", namespace, "events", "tail"];
        let mut command = program([&global, arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
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
        Self { child, lines, stderr }
    }

    #[track_caller]
    fn line(&self) -> String {
        self.lines.recv_timeout(SOON).expect("a line")
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.line()).expect("JSON")
    }

    /// Ctrl-C: how it ended, and what it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it runs");
        let ended = self.child.wait().expect("it ends");
        (ended.code(), self.stderr.join().expect("it was read"))
    }
}

fn publish(url: &str, namespace: &str, kind: &str, id: &str) {
    let line = ["--nats-url", url, "--namespace", namespace, "events", "publish", kind, "--id", id, "--data", "[1]"];
    run(line).ends_with(0);
}

#[test]
fn the_newest_events_are_shown_and_ctrl_c_ends_it_with_0() {
    let installed = Installed::new();
    let Installed { url, namespace } = &installed;
    publish(url, namespace, "order.created", "A-1");
    publish(url, namespace, "mail.sent", "A-2");
    let tail = Tail::start(url, namespace, &["--last", "5", "--filter", "events.order.>"]);
    let line = tail.line();
    assert!(line.contains("Z order.created ") && line.contains(" A-1 ") && line.ends_with("[1]"), "{line}");
    publish(url, namespace, "order.paid", "A-3");
    assert!(tail.line().contains("Z order.paid "));
    assert_eq!(tail.end(), (Some(0), String::new()));
}

#[test]
fn programs_get_one_object_a_line_with_the_event_in_it() {
    let installed = Installed::new();
    let Installed { url, namespace } = &installed;
    publish(url, namespace, "order.created", "A-1");
    let tail = Tail::start(url, namespace, &["--since", "1h", "--output", "json"]);
    let event = tail.json();
    assert_eq!(event["subject"], json!(format!("{namespace}.events.order.created")));
    assert_eq!((&event["stream"], &event["sequence"]), (&json!(format!("{namespace}_EVENTS")), &json!(1)));
    assert_eq!((&event["event"]["type"], &event["event"]["data"]), (&json!("order.created"), &json!([1])));
    assert_eq!(tail.end().0, Some(0));
}

#[test]
fn what_a_workflow_does_is_shown_in_words() {
    let dev = Dev::start(&["--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    let folder = crate::common::Folder::new();
    let text = "workflow: w\nsteps:\n  a: { activity: echo }\n  b: { after: a, await: { signal: go } }\n";
    at(&url, &["apply", &folder.file("w.yaml", text)]).ends_with(0);
    at(&url, &["start", "w", "--id", "w-1"]).ends_with(0);
    at(&url, &["start", "w", "--id", "w-2"]).ends_with(0);
    let tail =
        Tail::start(url.as_str().expect("a URL"), "sagaline", &["--since", "1h", "--filter", "lifecycle.*.*.w.w-1"]);
    let lines: Vec<String> = (0..4).map(|_| tail.line()).collect();
    for (line, word) in lines.iter().zip(["workflow started ", "step started ", "step completed ", "step waiting "]) {
        assert!(line.contains(word) && line.contains(" w w-1"), "{lines:#?}");
    }
    assert!(lines[3].ends_with("b for the signal `go`") || lines[3].contains(" b for "), "{lines:#?}");
    assert_eq!(tail.end().0, Some(0));
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

#[test]
fn a_server_that_is_killed_and_comes_back_is_said_and_nothing_is_missed() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let mut nats = runtime.block_on(Nats::start("tail"));
    let url = nats.url();
    runtime.block_on(async {
        let connection = sagaline_broker::nats::connect(&url, "sagaline", "test").await.expect("a connection");
        nats.installation().ensure(&connection).await.expect("an installation");
    });
    publish(&url, "sagaline", "order.created", "A-1");
    let tail = Tail::start(&url, "sagaline", &["--last", "1", "--output", "json"]);
    assert_eq!(tail.json()["event"]["id"], json!("A-1"));
    runtime.block_on(nats.kill());
    runtime.block_on(nats.restart());
    publish(&url, "sagaline", "order.created", "A-2");
    assert_eq!(tail.json()["event"]["id"], json!("A-2"));
    let (code, said) = tail.end();
    assert_eq!(code, Some(0));
    // Which of its streams it misses first, and whether it misses both, is a matter of moments.
    assert!(said.contains("cut off from "), "{said}");
    runtime.block_on(nats.stop());
}

#[test]
fn a_filter_that_is_none_exits_with_64_and_shows_one() {
    let ran = run(["events", "tail", "--filter", "queue.>"]).ends_with(64);
    assert!(ran.stderr.contains("lifecycle.workflow.failed.>"), "{}", ran.stderr);
    run(["events", "tail", "--last", "3", "--since", "1h"]).ends_with(64);
}
