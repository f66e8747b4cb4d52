//! `sagas`: what is stuck is found, helped along, passed by and closed; and what is rolled back is seen everywhere.

use rustix::process::Signal;

use crate::{
    common::{Folder, eventually},
    dev::{Dev, SOON, at},
};

/// The money cannot be given back: its input cannot be computed, or whoever is asked says no.
const DEFINITIONS: &str = "
workflow: faulty
steps:
  reserve: { activity: echo, input: { id: r-1 }, compensate: { activity: echo, input: { released: '${ output.id }' } } }
  pay: { after: reserve, activity: echo, input: { id: p-1 }, compensate: { activity: echo, input: { n: '${ output.id + 1 }' } } }
  ship: { after: pay, activity: fail, input: { error: { type: NoCarrier, message: nobody drives there } }, retry: { attempts: 1 } }
---
workflow: refused
steps:
  reserve: { activity: echo, input: { id: r-1 }, compensate: { activity: echo, input: { released: '${ output.id }' } } }
  pay:
    after: reserve
    activity: echo
    compensate: { activity: fail, input: { error: { type: BankAway, message: no answer } }, retry: { attempts: 1 } }
  wait: { after: pay, await: { signal: go } }
";

#[test]
fn what_is_stuck_is_found_helped_passed_by_and_closed() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    let at = |line: &[&str]| at(&url, line);
    assert_eq!(at(&["sagas", "list"]).ends_with(0).stderr.trim(), "nothing is being undone");
    at(&["apply", &folder.file("sagas.yaml", DEFINITIONS)]).ends_with(0);
    for (workflow, id) in [("faulty", "s-1"), ("refused", "s-2"), ("refused", "s-3")] {
        at(&["start", workflow, "--id", id]).ends_with(0);
    }
    for id in ["s-2", "s-3"] {
        eventually("it waits", SOON, || at(&["why", id]).stdout.contains("the signal `go`"));
        at(&["cancel", id, "--rollback", "--reason", "ordered twice"]).ends_with(0);
    }
    let stuck = || at(&["sagas", "list", "--stuck", "--output", "json"]).ends_with(0).json();
    eventually("all are stuck", SOON, || stuck().len() == 3);
    let table = at(&["sagas", "list", "--stuck", "--workflow", "refused", "--limit", "1"]).ends_with(0);
    assert!(table.stdout.contains("s-2") && table.stdout.contains("BankAway: no answer"), "{}", table.stdout);
    assert!(table.stderr.contains("there are more: `--after s-2` goes on"), "{}", table.stderr);
    let status = |id: &str| at(&["get", id, "--output", "json"]).ends_with(0).json()[0]["status"].clone();
    eventually("its execution says so", SOON, || status("s-1") == "stuck");

    // The execution shows its saga, and what to type.
    let shown = at(&["get", "s-1"]).ends_with(0);
    assert!(shown.stdout.contains("status: stuck") && shown.stdout.contains("saga: stuck"), "{}", shown.stdout);
    assert!(shown.stdout.contains("✗  pay") && shown.stderr.contains("`sagaline sagas retry s-1`"), "{}", shown.stdout);
    let why = at(&["why", "s-1"]).ends_with(0).stdout;
    assert!(why.contains("to end it: sagaline sagas ") && why.contains("undone (0 of 2):"), "{why}");

    let early = at(&["sagas", "skip", "s-1", "reserve"]).ends_with(1).stderr;
    assert!(early.contains("`reserve` is not stuck") && early.contains("hint: nothing was changed"), "{early}");
    let again = at(&["sagas", "retry", "s-1", "--by", "ann", "--why", "perhaps it is there now"]).ends_with(0).stdout;
    assert!(again.contains("retried by ann: perhaps it is there now"), "{again}");
    eventually("that does not help", SOON, || stuck().len() == 3);
    let input = ["sagas", "retry", "s-1", "--step", "pay", "--input", r#"{"n":1}"#, "--by", "ann"];
    at(&input).ends_with(0);
    assert!(at(&["watch", "s-1"]).ends_with(1).stdout.contains("rolled"), "it ends");
    let over = at(&["sagas", "get", "s-1"]).ends_with(0);
    assert!(over.stdout.contains("saga: completed") && over.stdout.contains("undone (2 of 2):"), "{}", over.stdout);
    assert_eq!(over.stderr, "");
    let late = at(&["sagas", "retry", "s-1"]).ends_with(1).stderr;
    assert!(late.contains("cannot be retried: it is over (completed)"), "{late}");

    let skipped = at(&["sagas", "skip", "s-2", "pay", "--why", "it was never paid", "--output", "json"]).ends_with(0);
    assert_eq!(skipped.json()[0]["interventions"][0]["why"], "it was never paid");
    let resolved = at(&["sagas", "resolve", "s-3", "--by", "bob", "--why", "ticket 4711"]).ends_with(0).stdout;
    assert!(resolved.contains("saga: resolved") && resolved.contains("resolved by bob: ticket 4711"), "{resolved}");
    for id in ["s-1", "s-2", "s-3"] {
        eventually("it is rolled back", SOON, || status(id) == "rolled_back");
    }
    assert_eq!(at(&["sagas", "list", "--stuck"]).ends_with(0).stderr.trim(), "no saga is stuck");
    let listed = at(&["list", "--status", "rolled_back", "--output", "json"]).ends_with(0).json();
    assert_eq!(listed.len(), 3, "sagas are no executions: {listed:?}");
    let none = at(&["sagas", "get", "s-9"]).ends_with(1).stderr;
    assert!(none.contains("there is no execution `s-9`"), "{none}");
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}
