//! `watch`: whatever the execution does, and whoever owns it meanwhile; and `why`, where no worker is there.

use std::{
    collections::BTreeSet,
    process::{Child, Stdio},
};

use rustix::process::Signal;
use sagaline_testkit::site::Nats;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::{
    common::{Folder, eventually, program},
    dev::{Dev, SOON, at},
};

const ASK: &str = "workflow: ask\nsteps:\n  go: { await: { signal: go } }\n  then: { after: go, activity: echo, input: { ok: true } }\n";

/// A watch that runs, for programs.
fn watch(url: &str, line: &[&str]) -> Child {
    let mut command = program([&["--nats-url", url, "watch", "--output", "json"], line].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs")
}

/// The exit code, and the lines.
fn watched(child: Child) -> (Option<i32>, Vec<Value>) {
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (output.status.code(), text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

#[test]
fn an_execution_that_is_over_or_absent_or_yet_to_come_is_watched_to_its_end() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    let text = url.as_str().expect("a URL").to_owned();
    at(&url, &["apply", &folder.file("ask.yaml", ASK)]).ends_with(0);

    at(&url, &["start", "ask", "--id", "over"]).ends_with(0);
    at(&url, &["signal", "over", "go"]).ends_with(0);
    eventually("it is over", SOON, || at(&url, &["get", "over"]).stdout.contains("status: completed"));
    let (code, lines) = watched(watch(&text, &["over"]));
    assert_eq!((code, lines.len(), &lines[0]["status"]), (Some(0), 1, &json!("completed")));
    assert!(at(&url, &["watch", "over"]).ends_with(0).stdout.contains("status: completed"));

    let absent = at(&url, &["watch", "absent"]).ends_with(1).stderr;
    assert!(absent.contains("there is no execution `absent`") && absent.contains("hint: "), "{absent}");
    let late = at(&url, &["watch", "absent", "--within", "300ms"]).ends_with(1).stderr;
    assert!(late.contains("there is no execution `absent`"), "{late}");

    let coming = watch(&text, &["coming", "--within", "1m"]);
    at(&url, &["start", "ask", "--id", "coming"]).ends_with(0);
    at(&url, &["signal", "coming", "go"]).ends_with(0);
    assert_eq!(watched(coming).0, Some(0));

    at(&url, &["start", "ask", "--id", "stopped"]).ends_with(0);
    let stopped = watch(&text, &["stopped"]);
    at(&url, &["cancel", "stopped"]).ends_with(0);
    assert_eq!(watched(stopped).0, Some(1));
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

/// The owner is killed: another takes over, tells the last seconds again, and goes on. Everything is shown, and shown once.
#[test]
fn a_watch_goes_on_over_a_takeover_and_shows_nothing_twice() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let (mut nats, folder) = (runtime.block_on(Nats::start("watch")), Folder::new());
    let text = nats.url();
    let url = json!(text);
    let first = Dev::start(&["--nats-url", &text, "--output", "json"]);
    first.ready();
    at(&url, &["apply", &folder.file("ask.yaml", ASK)]).ends_with(0);
    let second = Dev::start(&["--nats-url", &text, "--output", "json"]);
    second.ready();
    // Of so many some belong to the owner that is killed.
    let ids: Vec<String> = (0..6).map(|number| format!("w-{number}")).collect();
    let watches: Vec<Child> = ids.iter().map(|id| watch(&text, &[id, "--within", "1m"])).collect();
    for id in &ids {
        at(&url, &["start", "ask", "--id", id]).ends_with(0);
    }
    let waiting = || at(&url, &["list", "--status", "waiting", "--output", "json"]).stdout.lines().count();
    eventually("all of them wait", SOON, || waiting() == ids.len());
    first.signal(Signal::KILL);
    for id in &ids {
        at(&url, &["signal", id, "go"]).ends_with(0);
    }
    for (id, child) in ids.iter().zip(watches) {
        let (code, lines) = watched(child);
        assert_eq!(code, Some(0), "{id}");
        let told = |line: &Value| (line["type"].to_string(), line["step"].to_string(), line["attempt"].to_string());
        let distinct: BTreeSet<_> = lines.iter().map(told).collect();
        assert_eq!(distinct.len(), lines.len(), "{id}: {lines:#?}");
        let last = lines.last().map(|line| line["type"].clone());
        assert_eq!(last, Some(json!("sagaline.workflow.completed.v1")), "{id}: {lines:#?}");
    }
    drop(first.end());
    second.signal(Signal::TERM);
    assert!(second.end().0.success());
    runtime.block_on(nats.stop());
}

#[test]
fn why_says_that_no_worker_is_there() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    let text =
        "workflow: mail\nsteps:\n  send: { activity: mail.send }\n  both: { activity: sleep, input: { ms: 60000 } }\n";
    at(&url, &["apply", &folder.file("mail.yaml", text)]).ends_with(0);
    at(&url, &["start", "mail", "--id", "m-1"]).ends_with(0);
    let worker = |step: &str| {
        let reasons = at(&url, &["why", "m-1", "--output", "json"]).ends_with(0).json();
        reasons.iter().find(|reason| reason["step"] == step).map(|reason| reason["worker"].clone())
    };
    eventually("both steps wait for a worker", SOON, || worker("send").is_some() && worker("both").is_some());
    assert_eq!((worker("send"), worker("both")), (Some(json!("never")), Some(json!("there"))));
    let shown = at(&url, &["why", "m-1"]).ends_with(0).stdout;
    assert!(shown.contains("  worker: no worker has ever served this activity"), "{shown}");
    at(&url, &["cancel", "m-1"]).ends_with(0);
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}
