//! Submitting jobs, which needs no orchestrator: what is stored is what counts.

use serde_json::json;

use crate::common::Installed;

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
