//! `defaults`: what an installation gives to workflows that say nothing of their own.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    common::{Folder, Installed, eventually},
    dev::{Dev, SOON, at},
};

const BARE: &str =
    "workflow: bare\nsteps:\n  a: { activity: fail, input: { error: { type: Busy, message: later } } }\n";

/// The plan of a version.
fn plan(installed: &Installed, version: &str) -> Value {
    let got = installed.run(&["definitions", "get", "bare", version, "--output", "json"]).ends_with(0);
    got.json()[0]["plan"].clone()
}

#[test]
fn they_are_shown_as_they_were_set_and_faults_change_nothing() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let none = installed.run(&["defaults", "get"]).ends_with(0);
    assert_eq!(none.stdout, "");
    assert!(none.stderr.contains("there are no defaults"), "{}", none.stderr);

    let file = folder.file("defaults.yaml", "step_timeout: 5m\nretry: { attempts: 3, backoff: linear }\n");
    let set = installed.run(&["defaults", "set", &format!("@{file}")]).ends_with(0);
    assert_eq!(set.stdout, "retry: {\"attempts\":3,\"backoff\":\"linear\"}\nstep_timeout: 5m\n");
    let shown = installed.run(&["defaults", "get"]).ends_with(0).stdout;
    assert_eq!(shown, set.stdout);

    for (bad, told) in [
        ("{ step_timeout: soon }", "DEFAULTS:1:17: `step_timeout`: `soon` is not a duration"),
        ("{ retry: { attempts: '${ 1 }' } }", "`attempts` must be a whole number"),
        ("{ timeout: '${ 1 }' }", "`timeout`"),
        ("{ queue: slow }", "unknown key `queue`"),
    ] {
        let refused = installed.run(&["defaults", "set", bad]).ends_with(65);
        assert!(refused.stderr.contains(told), "{told}: {}", refused.stderr);
    }
    assert!(
        installed.run(&["defaults", "set", "@/nowhere"]).ends_with(65).stderr.contains("`/nowhere` cannot be read")
    );
    assert_eq!(installed.run(&["defaults", "get"]).ends_with(0).stdout, shown);
    // What is shown can be set.
    assert_eq!(installed.run(&["defaults", "set", &shown]).ends_with(0).stdout, shown);
    assert_eq!(
        installed.run(&["defaults", "get", "--output", "json"]).ends_with(0).json(),
        [json!({ "step_timeout": "5m", "retry": { "attempts": 3, "backoff": "linear" } })]
    );
}

#[test]
fn a_version_has_those_that_there_were_when_it_was_applied() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let file = folder.file("bare.yaml", BARE);
    let apply = || installed.run(&["apply", &file]).ends_with(0).stdout;
    let set = |defaults: &str| installed.run(&["defaults", "set", defaults]).ends_with(0);
    assert_eq!(apply(), "bare version 1 created\n");
    set("{ timeout: 1d, step_timeout: 5m, retry: { attempts: 3 } }");
    assert_eq!(apply(), "bare version 2 changed\n");
    assert_eq!(apply(), "bare version 2 unchanged\n");
    // The same once more, written in another way.
    set(r#"{"retry": 3, "step_timeout": "300s", "timeout": "24h"}"#);
    assert_eq!(apply(), "bare version 2 unchanged\n");
    set("{}");
    assert_eq!(apply(), "bare version 3 changed\n");

    let diff = installed.run(&["definitions", "diff", "bare", "1", "2"]).ends_with(0).stdout;
    assert!(diff.contains("timeout: nothing → 1d") && diff.contains("timeout: nothing → 5m"), "{diff}");
    assert!(diff.contains("retry"), "{diff}");

    let step = |plan: &Value| plan["root"]["nodes"][0]["kind"]["step"].clone();
    let (first, second, third) = (plan(&installed, "1"), plan(&installed, "2"), plan(&installed, "3"));
    assert_eq!((&second["timeout"], &step(&second)["timeout"]), (&json!("1d"), &json!("5m")));
    assert_eq!((&step(&first)["retry"]["attempts"], &step(&second)["retry"]["attempts"]), (&json!(1), &json!(3)));
    assert_eq!(first, third);
}

#[test]
fn a_step_that_says_nothing_is_tried_as_often_as_the_installation_says() {
    let folder = Folder::new();
    let dev = Dev::start(&["--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    at(&url, &["defaults", "set", "{ retry: { attempts: 3, initial: 10ms } }"]).ends_with(0);
    at(&url, &["apply", &folder.file("bare.yaml", BARE)]).ends_with(0);
    // What was applied stays as it is.
    at(&url, &["defaults", "set", "{}"]).ends_with(0);
    at(&url, &["start", "bare", "--id", "b-1"]).ends_with(0);
    let mut view = Value::Null;
    eventually("it is over", SOON, || {
        view = at(&url, &["get", "b-1", "--output", "json"]).ends_with(0).json().remove(0);
        view["status"] == "failed"
    });
    assert_eq!((&view["steps"][0]["attempt"], &view["error"]["type"]), (&json!(3), &json!("Busy")));
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}
