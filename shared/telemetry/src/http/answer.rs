//! Which page answers which request, and how an answer is written.

use super::head::{Head, LONGEST_HEAD, Malformed};
use crate::{Health, metrics};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// The version of the text format that Prometheus asks for by default.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Debug)]
pub(super) struct Answer {
    status: &'static str,
    content_type: &'static str,
    body: String,
}

/// The answer to a well-formed request.
pub(super) fn to(request: &Head, health: &Health) -> Answer {
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        let body = format!("`{}` is not answered here; use `GET`\n", request.method);
        return Answer { status: "405 Method Not Allowed", content_type: TEXT, body };
    }
    match request.path.as_str() {
        "/healthz" => Answer { status: "200 OK", content_type: TEXT, body: "ok\n".to_owned() },
        "/readyz" => readiness(health),
        "/metrics" => Answer { status: "200 OK", content_type: PROMETHEUS, body: metrics::render() },
        _ => Answer {
            status: "404 Not Found",
            content_type: TEXT,
            body: "there is nothing here; the paths are `/healthz`, `/readyz` and `/metrics`\n".to_owned(),
        },
    }
}

fn readiness(health: &Health) -> Answer {
    let report = health.report();
    let status = if report.ready { "200 OK" } else { "503 Service Unavailable" };
    let body = serde_json::to_string(&report).expect("a report is made of strings and booleans");
    Answer { status, content_type: JSON, body: body + "\n" }
}

impl Answer {
    pub(super) fn to_malformed(malformed: Malformed) -> Self {
        let (status, body) = match malformed {
            Malformed::NotHttp => ("400 Bad Request", "this is not a request of HTTP/1.1\n".to_owned()),
            Malformed::Version => ("505 HTTP Version Not Supported", "HTTP/1.1 is spoken here\n".to_owned()),
            Malformed::TooLong => (
                "431 Request Header Fields Too Large",
                format!("request line and headers may not be longer than {LONGEST_HEAD} bytes\n"),
            ),
        };
        Self { status, content_type: TEXT, body }
    }

    pub(super) fn too_slow() -> Self {
        let body = "the request did not arrive in time\n".to_owned();
        Self { status: "408 Request Timeout", content_type: TEXT, body }
    }

    /// The bytes of the answer; to a `HEAD` all but the body.
    pub(super) fn into_bytes(self, with_body: bool) -> Vec<u8> {
        let Self { status, content_type, body } = self;
        let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\nConnection: close\r\n\r\n",
            body.len()
        );
        if with_body { head + &body } else { head }.into_bytes()
    }
}
