//! What a nats-server says about itself over HTTP. Only ever asked on this machine.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// An answer on the same machine comes at once; a server that is frozen gives none.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// The JSON at `path`, with the status of the answer; nothing if there is none in time.
pub(crate) async fn get(port: u16, path: &str) -> Option<(u16, Value)> {
    timeout(ANSWER_WITHIN, ask(port, path)).await.ok()?
}

/// As HTTP/1.0 has it: the answer ends with the connection.
async fn ask(port: u16, path: &str) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}
