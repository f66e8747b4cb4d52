//! `limits`: who has a place, who waits, and in which order; and breakers.

use rustix::process::Signal;
use serde_json::json;

use crate::{
    common::{Folder, eventually},
    dev::{Dev, SOON, at},
};

const NARROW: &str = "workflow: narrow\nconcurrency: 1\nsteps: { go: { await: go } }\n";
const GUARDED: &str = "workflow: guarded\nsteps:\n  a:\n    activity: fail\n    breaker: { name: bank, threshold: 2, reset: 1h }\n    retry: { attempts: 3, initial: 10ms }\n    input: { error: { type: Busy, message: later } }\n";

const GATED: &str = "workflow: gated\nunique: { key: '${ workflow.input.unique }', for: 1h }\nsteps:\n  a:\n    activity: sleep\n    input: { ms: 600000 }\n    limit: { limit: 1, name: api, key: '${ workflow.input.key }' }\n";
const RATED: &str = "workflow: rated\nsteps:\n  a: { activity: noop, rate_limit: { limit: 1, per: 1h, name: slow } }\n";

#[test]
fn who_has_a_place_and_who_waits_is_shown_in_the_order_of_the_line() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    let none = at(&url, &["limits", "list"]).ends_with(0);
    assert!(none.stdout.is_empty() && none.stderr.contains("nobody has a place"), "{}", none.stderr);
    for (file, text) in [("narrow.yaml", NARROW), ("guarded.yaml", GUARDED)] {
        at(&url, &["apply", &folder.file(file, text)]).ends_with(0);
    }
    let is = |id: &str, status: &str| at(&url, &["get", id]).stdout.contains(&format!("status: {status}"));
    for (id, status) in [("n-1", "waiting"), ("n-2", "pending"), ("n-3", "pending")] {
        at(&url, &["start", "narrow", "--id", id]).ends_with(0);
        eventually("it has a place, or waits for one", SOON, || is(id, status));
    }
    let shown = || at(&url, &["limits", "get", "limit:narrow", "--output", "json"]).ends_with(0).json()[0].take();
    eventually("both wait in line", SOON, || shown()["state"]["places"]["waiting"] == 2);
    let names = |list: &str| {
        shown()["state"]["places"][list]
            .as_array()
            .expect("a list")
            .iter()
            .map(|ticket| ticket["execution"].as_str().expect("an id").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!((names("held"), names("line")), (vec!["n-1".to_owned()], vec!["n-2".to_owned(), "n-3".to_owned()]));
    let told = at(&url, &["limits", "get", "~limit:narrow"]).ends_with(0).stdout;
    assert!(told.contains("1 of 1 taken, 2 waiting") && told.contains("waits, number 2: n-3, asked for at "), "{told}");
    let why = at(&url, &["why", "n-3"]).ends_with(0).stdout;
    assert!(why.contains("`sagaline limits get ~limit:narrow` shows the line"), "{why}");

    at(&url, &["start", "guarded", "--id", "g-1"]).ends_with(0);
    let open = || at(&url, &["limits", "get", "breaker:bank"]).ends_with(0).stdout;
    eventually("two failures open the breaker", SOON, || {
        open().starts_with("~breaker:bank: open; whoever asks after ")
    });
    let listed = at(&url, &["limits", "list"]).ends_with(0).stdout;
    assert!(listed.contains("~breaker:bank") && listed.contains("~limit:narrow"), "{listed}");

    at(&url, &["signal", "n-1", "go"]).ends_with(0);
    eventually("the next one has the place", SOON, || names("held") == ["n-2"]);
    for id in ["n-2", "n-3"] {
        at(&url, &["cancel", id]).ends_with(0);
    }
    let free = || at(&url, &["limits", "get", "limit:narrow", "--output", "json"]).ends_with(0).json();
    eventually("all places came back", SOON, || free() == [json!({ "entity": "~limit:narrow", "state": null })]);
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

#[test]
fn workflows_share_the_places_of_a_pool_which_may_be_that_of_the_whole_installation() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    at(&url, &["defaults", "set", "{ concurrency: { pool: everything, limit: 1 } }"]).ends_with(0);
    let child = "workflow: inner\nsteps: { a: { activity: noop } }\n";
    let outer = "workflow: outer\nsteps: { go: { await: go }, run: { after: go, child: inner } }\n";
    for (file, text) in [("inner.yaml", child), ("outer.yaml", outer)] {
        at(&url, &["apply", &folder.file(file, text)]).ends_with(0);
    }
    let is = |id: &str, status: &str| at(&url, &["get", id]).stdout.contains(&format!("status: {status}"));
    for (workflow, id, status) in [("outer", "o-1", "waiting"), ("inner", "i-1", "pending")] {
        at(&url, &["start", workflow, "--id", id]).ends_with(0);
        eventually("it has a place, or waits for one", SOON, || is(id, status));
    }
    let pool = at(&url, &["limits", "get", "pool:everything"]).ends_with(0).stdout;
    assert!(pool.contains("1 of 1 taken, 1 waiting"), "{pool}");
    // Its child does not wait for the place that it has itself.
    at(&url, &["signal", "o-1", "go"]).ends_with(0);
    for id in ["o-1", "i-1"] {
        eventually("each has had its turn", SOON, || is(id, "completed"));
    }
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

/// What attempts of steps wait for, and a key: each is shown by the name that `why` says, and who comes too late says who has it.
#[test]
fn gates_of_steps_and_keys_are_shown_by_the_names_that_why_says() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    at(&url, &["apply", &folder.file("gated.yaml", GATED)]).ends_with(0);
    let why = |id: &str| at(&url, &["why", id]).ends_with(0).stdout;
    let limit = |name: &str| at(&url, &["limits", "get", name]).ends_with(0).stdout;
    at(&url, &["start", "gated", "--id", "g-1", "--input", r#"{"key":"a.b","unique":"u.1"}"#]).ends_with(0);
    eventually("it has the place", SOON, || limit("places:api:a_2eb").contains("1 of 1 taken, 0 waiting"));
    at(&url, &["start", "gated", "--id", "g-2", "--input", r#"{"key":"a_2eb","unique":"u.2"}"#]).ends_with(0);
    // Another key, and so another place.
    eventually("it has its own", SOON, || limit("places:api:a_5f2eb").contains("has a place: g-2 step a attempt 1"));
    at(&url, &["start", "gated", "--id", "g-3", "--input", r#"{"key":"a.b","unique":"u.3"}"#]).ends_with(0);
    eventually("it waits in line", SOON, || why("g-3").contains("`sagaline limits get ~places:api:a_2eb`"));
    assert!(limit("places:api:a_2eb").contains("waits, number 1: g-3 step a attempt 1"));

    at(&url, &["apply", &folder.file("rated.yaml", RATED)]).ends_with(0);
    for id in ["r-1", "r-2"] {
        at(&url, &["start", "rated", "--id", id]).ends_with(0);
    }
    eventually("one of them waits for its turn", SOON, || {
        ["r-1", "r-2"].iter().any(|id| why(id).contains("`~rate:slow`"))
    });
    assert!(limit("rate:slow").contains("~rate:slow: 1 per 1h; whoever asks now begins at "), "{}", limit("rate:slow"));

    let late =
        at(&url, &["start", "gated", "--id", "g-4", "--input", r#"{"key":"c","unique":"u.1"}"#]).ends_with(0).stdout;
    eventually("another has the key", SOON, || at(&url, &["get", "g-4"]).stdout.contains("is held by `g-1`"));
    assert!(late.contains("g-4") && limit("unique:u_2e1").contains("held by g-1, until "), "{late}");
    let listed = at(&url, &["limits", "list"]).ends_with(0).stdout;
    for name in ["~places:api:a_2eb", "~places:api:a_5f2eb", "~rate:slow", "~unique:u_2e1"] {
        assert!(listed.contains(name), "{name}: {listed}");
    }
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

#[test]
fn what_names_no_limit_is_refused_with_what_would() {
    let refused = at(&json!("nats://127.0.0.1:1"), &["limits", "get", "order"]).ends_with(64);
    assert!(refused.stderr.contains("names no entity"), "{}", refused.stderr);
}
