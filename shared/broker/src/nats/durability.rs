//! What the servers promise to keep, as far as it can be known: copies of each message, the nodes that have them, and whether a
//! message is on the disk before it is acknowledged. It never says more than it was told.

mod monitor;

use std::{collections::BTreeSet, fmt, time::Duration};

use async_nats::jetstream::stream::{Config, StorageType};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use self::monitor::Synced;
use super::{Connection, Installed, Storage, expected};
use crate::ports::Failure;

/// How often and how long apart a service that starts tries to learn it.
const TELL_TRIES: u32 = 30;
const TELL_PAUSE: Duration = Duration::from_secs(2);

/// When a message reaches the disk. Until then the operating system has it, which outlives NATS but not a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskSync {
    /// Before it is acknowledged, on every node.
    Always,
    /// At most so much later, on some node.
    Every(Duration),
    /// Clients cannot see it; only the monitoring port of each node tells.
    Unknown,
}

/// How safe what is acknowledged is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    /// Of the stream with the fewest.
    pub replicas: usize,
    /// How many nodes have streams of this installation.
    pub nodes: usize,
    pub sync: DiskSync,
    pub storage: Storage,
    /// The monitoring addresses that gave no answer.
    pub silent: Vec<String>,
}

impl Durability {
    /// One sentence on what survives what.
    pub fn says(&self) -> String {
        if self.storage == Storage::Memory {
            return "some streams are in memory only: what they hold is lost when NATS ends".to_owned();
        }
        let (copies, bears) = (self.replicas, self.replicas.saturating_sub(1) / 2);
        let nodes = match bears {
            0 => "not the loss of a node, and nothing goes on while one is away".to_owned(),
            1 => "the loss of one node, and goes on without it".to_owned(),
            more => format!("the loss of {more} nodes, and goes on without them"),
        };
        let copies = if copies == 1 {
            "one copy of each message".to_owned()
        } else {
            format!("{copies} copies of each message")
        };
        match self.sync {
            DiskSync::Always => {
                format!(
                    "{copies}, on disk before it is acknowledged: survives kill -9 of any process, power cuts, {nodes}"
                )
            }
            DiskSync::Every(late) => format!(
                "{copies}, on disk up to {late:?} after it is acknowledged: survives kill -9 of any process, not a power cut{}, {nodes}",
                if bears == 0 { "" } else { " of several nodes at once" }
            ),
            DiskSync::Unknown => format!(
                "{copies}: survives kill -9 of any process, {nodes}; whether it survives a power cut is not known, \
                 because only the monitoring port of each node tells (`--nats-monitor`)"
            ),
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says())
    }
}

/// Asks the servers. `monitors` are the monitoring addresses of the nodes, such as `http://nats-1:8222`; without them, or if one is
/// missing, nothing is claimed about disks.
pub async fn durability(connection: &Connection, monitors: &[String]) -> Result<Durability, Failure> {
    let streams = streams(connection).await?;
    let mut nodes: BTreeSet<String> = streams.iter().flat_map(|stream| stream.nodes()).collect();
    if nodes.is_empty() {
        nodes.insert(connection.client().server_info().server_name);
    }
    let replicas = streams.iter().map(|stream| stream.config.num_replicas.max(1)).min().unwrap_or(1);
    let in_memory = streams.iter().any(|stream| stream.config.storage == StorageType::Memory);
    let answers = futures::future::join_all(monitors.iter().map(|address| monitor::ask(address))).await;
    let silent = monitors.iter().zip(&answers).filter(|(_, answer)| answer.is_none());
    let silent = silent.map(|(address, _)| address.clone()).collect();
    let answers: Vec<Synced> = answers.into_iter().flatten().collect();
    let storage = if in_memory { Storage::Memory } else { Storage::File };
    Ok(Durability { replicas, nodes: nodes.len(), sync: weakest(&nodes, &answers), storage, silent })
}

/// Says it once in the log of a service that starts, as soon as it is known: the installation may not be there yet. No service waits
/// for it.
pub fn tell_durability(connection: &Connection, monitors: &[String]) {
    let (connection, monitors) = (connection.clone(), monitors.to_vec());
    tokio::spawn(async move {
        for _ in 0..TELL_TRIES {
            let found = match durability(&connection, &monitors).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::debug!(%error, "what NATS keeps is not known yet");
                    sleep(TELL_PAUSE).await;
                    continue;
                }
            };
            for address in &found.silent {
                tracing::warn!(address, "a monitoring address of NATS gives no answer");
            }
            tracing::info!(replicas = found.replicas, nodes = found.nodes, sync = ?found.sync, "NATS keeps {}", found.says());
            return;
        }
        tracing::warn!("what NATS keeps over failures is not known: it does not say");
    });
}

/// One node that syncs late is enough to lose; that all of them sync in time takes an answer of each.
fn weakest(nodes: &BTreeSet<String>, answers: &[Synced]) -> DiskSync {
    let ours = || answers.iter().filter(|answer| nodes.contains(&answer.node));
    if let Some(late) = ours().filter_map(|answer| answer.late).max() {
        return DiskSync::Every(late);
    }
    let heard: BTreeSet<&String> = ours().map(|answer| &answer.node).collect();
    if heard.len() == nodes.len() { DiskSync::Always } else { DiskSync::Unknown }
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    total: usize,
    #[serde(default)]
    streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    config: Config,
    #[serde(default)]
    cluster: Cluster,
}

#[derive(Default, Deserialize)]
struct Cluster {
    #[serde(default)]
    leader: Option<String>,
    #[serde(default)]
    replicas: Vec<Peer>,
}

#[derive(Deserialize)]
struct Peer {
    name: String,
}

impl Stream {
    fn nodes(&self) -> Vec<String> {
        let leader = self.cluster.leader.iter().filter(|leader| !leader.is_empty()).cloned();
        leader.chain(self.cluster.replicas.iter().map(|peer| peer.name.clone())).collect()
    }
}

/// The streams of this installation, its queues apart: those are made as the queue `default` is.
async fn streams(connection: &Connection) -> Result<Vec<Stream>, Failure> {
    let failed = || "list the streams";
    let partitions = match Installed::read(connection).await {
        Ok(installed) => installed.partitions,
        Err(error) => return Err(Failure::Refused { what: "find the installation".into(), why: error.to_string() }),
    };
    let queue = sagaline_model::Name::new("default").expect("a name");
    let ours: BTreeSet<String> =
        expected(connection.names(), partitions, &[queue]).into_iter().map(|stream| stream.name).collect();
    let (mut seen, mut found) = (0, vec![]);
    loop {
        let page: Listed = connection
            .api("STREAM.LIST", &json!({ "offset": seen }))
            .await
            .map_err(|error| error.into_failure(failed()))?;
        seen += page.streams.len();
        let end = page.streams.is_empty() || page.total <= seen;
        found.extend(page.streams.into_iter().filter(|stream| ours.contains(&stream.config.name)));
        if end {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests;
