//! Streams and buckets: which are there, how full they are, who leads them, which replicas keep up.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use sagaline_broker::{names::Names, nats};
use sagaline_model::{Moment, Name};

use super::api::{self, Listed, ListedStream};

/// One stream or bucket that an installation should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFacts {
    pub name: String,
    pub kind: StreamKind,
    pub found: Found,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// The log of a partition.
    Log(u32),
    Queue(Name),
    /// One of a kind, a bucket, or the store of large payloads.
    Single,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Absent,
    /// It exists, and nobody answers for it: it has no leader.
    Silent,
    There(StreamState),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamState {
    pub messages: u64,
    pub bytes: u64,
    /// Nothing: without a limit of its own.
    pub bytes_max: Option<u64>,
    /// At its limit it drops its oldest messages; the others refuse new ones.
    pub drops_oldest: bool,
    /// Kept in memory only.
    pub in_memory: bool,
    pub first: u64,
    pub last: u64,
    pub last_at: Option<Moment>,
    /// How many nodes should hold it.
    pub copies: usize,
    pub leader: Option<String>,
    /// The nodes that follow the leader.
    pub replicas: Vec<Replica>,
    /// What is not as it is declared, in words.
    pub differs: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replica {
    pub node: String,
    pub current: bool,
    pub offline: bool,
    /// Operations that it is behind.
    pub lag: u64,
    /// How long the leader has not heard of it.
    pub unheard_for: Duration,
}

impl StreamFacts {
    pub fn state(&self) -> Option<&StreamState> {
        match &self.found {
            Found::There(state) => Some(state),
            Found::Absent | Found::Silent => None,
        }
    }
}

/// How many logs there are, counted from 0 on.
pub(super) fn logs(names: &Names, listed: &Listed) -> u32 {
    let there = |name: &str| {
        listed.streams.iter().any(|stream| stream.config.name == name) || listed.silent.iter().any(|it| it == name)
    };
    // One may be what is missing: the last one that is there counts.
    (0..1024).rev().find(|partition| there(&names.runs(*partition))).map_or(0, |last| last + 1)
}

/// The queues that have a stream.
pub(super) fn queues(names: &Names, listed: &Listed) -> Vec<Name> {
    let all = listed.streams.iter().map(|stream| &stream.config.name).chain(&listed.silent);
    all.filter_map(|stream| Name::new(api::queue_of(names, stream)?).ok()).collect()
}

pub(super) fn facts(names: &Names, listed: &Listed, partitions: u32, queues: &[Name]) -> Vec<StreamFacts> {
    let wanted = nats::expected(names, partitions, queues);
    wanted.iter().map(|wanted| one(names, listed, partitions, wanted)).collect()
}

fn one(names: &Names, listed: &Listed, partitions: u32, wanted: &Config) -> StreamFacts {
    let name = wanted.name.clone();
    let log = (0..partitions).find(|partition| names.runs(*partition) == name);
    let queue = || Name::new(api::queue_of(names, &name)?).ok();
    let kind = log.map(StreamKind::Log).or_else(|| queue().map(StreamKind::Queue)).unwrap_or(StreamKind::Single);
    let found = match listed.streams.iter().find(|stream| stream.config.name == name) {
        Some(stream) => Found::There(state(stream, wanted)),
        None if listed.silent.contains(&name) => Found::Silent,
        None => Found::Absent,
    };
    StreamFacts { name, kind, found }
}

fn state(stream: &ListedStream, wanted: &Config) -> StreamState {
    let ListedStream { config, state, cluster } = stream;
    let cluster = cluster.clone().unwrap_or_default();
    let replicas = cluster.replicas.into_iter().map(|peer| Replica {
        node: peer.name,
        current: peer.current,
        offline: peer.offline,
        lag: peer.lag,
        unheard_for: Duration::from_nanos(peer.active),
    });
    StreamState {
        messages: state.messages,
        bytes: state.bytes,
        bytes_max: u64::try_from(config.max_bytes).ok().filter(|max| 0 < *max),
        drops_oldest: config.discard == DiscardPolicy::Old,
        in_memory: config.storage == StorageType::Memory,
        first: state.first_seq,
        last: state.last_seq,
        last_at: state.last_ts,
        copies: config.num_replicas.max(1),
        leader: cluster.leader.filter(|leader| !leader.is_empty()),
        replicas: replicas.collect(),
        differs: nats::differs(config, wanted),
    }
}
