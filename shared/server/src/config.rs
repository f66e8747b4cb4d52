//! How a server is to run, and the configuration file that says so.

use std::{path::PathBuf, time::Duration};

use crate::{Binary, folder::DataFolder, ports::Ports};

/// How a nats-server is to run. JetStream is always on, on disk, and only this machine can connect.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    pub binary: Binary,
    /// All the server's files: its store, configuration and log. One server at a time may use it.
    pub data_dir: PathBuf,
    /// `None`: a free one, which is then kept over restarts.
    pub port: Option<u16>,
    pub server_name: String,
    /// Whether it answers questions about itself over HTTP, on a free port of this machine.
    pub monitor: bool,
    /// Whether every message is on the disk, not merely with the operating system, before it is acknowledged. It costs
    /// about 0.5 ms a message; only a power cut or a crash of the operating system makes the difference.
    pub sync_always: bool,
    /// The largest message in bytes. Servers take 1 MiB unless told otherwise, and so does this.
    pub max_payload: u32,
    /// What all streams on disk may take together, in bytes. A number rather than the server's own "three quarters of
    /// what is free": that would change from start to start, below what streams have been promised.
    pub max_file_store: u64,
    /// The same for streams in memory, of which Sagaline has none that are large.
    pub max_memory_store: u64,
    /// How long it may take to answer after a start. Ten seconds do for a store of millions of messages; one that lost
    /// its index in a hard kill is read as a whole.
    pub ready_within: Duration,
    /// How long it may take to end when asked to, before it is killed.
    pub stop_within: Duration,
    /// Lines for the end of the configuration file, in its own syntax.
    pub extra_config: String,
}

impl ServerOptions {
    pub fn new(binary: Binary, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            binary,
            data_dir: data_dir.into(),
            port: None,
            server_name: "sagaline".to_owned(),
            monitor: false,
            sync_always: false,
            max_payload: 1 << 20,
            max_file_store: 64 << 30,
            max_memory_store: 256 << 20,
            ready_within: Duration::from_secs(10),
            stop_within: Duration::from_secs(10),
            extra_config: String::new(),
        }
    }

    /// The configuration file of a server that listens on these ports.
    pub(crate) fn config(&self, folder: &DataFolder, Ports { client, monitor }: Ports) -> String {
        format!(
            "# Written at every start; changes made here are lost.\n\
             listen: \"127.0.0.1:{client}\"\n\
             {monitor}\
             server_name: {name}\n\
             ports_file_dir: {ports}\n\
             max_payload: {payload}\n\
             jetstream {{\n    \
                 store_dir: {store}\n    \
                 max_file_store: {file_store}\n    \
                 max_memory_store: {memory_store}\n{sync}\
             }}\n\
             {extra}\n",
            monitor = monitor.map(|port| format!("http: \"127.0.0.1:{port}\"\n")).unwrap_or_default(),
            name = quoted(&self.server_name),
            ports = quoted(&folder.ports()),
            payload = self.max_payload,
            store = quoted(folder.root()),
            file_store = self.max_file_store,
            memory_store = self.max_memory_store,
            sync = if self.sync_always { "    sync_interval: always\n" } else { "" },
            extra = self.extra_config,
        )
    }
}

/// The syntax takes strings as JSON writes them.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
