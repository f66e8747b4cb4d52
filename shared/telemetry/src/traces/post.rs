//! Posts a batch of spans over plain HTTP/1.1, blocking: the SDK exports from a thread of its own, where that is just right.
//!
//! It reads the status of the answer and nothing more. Encrypted connections are the collector's business: one beside the service
//! (where every deployment of OpenTelemetry wants one anyway) takes spans in the clear and sends them on.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// The longest head of an answer that is read.
const LONGEST_HEAD: usize = 16 * 1024;

/// Why an endpoint cannot be posted to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EndpointError {
    #[error("it is no URL; one looks like `http://127.0.0.1:4318`")]
    NoUrl,
    #[error("only `http://` is spoken; for an encrypted connection put an OpenTelemetry collector between")]
    NotPlainHttp,
}

#[derive(Debug)]
pub(super) struct Post {
    endpoint: String,
    host: String,
    port: u16,
    within: Duration,
    /// So that a collector that is away is one line in the log, not one every five seconds.
    failing: AtomicBool,
}

impl Post {
    pub(super) fn to(endpoint: &str, within: Duration) -> Result<Self, EndpointError> {
        let request = Request::post(endpoint).body(()).map_err(|_| EndpointError::NoUrl)?;
        let url = request.uri();
        let (Some(scheme), Some(host)) = (url.scheme_str(), url.host()) else { return Err(EndpointError::NoUrl) };
        if scheme != "http" {
            return Err(EndpointError::NotPlainHttp);
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let (port, failing) = (url.port_u16().unwrap_or(80), AtomicBool::new(false));
        Ok(Self { endpoint: endpoint.to_owned(), host, port, within, failing })
    }

    fn send(&self, request: &Request<Bytes>) -> io::Result<Response<Bytes>> {
        let deadline = Instant::now() + self.within;
        let mut stream = self.connect(deadline)?;
        stream.set_write_timeout(Some(left(deadline)?))?;
        stream.write_all(&head_of(request))?;
        stream.write_all(request.body())?;
        read_status(&mut stream, deadline)
    }

    fn connect(&self, deadline: Instant) -> io::Result<TcpStream> {
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, left(deadline)?) {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Says once that the collector is away, and once that it is back.
    fn note(&self, outcome: &io::Result<Response<Bytes>>) {
        let refused = match outcome {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answered {}", response.status())),
            Err(error) => Some(error.to_string()),
        };
        let failed_before = self.failing.swap(refused.is_some(), Ordering::Relaxed);
        match refused {
            Some(why) if !failed_before => {
                tracing::warn!(
                    endpoint = self.endpoint,
                    why,
                    "the collector takes no spans; they are dropped until it does"
                );
            }
            None if failed_before => tracing::info!(endpoint = self.endpoint, "the collector takes spans again"),
            Some(_) | None => {}
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let outcome = self.send(&request);
        self.note(&outcome);
        Ok(outcome?)
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn head_of(request: &Request<Bytes>) -> Vec<u8> {
    let (url, length) = (request.uri(), request.body().len());
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let host = url.authority().map_or("", |authority| authority.as_str());
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n")
        .into_bytes();
    for (name, value) in request.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// The status, and `Retry-After` where the collector asks for patience: these the exporter goes by.
fn read_status(stream: &mut TcpStream, deadline: Instant) -> io::Result<Response<Bytes>> {
    let (mut head, mut part) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => head.extend_from_slice(&part[..read]),
        }
        if head.len() > LONGEST_HEAD {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the head of the answer is too long"));
        }
    }
    parse_status(&head).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP/1.1"))
}

fn parse_status(head: &[u8]) -> Option<Response<Bytes>> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let status: u16 = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let mut response = Response::builder().status(status);
    let headers = lines.filter_map(|line| line.split_once(':'));
    for (_, value) in headers.filter(|(name, _)| name.eq_ignore_ascii_case("retry-after")) {
        response = response.header("retry-after", value.trim());
    }
    response.body(Bytes::new()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_cannot_work_is_refused_at_once() {
        let refusal = |endpoint| Post::to(endpoint, Duration::from_secs(1)).map(|_| ()).expect_err(endpoint);
        assert_eq!(refusal("https://collector:4318/v1/traces"), EndpointError::NotPlainHttp);
        for bad in ["collector:4318", "http//x", "", "not a url"] {
            assert_eq!(refusal(bad), EndpointError::NoUrl, "{bad}");
        }
    }

    #[test]
    fn hosts_are_names_or_addresses_of_either_kind() {
        let to = |endpoint| Post::to(endpoint, Duration::from_secs(1)).map(|post| (post.host, post.port));
        assert_eq!(to("http://collector/v1/traces"), Ok(("collector".to_owned(), 80)));
        assert_eq!(to("http://[::1]:4318/v1/traces"), Ok(("::1".to_owned(), 4318)));
    }

    #[test]
    fn a_status_is_read_with_the_patience_it_asks_for() {
        let busy = parse_status(b"HTTP/1.1 503 Service Unavailable\r\nRetry-after: 7\r\n\r\n").expect("an answer");
        assert_eq!((busy.status().as_u16(), busy.headers()["retry-after"].as_bytes()), (503, &b"7"[..]));
        assert!(parse_status(b"SSH-2.0-x\r\n\r\n").is_none());
    }
}
