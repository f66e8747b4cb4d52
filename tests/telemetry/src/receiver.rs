//! The end of the way of a span: OTLP over HTTP, protobuf, on loopback.

use std::{
    io::Read,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};

use crate::{Span, Trace};

/// Spans travel in batches, and a busy machine takes its time.
const WITHIN: Duration = Duration::from_secs(60);

/// Takes whatever is posted to it. Clones are the same receiver.
#[derive(Clone)]
pub struct Receiver {
    address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    spans: Vec<Span>,
    /// The `traceparent` of each request that was no batch of spans.
    calls: Vec<String>,
}

impl Receiver {
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let taken = Arc::new(Mutex::new(Taken::default()));
        let receiver = Self { address, taken };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        receiver
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came of one execution, once `enough` says so.
    pub async fn trace_of(&self, execution: &str, enough: impl Fn(&Trace) -> bool) -> Trace {
        let deadline = Instant::now() + WITHIN;
        loop {
            let trace = Trace::of(execution, &self.taken().spans);
            if enough(&trace) {
                return trace;
            }
            assert!(Instant::now() < deadline, "not within {WITHIN:?}: all spans of `{execution}`\n{trace}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The `traceparent` of each request of an activity.
    pub fn calls(&self) -> Vec<String> {
        self.taken().calls.clone()
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut read = vec![];
        while let Some((head, body)) = request(&mut stream, &mut read).await {
            if head.starts_with("post /v1/traces ") {
                let body = if head.contains("\ncontent-encoding: gzip") { unpacked(&body) } else { body };
                let batch = ExportTraceServiceRequest::decode(body.as_slice()).expect("spans as OTLP writes them");
                self.taken().spans.extend(Span::all_of(batch));
            } else {
                let traceparent = head.lines().find_map(|line| line.strip_prefix("traceparent: "));
                self.taken().calls.push(traceparent.unwrap_or("none").to_owned());
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
    }
}

fn unpacked(body: &[u8]) -> Vec<u8> {
    let mut unpacked = vec![];
    flate2::read::GzDecoder::new(body).read_to_end(&mut unpacked).expect("gzip");
    unpacked
}

/// The head in lower case, and the body; nothing once the connection is at its end.
async fn request(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = read.windows(4).position(|end| end == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
            if read.len() >= end + 4 + length {
                let body = read[end + 4..end + 4 + length].to_vec();
                read.drain(..end + 4 + length);
                return Some((head, body));
            }
        }
        match stream.read_buf(read).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}
