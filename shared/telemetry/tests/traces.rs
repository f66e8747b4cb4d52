//! Spans on their way to a collector: a real one in all that matters here, listening on loopback.

use std::{net::SocketAddr, time::Duration};

use sagaline_telemetry::{StartError, Telemetry, TelemetrySettings, current_traceparent, set_parent};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const REMOTE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A request as the collector received it.
struct Posted {
    head: String,
    body: Vec<u8>,
}

impl Posted {
    fn carries(&self, bytes: &[u8]) -> bool {
        self.body.windows(bytes.len()).any(|part| part == bytes)
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Takes one request and answers it with `status`.
async fn take(collector: &TcpListener, status: &str) -> Posted {
    let taking = async {
        let (mut stream, _) = collector.accept().await.expect("a connection");
        let posted = read(&mut stream).await;
        stream
            .write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes())
            .await
            .expect("it is read");
        posted
    };
    timeout(Duration::from_secs(20), taking).await.expect("spans within their time")
}

async fn read(stream: &mut TcpStream) -> Posted {
    let mut received = Vec::new();
    loop {
        if let Some(end) = received.windows(4).position(|end| end == b"\r\n\r\n") {
            let head = String::from_utf8(received[..end].to_vec()).expect("a head").to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
            let length: usize = length.parse().expect("a number");
            if received.len() >= end + 4 + length {
                return Posted { head, body: received[end + 4..].to_vec() };
            }
        }
        assert_ne!(stream.read_buf(&mut received).await.expect("bytes"), 0, "it closed too early");
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// One test for all of it: a process has one collector.
#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_the_collector_within_the_trace_they_came_from() {
    let (collector, address) = listen().await;
    let otlp = Some(format!("http://{address}"));
    let telemetry =
        Telemetry::start(TelemetrySettings { otlp, ..TelemetrySettings::new("orchestrator") }).expect("it starts");
    assert_eq!(current_traceparent(), None, "outside of any span");

    let span = tracing::info_span!("charge the card", execution = "order-1");
    set_parent(&span, REMOTE);
    let handed_on = span.in_scope(current_traceparent).expect("a traceparent");
    let [version, trace, own, flags] = handed_on.split('-').collect::<Vec<_>>()[..] else { panic!("{handed_on}") };
    assert_eq!((version, trace, flags), ("00", "0af7651916cd43dd8448eb211c80319c", "01"));
    assert_ne!(own, "b7ad6b7169203331", "it is the span itself that is handed on");
    drop(span);

    let stray = tracing::info_span!("stray");
    set_parent(&stray, "no traceparent at all");
    let of_its_own = stray.in_scope(current_traceparent).expect("a traceparent");
    assert!(!of_its_own.contains(trace), "{of_its_own}");
    drop(stray);

    // A collector that is busy gets the same spans once more.
    let (busy, posted) = tokio::join!(
        async { (take(&collector, "503 Busy").await, take(&collector, "200 OK").await) },
        telemetry.shutdown()
    )
    .0;
    assert_eq!(busy.body, posted.body);
    assert!(posted.head.starts_with("post /v1/traces http/1.1\r\n"), "{}", posted.head);
    assert!(posted.head.contains("content-type: application/x-protobuf"), "{}", posted.head);
    for text in ["charge the card", "stray", "order-1", "service.name", "orchestrator", "service.namespace"] {
        assert!(posted.carries(text.as_bytes()), "{text}");
    }
    for id in [trace, own, "b7ad6b7169203331"] {
        assert!(posted.carries(&hex(id)), "{id}");
    }
}

#[tokio::test]
async fn a_collector_that_cannot_be_spoken_to_is_refused_at_start() {
    let otlp = Some("https://collector:4318".to_owned());
    let error = Telemetry::start(TelemetrySettings { otlp, ..TelemetrySettings::new("test") }).expect_err("no TLS");
    assert!(matches!(&error, StartError::Collector { endpoint, .. } if endpoint == "https://collector:4318/v1/traces"));
    assert!(error.to_string().contains("put an OpenTelemetry collector between"), "{error}");
}
