//! What a node says of its disk on its monitoring port.

use std::time::Duration;

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A node that does not answer by then is one that says nothing.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// What a monitoring port listens on unless told otherwise.
const DEFAULT_PORT: u16 = 8222;

/// When a node brings messages to its disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Synced {
    pub(super) node: String,
    /// So late after acknowledging; nothing: before.
    pub(super) late: Option<Duration>,
}

#[derive(Deserialize)]
struct Varz {
    server_name: String,
    jetstream: JetStream,
}

#[derive(Deserialize)]
struct JetStream {
    config: Config,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    sync_interval: u64,
    #[serde(default)]
    sync_always: bool,
}

/// Asks the node at an address such as `http://nats-1:8222`.
pub(super) async fn ask(address: &str) -> Option<Synced> {
    let answer = timeout(ANSWER_WITHIN, get(&host_and_port(address), "/varz")).await.ok()??;
    read(&answer)
}

/// As HTTP/1.0 has it: the answer ends with the connection.
async fn get(host: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(host).await.ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    (head.split(' ').nth(1)? == "200").then(|| body.to_owned())
}

fn host_and_port(address: &str) -> String {
    let bare = address.trim().trim_start_matches("http://").trim_end_matches('/');
    let has_port = bare.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { bare.to_owned() } else { format!("{bare}:{DEFAULT_PORT}") }
}

fn read(answer: &str) -> Option<Synced> {
    let Varz { server_name, jetstream } = serde_json::from_str(answer).ok()?;
    let Config { sync_interval, sync_always } = jetstream.config;
    let late = (!sync_always).then(|| Duration::from_nanos(sync_interval));
    Some(Synced { node: server_name, late })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_says_when_it_syncs() {
        let varz = |config: &str| format!(r#"{{"server_name":"n","jetstream":{{"config":{config},"stats":{{}}}}}}"#);
        let late = |config: &str| read(&varz(config)).expect("an answer").late;
        // Beside `sync_always` the interval means nothing.
        assert_eq!(late(r#"{"sync_interval":120000000000,"sync_always":true}"#), None);
        assert_eq!(late(r#"{"sync_interval":120000000000}"#), Some(Duration::from_secs(120)));
        assert_eq!(read(r#"{"server_name":"n"}"#), None, "a node without JetStream keeps nothing");
    }

    #[test]
    fn an_address_may_leave_out_what_is_usual() {
        assert_eq!(host_and_port("http://nats-1:9000/"), "nats-1:9000");
        assert_eq!(host_and_port("nats-1"), "nats-1:8222");
    }
}
