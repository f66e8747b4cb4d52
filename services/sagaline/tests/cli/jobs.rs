//! Submitting jobs, which mostly needs no orchestrator: what is stored is what counts; and lists of them.

use rustix::process::Signal;
use serde_json::json;

use crate::{
    common::{Installed, eventually},
    dev::{Dev, SOON, at},
};

#[test]
fn a_job_is_stored_as_it_was_submitted_and_once() {
    let installed = Installed::new();
    let submit = |payload: &str| {
        let line = ["jobs", "submit", "mails.send", "--payload", payload, "--id", "mail-1", "--queue", "low_priority"];
        let rest = ["--max-retries", "5", "--timeout", "1m", "--tag", "to=ann", "--metadata", "tenant=acme"];
        installed.run(&[&line[..], &rest[..]].concat())
    };
    assert_eq!(submit(r#"{"to":"ann"}"#).ends_with(0).stdout, "execution: mail-1\n");
    assert_eq!(submit(r#"{ "to": "ann" }"#).ends_with(0).stdout, "execution: mail-1\nexisting: true\n");
    let refused = submit(r#"{"to":"eve"}"#).ends_with(1);
    assert!(refused.stderr.contains("exists already, with another input"), "{}", refused.stderr);

    let history = installed.run(&["history", "mail-1", "--output", "json"]).ends_with(0).json();
    assert_eq!(history.len(), 1);
    let start = &history[0]["data"];
    assert_eq!((&start["workflow"], &start["input"]), (&json!("mails-send"), &json!({ "to": "ann" })));
    let job = &start["job"];
    assert_eq!((&job["activity"], &job["queue"], &job["timeout"]), (&json!("mails.send"), &json!("low"), &json!("1m")));
    assert_eq!((&job["retry"]["attempts"], &job["metadata"]), (&json!(6), &json!({ "tenant": "acme" })));
}

#[test]
fn a_job_and_an_execution_may_be_told_when_to_begin() {
    let installed = Installed::new();
    let at = "2030-01-01T00:00:00Z";
    installed.run(&["jobs", "submit", "cleanup", "--id", "j", "--at", at]).ends_with(0);
    let history = installed.run(&["history", "j", "--output", "json"]).ends_with(0).json();
    assert_eq!(history[0]["data"]["at"], json!("2030-01-01T00:00:00.000000000Z"));
    let both = ["jobs", "submit", "cleanup", "--at", at, "--in", "1h"];
    installed.run(&both).ends_with(64);
}

#[test]
fn what_cannot_be_a_job_is_refused_with_the_reason() {
    let installed = Installed::new();
    let refused = installed.run(&["jobs", "submit", "no activity"]).ends_with(65);
    assert!(refused.stderr.contains("the job `no activity` cannot be submitted"), "{}", refused.stderr);
    installed.run(&["jobs", "submit", "a", "--unique", "k"]).ends_with(64);
    installed.run(&["jobs", "list", "--status", "asleep"]).ends_with(64);
}

#[test]
fn a_list_of_jobs_says_how_many_there_are_of_those_that_it_is_about() {
    let dev = Dev::start(&["--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    let submit = |activity: &str, id: &str, more: &[&str]| {
        at(&url, &[&["jobs", "submit", activity, "--id", id][..], more].concat()).ends_with(0)
    };
    submit("echo", "done", &["--wait"]);
    let told = submit("noop", "late", &["--at", "2020-01-01T00:00:00Z", "--wait"]);
    assert!(told.stderr.is_empty(), "its end is shown: {}", told.stderr);
    submit("echo", "coming", &["--in", "1h"]);
    let nobody = submit("mails.send", "nobody", &[]).stderr;
    assert!(nobody.contains("no worker has served `mails.send` in the queue `default` so far"), "{nobody}");
    let list =
        |more: &[&str]| at(&url, &[&["jobs", "list", "--output", "json"][..], more].concat()).ends_with(0).json();
    let ids = |more: &[&str]| -> Vec<String> {
        let mut ids: Vec<_> = list(more).iter().filter_map(|job| Some(job["execution"].as_str()?.to_owned())).collect();
        ids.sort();
        ids
    };
    eventually("all are known", SOON, || ids(&[]).len() == 4);
    assert_eq!(ids(&["--activity", "echo"]), ["coming", "done"]);
    assert_eq!(ids(&["--activity", "noop,mails.send"]), ["late", "nobody"]);
    assert_eq!(ids(&["--activity", "noop", "--activity", "echo", "--status", "completed"]), ["done", "late"]);
    // What has not ended is not counted among those that have.
    let ended = list(&["--order", "ended", "--limit", "1"]);
    assert_eq!(ended.len(), 2, "one job, and the totals: {ended:?}");
    assert_eq!(ended[1], json!({ "total": 2, "by_status": { "completed": 2 } }));
    let all = list(&["--limit", "1"]);
    assert_eq!(all[1], json!({ "total": 4, "by_status": { "scheduled": 1, "pending": 1, "completed": 2 } }));

    let past = submit("echo", "past", &["--at", "2020-01-01T00:00:00Z"]).stderr;
    assert!(past.contains("2020-01-01T00:00:00Z is past: it begins at once"), "{past}");
    at(&url, &["jobs", "cancel", "coming"]).ends_with(0);
    let none = || at(&url, &["jobs", "result", "coming"]).ends_with(1).stderr;
    eventually("it is cancelled", SOON, || none().contains("it is cancelled"));
    assert!(none().contains("`sagaline jobs get coming` shows how it ended"), "{}", none());
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}
