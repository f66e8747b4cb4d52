//! Domain events that are none.

use sagaline_broker::names::Stream;
use serde_json::{Value, json};

use crate::site::{Site, event, header};

/// Headers, payload, and what the reason must say.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [u8], &'a str);

#[test]
fn what_is_no_cloudevent_is_set_aside_and_the_next_event_is_served() {
    let site = Site::shared();
    let (stream, subject) = (site.names().stream(Stream::Events), site.names().event("faults.echo"));
    let structured = [("content-type", "application/cloudevents+json")];
    let cases: [Case; 5] = [
        (&[], b"\0\xff garbage\r\n", "no CloudEvent"),
        (&[("ce-specversion", "0.3"), ("ce-id", "old")], b"{}", "`0.3`"),
        (&event("faults.echo")[..2], b"{}", "no `source`"),
        (&structured, b"{\"specversion\":", "EOF"),
        (&structured, b"[1,2]", "no CloudEvent in JSON"),
    ];
    let stored: Vec<u64> = cases.iter().map(|(headers, payload, _)| site.store(&subject, headers, *payload)).collect();
    for (sequence, (_, payload, why)) in stored.into_iter().zip(cases) {
        let message = site.is_rejected(&stream, sequence, "not_a_cloudevent", payload);
        let reason = header(&message, "Sagaline-Reason").expect("a reason");
        assert!(reason.contains(why), "`{why}` is not in `{reason}`");
        assert_eq!(header(&message, "Sagaline-Subject").as_deref(), Some(&*subject));
    }

    let id = format!("after-{}", std::process::id());
    let publish = ["events", "publish", "faults.echo", "--id", &id, "--data", r#"{"n":1}"#];
    site.sagaline(&publish).ends_with(0);
    let is_of_event = |row: &Value| {
        let id = row["execution"].as_str().expect("an id");
        let get = || site.sagaline(&["get", id, "--output", "json"]).ends_with(0).json();
        id.starts_with("echo-") && row["status"] == "completed" && get()[0]["output"] == json!({ "n": 1 })
    };
    site.eventually("the event after them is served", || {
        site.sagaline(&["list", "--workflow", "echo", "--output", "json"]).ends_with(0).json().iter().any(is_of_event)
    });
    site.goes_on();
}
