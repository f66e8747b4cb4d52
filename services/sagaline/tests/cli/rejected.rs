//! `rejected`: what was set aside, shown and given back as it came.

use sagaline_broker::{
    names::LogKind,
    nats::connect,
    ports::{Entry, Outcome},
    rejected,
};
use sagaline_model::Moment;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::common::{Installed, program};

/// Sets a message aside, as an owner does.
fn reject(installed: &Installed, sequence: u64, reason: &str, payload: &[u8]) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connection = connect(&installed.url, &installed.namespace, "test").await.expect("a connection");
        let entry = Entry {
            sequence,
            time: Moment::EPOCH,
            subject: connection.names().input("o-1", 1),
            content: Err("no".into()),
            payload: payload.to_vec().into(),
        };
        let message = rejected(connection.names(), LogKind::Runs, 0, &entry, reason, "it is \x1b[31mbad");
        assert!(matches!(connection.publish(&message).await, Outcome::Stored { .. }));
    });
}

#[test]
fn rejected_messages_are_listed_newest_first_with_where_they_came_from() {
    let installed = Installed::new();
    assert!(installed.run(&["rejected", "list"]).ends_with(0).stderr.contains("no such message"));
    for (sequence, reason) in [(3, "bad_input"), (5, "bad_id"), (8, "bad_input")] {
        reject(&installed, sequence, reason, b"{}");
    }
    let log = format!("{}_RUNS_0", installed.namespace);
    let listed = installed.run(&["rejected", "list", "--output", "json"]).ends_with(0).json();
    let of = |value: &Value| (value["from_stream"].clone(), value["from_sequence"].clone(), value["reason"].clone());
    let all = [(8, "bad_input"), (5, "bad_id"), (3, "bad_input")].map(|(at, why)| (json!(log), json!(at), json!(why)));
    assert_eq!(listed.iter().map(of).collect::<Vec<_>>(), all);

    let one = installed.run(&["rejected", "list", "--reason", "bad_input", "--limit", "1"]).ends_with(0);
    assert!(one.stdout.contains(&format!("{log} 8")) && one.stdout.lines().count() == 2, "{}", one.stdout);
    assert!(one.stderr.contains("there are more"), "{}", one.stderr);
    let late = installed.run(&["rejected", "list", "--since", "2100-01-01T00:00:00Z"]).ends_with(0);
    assert!(late.stdout.is_empty() && late.stderr.contains("no such message"));
}

#[test]
fn one_is_shown_so_that_it_cannot_write_to_the_terminal_and_given_back_as_it_came() {
    let installed = Installed::new();
    let bytes = b"\xff\x00\x1b[31m";
    reject(&installed, 3, "bad_input", b"{\"a\":[1]}");
    reject(&installed, 4, "not_a_cloudevent", bytes);

    let shown = installed.run(&["rejected", "get", "1"]).ends_with(0).stdout;
    assert!(shown.contains("reason: bad_input\n") && shown.contains("\n    \"a\": [\n"), "{shown}");
    assert!(shown.contains("detail: it is  [31mbad\n") && !shown.contains('\x1b'), "{shown}");
    let shown = installed.run(&["rejected", "get", "2"]).ends_with(0).stdout;
    assert!(shown.contains("payload: 7 bytes\n  ff001b5b33316d\n"), "{shown}");
    let json = installed.run(&["rejected", "get", "2", "--output", "json"]).ends_with(0).json();
    assert_eq!(
        (&json[0]["hex"], &json[0]["subject"]),
        (&json!("ff001b5b33316d"), &json!(format!("{}.run.0.o-1.in", installed.namespace)))
    );

    let line = ["--nats-url", &installed.url, "--namespace", &installed.namespace, "rejected", "get", "2", "--raw"];
    let raw = program(line).output().expect("it runs");
    assert_eq!((raw.status.code(), raw.stdout.as_slice()), (Some(0), &bytes[..]));

    let absent = installed.run(&["rejected", "get", "9"]).ends_with(1).stderr;
    assert!(absent.contains("there is no rejected message 9") && absent.contains("hint: `sagaline rejected list`"));
}

#[test]
fn what_is_no_reason_exits_with_64() {
    let ran = crate::common::run(["rejected", "list", "--reason", "a.b"]).ends_with(64);
    assert!(ran.stderr.contains("one word"), "{}", ran.stderr);
}
