//! `events sources`, `events types`, and `events publish` of events with extensions, and of many.

use serde_json::json;

use crate::{
    common::{Folder, Installed},
    tail::Tail,
};

#[test]
fn sources_are_set_listed_and_removed() {
    let installed = Installed::new();
    let none = installed.run(&["events", "sources", "list"]).ends_with(0);
    assert!(none.stderr.contains("events come from `sagaline.events.>` only"), "{}", none.stderr);
    let set = installed.run(&["events", "sources", "set", "till", "{ subject: till.>, event: { type: till.paid } }"]);
    assert!(set.ends_with(0).stderr.contains("subject till.> within a second"));
    let set = installed.run(&["events", "sources", "set", "shop", "{ stream: SHOP, subject: shop.* }"]).ends_with(0);
    assert!(set.stderr.contains("there is no stream `SHOP`: triggers take events from it once there is"));
    let listed = installed.run(&["events", "sources", "list"]).ends_with(0).stdout;
    assert!(listed.contains("stream SHOP, shop.*") && listed.contains("CloudEvents only"), "{listed}");
    assert!(listed.contains("there is no stream SHOP"), "{listed}");
    let json = installed.run(&["events", "sources", "list", "--output", "json"]).ends_with(0).json();
    assert_eq!((&json[1]["name"], &json[1]["source"]["subject"]), (&json!("till"), &json!("till.>")));

    let refused = installed.run(&["events", "sources", "set", "till", "{ subject: a..b }"]).ends_with(65);
    assert!(refused.stderr.contains("SOURCE:1:12: `a..b` is not a subject"), "{}", refused.stderr);
    let everything = installed.run(&["events", "sources", "set", "till", "{ subject: '>' }"]).ends_with(65);
    assert!(everything.stderr.contains("`>` is this installation's own"), "{}", everything.stderr);

    installed.run(&["events", "sources", "remove", "till"]).ends_with(0);
    let gone = installed.run(&["events", "sources", "remove", "till"]).ends_with(1);
    assert!(gone.stderr.contains("there is no source `till`"), "{}", gone.stderr);
    let left = installed.run(&["events", "sources", "list", "--output", "json"]).ends_with(0).json();
    assert_eq!(left.len(), 1);
}

#[test]
fn types_are_set_shown_and_removed() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let file = folder.file("type.yaml", "versions:\n  1: { to_next: { n: 1 } }\n  2: { schema: { required: [n] } }\n");
    installed.run(&["events", "types", "set", "order.created", &format!("@{file}")]).ends_with(0);
    let listed = installed.run(&["events", "types", "list"]).ends_with(0).stdout;
    assert!(listed.contains("order.created") && listed.contains("1, 2"), "{listed}");
    let shown = installed.run(&["events", "types", "get", "order.created"]).ends_with(0).stdout;
    assert_eq!(shown, "{\"versions\":{\"1\":{\"to_next\":{\"n\":1}},\"2\":{\"schema\":{\"required\":[\"n\"]}}}}\n");
    installed.run(&["events", "types", "set", "order.created", &shown]).ends_with(0);
    let refused = installed.run(&["events", "types", "set", "order.created", "{ versions: { 1: {}, 2: {} } }"]);
    let refused = refused.ends_with(65);
    assert!(refused.stderr.contains("version 1 has no `to_next`"), "{}", refused.stderr);
    assert_eq!(installed.run(&["events", "types", "get", "order.created"]).ends_with(0).stdout, shown);
    installed.run(&["events", "types", "remove", "order.created"]).ends_with(0);
    let gone = installed.run(&["events", "types", "get", "order.created"]).ends_with(1);
    assert!(gone.stderr.contains("nothing is known of events of type `order.created`"), "{}", gone.stderr);
}

#[test]
fn events_with_extensions_and_files_of_events_are_published() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let first = ["events", "publish", "order.paid", "--data", "{\"n\":1}", "--id", "1", "--extension", "tenant=acme"];
    installed.run(&first).ends_with(0);
    let lines = "{\"type\":\"order.paid\",\"id\":\"2\",\"data\":{\"n\":2},\"shard\":7}\n\n{\"type\":\"order.sent\",\"id\":\"3\",\"source\":\"/own\"}\n";
    let file = folder.file("events.jsonl", lines);
    let sent = installed.run(&["events", "publish", "--batch", &file, "--source", "/file", "--output", "json"]);
    let sent = sent.ends_with(0).json();
    assert_eq!(sent.len(), 2);
    assert_eq!((&sent[0]["source"], &sent[1]["source"]), (&json!("/file"), &json!("/own")));

    let tail = Tail::start(
        &installed.url,
        &installed.namespace,
        &["--filter", "events.order.>", "--last", "3", "--output", "json"],
    );
    let mut events: Vec<_> = (0..3).map(|_| tail.json()["event"].clone()).collect();
    assert_eq!(tail.end().0, Some(0));
    events.sort_by_key(|event| event["id"].to_string());
    assert_eq!((&events[0]["tenant"], &events[0]["data"]), (&json!("acme"), &json!({ "n": 1 })));
    assert_eq!((&events[1]["shard"], &events[1]["data"]), (&json!("7"), &json!({ "n": 2 })));
    assert_eq!(events[2]["type"], "order.sent");

    for (line, told) in [
        ("{\"type\":\"a\"}\n{", "events.jsonl:2: "),
        ("{\"data\":1}", "it has no `type`"),
        ("{\"type\":\"a b\"}", "a type is words"),
        ("{\"type\":\"a\",\"order\":{\"id\":1}}", "`order` is no attribute: put it into `data`"),
    ] {
        let file = folder.file("events.jsonl", line);
        let refused = installed.run(&["events", "publish", "--batch", &file]).ends_with(65);
        assert!(refused.stderr.contains(told) && refused.stderr.contains("nothing is published"), "{}", refused.stderr);
    }
    let refused = installed.run(&["events", "publish", "a", "--extension", "type=b"]).ends_with(64);
    assert!(refused.stderr.contains("`type` is not the name of an extension"), "{}", refused.stderr);
}
