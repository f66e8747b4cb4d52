//! The address of a process, asked over real connections.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use sagaline_telemetry::{Health, Telemetry, TelemetrySettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What no test here may come near: the limits of the server are seconds.
const SOON: Duration = Duration::from_secs(3);

fn started() -> (Telemetry, Health, SocketAddr) {
    let http = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let telemetry = Telemetry::start(TelemetrySettings { http, ..TelemetrySettings::new("test") }).expect("it starts");
    let (health, address) = (telemetry.health(), telemetry.http_addr().expect("an address"));
    (telemetry, health, address)
}

/// All that the server sends until it closes.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(bytes).await.expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let answer = exchange(address, format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    (status(&answer), body.to_owned())
}

fn status(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).expect(answer).parse().expect("a status")
}

#[tokio::test]
async fn a_process_lives_before_it_is_ready_and_is_ready_while_all_its_parts_are() {
    let (telemetry, health, address) = started();
    assert_eq!(get(address, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(get(address, "/readyz").await, (503, "{\"ready\":false,\"parts\":[]}\n".to_owned()));

    let (nats, log) = (health.part("nats"), health.part("log"));
    nats.ready();
    let body =
        r#"{"ready":false,"parts":[{"part":"log","ready":false,"why":"starting"},{"part":"nats","ready":true}]}"#;
    assert_eq!(get(address, "/readyz").await, (503, format!("{body}\n")));
    log.ready();
    assert_eq!(get(address, "/readyz?verbose").await.0, 200);

    nats.not_ready("the connection is lost");
    let (status, body) = get(address, "/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains(r#"{"part":"nats","ready":false,"why":"the connection is lost"}"#), "{body}");
    assert_eq!(get(address, "/healthz").await.0, 200, "not ready is not dead");
    nats.ready();
    assert_eq!(get(address, "/readyz").await.0, 200);

    telemetry.shutdown().await;
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens after the end");
}

#[tokio::test]
async fn who_asks_for_something_else_is_told_what_there_is() {
    let (_telemetry, _, address) = started();
    let (status_of_unknown, body) = get(address, "/health").await;
    assert_eq!(status_of_unknown, 404);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert!(body.contains(path), "{body}");
    }
    let posted = exchange(address, b"POST /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").await;
    assert_eq!(status(&posted), 405);
    assert!(posted.contains("\r\nAllow: GET, HEAD\r\n"), "{posted}");
    let head = exchange(address, b"HEAD /healthz HTTP/1.1\r\n\r\n").await;
    assert!(head.contains("Content-Length: 3\r\n") && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn a_client_that_would_keep_the_connection_is_told_that_it_closes() {
    let (_telemetry, _, address) = started();
    let two = b"GET /healthz HTTP/1.1\r\nConnection: keep-alive\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n";
    let answer = exchange(address, two).await;
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1, "{answer}");
}

#[tokio::test]
async fn garbage_is_refused_and_hurts_nobody() {
    let (_telemetry, _, address) = started();
    let hello_of_tls = b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\n\xff\xfe".as_slice();
    let endless_head = [b"GET /healthz HTTP/1.1\r\nCookie: ".as_slice(), &[b'a'; 20_000]].concat();
    let half_a_line = b"GET /hea".as_slice();
    for (sent, expected) in [(hello_of_tls, 400), (&endless_head, 431), (b"GET / HTTP/9.9\r\n\r\n", 505)] {
        assert_eq!(status(&exchange(address, sent).await), expected);
    }
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(half_a_line).await.expect("it is taken");
    stream.shutdown().await.expect("it closes its side");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert_eq!(status(&answer), 400);
    assert_eq!(get(address, "/healthz").await.0, 200);
}

/// Three times as many as the server holds: the oldest give way, and the probe does not wait for any of them.
#[tokio::test]
async fn clients_that_only_hold_on_keep_no_probe_from_its_answer() {
    let (_telemetry, _, address) = started();
    let mut holding = Vec::new();
    for _ in 0..192 {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"GET /healthz HTTP/1.1\r\nX: ").await.expect("it is taken");
        holding.push(stream);
    }
    let asked = Instant::now();
    assert_eq!(get(address, "/healthz").await.0, 200);
    let gone = holding[0].read(&mut [0]).await;
    assert!(matches!(gone, Ok(0) | Err(_)), "{gone:?}");
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_client_that_never_ends_its_request_is_given_up() {
    let (_telemetry, _, address) = started();
    let asked = Instant::now();
    assert_eq!(status(&exchange(address, b"GET /healthz HTTP/1.1\r\n").await), 408);
    assert!(asked.elapsed() >= SOON, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let (_telemetry, _, address) = started();
    let settings = TelemetrySettings { http: Some(address), ..TelemetrySettings::new("test") };
    let error = Telemetry::start(settings).expect_err("the address is taken");
    assert!(error.to_string().contains(&format!("`{address}`")) && error.to_string().contains("--http"), "{error}");
}

/// What `sagaline dev` never does, but tests and hosts do.
#[tokio::test]
async fn a_process_may_start_it_twice() {
    let (first, second) = (started(), started());
    first.1.part("nats").ready();
    assert_eq!((get(first.2, "/readyz").await.0, get(second.2, "/readyz").await.0), (200, 503));
    first.0.shutdown().await;
    assert_eq!(get(second.2, "/healthz").await.0, 200);
}
