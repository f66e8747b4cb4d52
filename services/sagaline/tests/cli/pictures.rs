//! `summary`, `report` and `graph`: of files, of workflows that are applied, of executions.

use rustix::process::Signal;
use serde_json::json;

use crate::{
    common::{Folder, Installed, ORDER, eventually, program, run},
    dev::{Dev, SOON, at},
};

const SAGA: &str = "
workflow: trip
steps:
  plan: { activity: sleep, input: { ms: 30 }, timeout: 10s }
  hotel: { after: plan, group: booked, activity: echo, timeout: 5s, compensate: { activity: echo } }
  flight: { after: plan, group: booked, activity: sleep, input: { ms: 60 }, timeout: 1s }
  legs: { after_group: booked, for_each: [1, 2, 3], activity: echo, timeout: 1s }
  go: { after: legs, await: { signal: go } }
";

#[test]
fn a_file_is_looked_at_without_nats() {
    let summary = run(["summary", ORDER]).ends_with(0).stdout;
    assert!(
        summary.contains("workflow       order\n") && summary.contains("steps          6: 6 activity\n"),
        "{summary}"
    );
    let figures = run(["summary", ORDER, "--output", "json"]).ends_with(0).json();
    assert_eq!(
        (&figures[0]["steps"], &figures[0]["kinds"], &figures[0]["compensated"]),
        (&json!(6), &json!({ "activity": 6 }), &json!(2))
    );
    let report = run(["report", ORDER]).ends_with(0).stdout;
    assert!(
        report.contains("  level 3      charge, decline\n") && report.contains("critical path by timeouts: "),
        "{report}"
    );
    assert!(
        run(["graph", ORDER]).ends_with(0).stdout.starts_with("order\n○ event order.created, people\n│\n● validate")
    );
    assert!(run(["graph", ORDER, "--format", "mermaid"]).ends_with(0).stdout.starts_with("flowchart TD\n"));
    assert!(run(["graph", ORDER, "--format", "dot"]).ends_with(0).stdout.starts_with("digraph \"order\" {\n"));
    assert!(run(["graph", ORDER, "--format", "table"]).ends_with(0).stdout.contains("│ reserve "));
    let graph = run(["graph", ORDER, "--output", "json"]).ends_with(0).json();
    assert_eq!((&graph[0]["workflow"], &graph[0]["parts"][0]["what"]), (&json!("order"), &json!("start")));
    let narrow = run(["graph", ORDER, "--width", "30"]).ends_with(0).stdout;
    assert!(narrow.lines().all(|line| line.chars().count() <= 30), "{narrow}");
}

#[test]
fn it_is_said_which_of_several_is_meant() {
    let folder = Folder::new();
    let two = "workflow: a\nsteps: { x: { activity: echo } }\n---\nworkflow: b\nsteps: { y: { wait: 1s } }\n";
    let file = folder.file("two.yaml", two);
    let refused = run(["graph", &file]).ends_with(65).stderr;
    assert!(refused.contains("has 2 workflows") && refused.contains("--workflow: a, b"), "{refused}");
    assert!(run(["graph", &file, "--workflow", "b"]).ends_with(0).stdout.contains("y  wait 1s"));
    assert!(run(["graph", &file, "--workflow", "c"]).ends_with(65).stderr.contains("it has a, b"));
    assert_eq!(run(["summary", &file, "--output", "json"]).ends_with(0).json().len(), 2);
    assert!(run(["graph", "no/such.yaml"]).ends_with(65).stderr.contains("`no/such.yaml` cannot be read"));
    let neither = run(["graph", "a b"]).ends_with(1).stderr;
    assert!(neither.contains("`a b` is no file") && neither.contains("hint: name a workflow"), "{neither}");
    assert!(run(["graph"]).ends_with(64).stderr.contains("WORKFLOW"));

    // A file that is called like a workflow: the workflow is meant.
    let (installed, _) = (Installed::new(), folder.file("order", "workflow: other\nsteps: { x: { wait: 1s } }\n"));
    installed.run(&["apply", ORDER]).ends_with(0);
    let there = |word: &str| {
        let line = ["--nats-url", &installed.url, "--namespace", &installed.namespace, "summary", word];
        let output = program(line).current_dir(&folder.0).output().expect("the program runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (text(output.stdout), text(output.stderr))
    };
    let (summary, said) = there("order");
    assert!(summary.contains("workflow       order (version 1)\n"), "{summary}");
    assert!(said.contains("`order` is taken as the workflow that is applied; write ./order"), "{said}");
    assert!(there("./order").0.contains("workflow       other\n"));
    let missing = installed.run(&["graph", "nothing"]).ends_with(1).stderr;
    assert!(missing.contains("no workflow `nothing` is applied"), "{missing}");
    for verb in
        [&["graph"][..], &["summary"], &["report"], &["start"], &["definitions", "list"], &["definitions", "get"]]
    {
        let mistyped = installed.run(&[verb, &["odrer"]].concat()).ends_with(1).stderr;
        assert!(mistyped.contains("no workflow `odrer` is applied\nhint: did you mean `order`?"), "{mistyped}");
    }
    let listed = installed.run(&["list", "--workflow", "odrer"]).stderr;
    assert!(listed.contains("no workflow `odrer` is applied: did you mean `order`?"), "{listed}");
    let version = installed.run(&["report", "order", "--version", "7"]).ends_with(1).stderr;
    assert!(version.contains("hint: `sagaline definitions list order`"), "{version}");
    let silent = installed.run(&["report", "order"]).ends_with(0);
    assert!(silent.stderr.contains("nothing is measured") && !silent.stdout.contains("medians"), "{}", silent.stdout);
}

#[test]
fn an_execution_is_shown_and_measured() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    let at = |line: &[&str]| at(&url, line);
    at(&["apply", &folder.file("trip.yaml", SAGA)]).ends_with(0);
    for id in ["t-1", "t-2", "t-3"] {
        at(&["start", "trip", "--id", id]).ends_with(0);
        eventually("it waits", SOON, || at(&["why", id]).stdout.contains("the signal `go`"));
    }
    let shown = at(&["graph", "--execution", "t-1"]).ends_with(0).stdout;
    assert!(shown.starts_with("trip (version 1)  t-1: waiting\n") && shown.contains("✓ legs  completed"), "{shown}");
    assert!(shown.contains("… go  waiting") && shown.ends_with("… waiting  ✓ completed\n"), "{shown}");
    let coloured = at(&["graph", "trip", "--execution", "t-1", "--format", "mermaid", "--groups"]).ends_with(0).stdout;
    assert!(coloured.contains("  class s_go is_waiting\n") && coloured.contains("subgraph legend"), "{coloured}");
    let other = at(&["graph", "order", "--execution", "t-1"]).ends_with(1).stderr;
    assert!(other.contains("`t-1` is an execution of `trip`, not of `order`"), "{other}");
    assert!(at(&["graph", "--execution", "t-9"]).ends_with(1).stderr.contains("there is no execution `t-9`"));
    let elsewhere = at(&["graph", ORDER, "--execution", "t-1"]).ends_with(0).stderr;
    assert!(elsewhere.contains("5 steps of the execution are not in this plan"), "{elsewhere}");

    for id in ["t-1", "t-2", "t-3"] {
        at(&["signal", id, "go"]).ends_with(0);
        eventually("it is over", SOON, || at(&["get", id]).stdout.contains("status: completed"));
    }
    let report = at(&["report", "trip", "--output", "json"]).ends_with(0).json().remove(0);
    let steps = |path: &serde_json::Value| {
        let steps = path["steps"].as_array().expect("steps").iter();
        steps.map(|step| step["step"].as_str().expect("a step").to_owned()).collect::<Vec<_>>()
    };
    // The hotel may take longer, but it was the flight that did.
    assert_eq!(steps(&report["critical_path"]), ["plan", "hotel", "legs", "go"]);
    assert_eq!(steps(&report["measured"]), ["plan", "flight", "legs", "go"]);
    assert_eq!((&report["measured"]["executions"], &report["measured"]["length"]["open"]), (&json!(3), &json!(false)));
    let bounded = at(&["report", "trip", "--executions", "2"]).ends_with(0).stdout;
    assert!(bounded.contains("critical path by medians of 2 executions: "), "{bounded}");
    let ended = at(&["graph", "--execution", "t-1", "--format", "table"]).ends_with(0).stdout;
    assert!(ended.contains("│ legs   │ completed, 3 times │ for each item of 3 items, echo"), "{ended}");
    assert!(ended.contains("│ go     │ completed          │ signal go"), "{ended}");
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

/// What is inside of a step stands beneath it, and a loop says what its items came to, also when it is over.
#[test]
fn an_execution_shows_what_is_inside_of_its_steps() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    let at = |line: &[&str]| at(&url, line);
    let text = "
workflow: nested
steps:
  route:
    switch:
      - when: \"${ workflow.input.big == true }\"
        steps: { big: { activity: echo } }
      - steps: { small: { activity: echo } }
  each:
    after: route
    for_each: { items: [1, 2, 3, 4, 5], concurrency: 2, on_item_error: continue }
    steps:
      first: { activity: echo }
      second: { after: first, activity: fail, retry: 1, input: { error: { type: Odd, message: no } }, when: \"${ item == 3 }\" }
  go: { after: each, await: go }
";
    at(&["apply", &folder.file("nested.yaml", text)]).ends_with(0);
    at(&["start", "nested", "--id", "n-1"]).ends_with(0);
    eventually("it waits", SOON, || at(&["why", "n-1"]).stdout.contains("the signal `go`"));
    let shown = at(&["get", "n-1"]).ends_with(0).stdout;
    assert!(shown.contains("steps: 2 of 3 done\n"), "{shown}");
    assert!(shown.contains("\n  ✓    small   completed\n"), "{shown}");
    assert!(shown.contains("4 completed, 1 failed (failed: item 3)\n"), "{shown}");
    let of = |step: &str| {
        let row = shown.lines().find(|line| line.split_whitespace().nth(1) == Some(step));
        row.unwrap_or_else(|| panic!("no `{step}` in {shown}")).split_whitespace().skip(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("first"), "completed 5 times");
    assert_eq!(of("second"), "failed 1 failed, 4 skipped (failed: item 3)");
    let graph = at(&["graph", "--execution", "n-1"]).ends_with(0).stdout;
    assert!(graph.contains("✗ second  failed, 1 failed, 4 skipped (failed: item 3)"), "{graph}");
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}
