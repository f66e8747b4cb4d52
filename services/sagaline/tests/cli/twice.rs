//! `dev --twice`: what is not idempotent is found before a worker dies.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    common::Folder,
    dev::{Dev, at},
};

/// A server whose answers count: `{"n": 1}`, `{"n": 2}`, …; whether the request has been seen before or not. Gives its address.
fn counting_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            let (mut seen, mut buffer) = (vec![], [0; 1024]);
            while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
                let count = stream.read(&mut buffer).expect("a request");
                seen.extend_from_slice(&buffer[..count]);
            }
            let body = json!({ "n": number + 1 }).to_string();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
            let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).expect("it is taken");
        }
    });
    address
}

fn workflow(folder: &Folder, address: &str) -> String {
    let text = format!(
        "workflow: counted\nsteps:\n  count: {{ activity: http, input: {{ method: GET, url: \"http://{address}/\" }} }}\n  \
         same: {{ after: count, activity: echo, input: 7 }}\noutput: {{ n: \"${{ steps.count.output.body.n }}\" }}\n"
    );
    folder.file("counted.yaml", &text)
}

#[test]
fn what_ends_otherwise_the_second_time_is_shown_and_the_first_result_counts() {
    let (dev, folder, server) = (Dev::start(&["--twice", "--output", "json"]), Folder::new(), counting_server());
    let ready = dev.ready();
    at(&ready["nats_url"], &["apply", &workflow(&folder, &server)]).ends_with(0);
    let ended = at(&ready["nats_url"], &["start", "counted", "--id", "c-1", "--wait", "--output", "json"]).ends_with(0);
    assert_eq!(ended.json()[0]["output"], json!({"n": 1}));
    let lines = dev.until(|line| line.contains("differed"));
    assert_eq!(lines.len(), 1, "`echo` gives the same: {lines:?}");
    let told: Value = serde_json::from_str(&lines[0]).expect("JSON");
    assert_eq!((&told["type"], &told["step"]), (&json!("sagaline.step.differed.v1"), &json!("count")), "{told}");
    for (run, number) in [("first", r#""n":1"#), ("second", r#""n":2"#)] {
        assert!(told[run].as_str().is_some_and(|told| told.contains(number)), "{told}");
    }
    dev.signal(Signal::INT);
    assert!(dev.end().0.success());
}

#[test]
fn people_read_it_in_a_line() {
    let (dev, folder, server) = (Dev::start(&["--twice"]), Folder::new(), counting_server());
    let start = dev.until(|line| line == "ready");
    let url = json!(start[0].split_whitespace().nth(1).expect("a URL"));
    at(&url, &["apply", &workflow(&folder, &server)]).ends_with(0);
    let shown = at(&url, &["start", "counted", "--id", "c-1", "--wait"]).ends_with(0).stdout;
    assert!(shown.contains("status: completed"), "{shown}");
    let lines = dev.until(|line| line.contains('≠'));
    let line = lines.last().expect("a line");
    for part in ["c-1", "count", "differed", "http", "the same idempotency key"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    dev.signal(Signal::INT);
    assert!(dev.end().0.success());
}

#[test]
fn a_compensation_that_ends_otherwise_the_second_time_is_shown_too() {
    let (dev, folder, server) = (Dev::start(&["--twice", "--output", "json"]), Folder::new(), counting_server());
    let ready = dev.ready();
    let text = format!(
        "workflow: undone\nsteps:\n  take:\n    activity: noop\n    compensate: {{ activity: http, input: {{ method: GET, url: \"http://{server}/\" }} }}\n  \
         break: {{ after: take, activity: fail, input: {{}} }}\n"
    );
    at(&ready["nats_url"], &["apply", &folder.file("undone.yaml", &text)]).ends_with(0);
    let ended = at(&ready["nats_url"], &["start", "undone", "--id", "u-1", "--wait", "--output", "json"]).ends_with(1);
    assert_eq!(ended.json()[0]["status"], json!("rolled_back"));
    let lines = dev.until(|line| line.contains("differed"));
    let told: Value = serde_json::from_str(lines.last().expect("a line")).expect("JSON");
    assert_eq!((&told["activity"], &told["step"]), (&json!("http"), &json!("take/~undo")), "{told}");
    dev.signal(Signal::INT);
    assert!(dev.end().0.success());
}
