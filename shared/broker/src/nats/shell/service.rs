//! What a service brings to the shell, and what the shell tells it.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    machine::Machine,
    names::{LogKind, Names},
    owner::{Halt, Settings as OwnerSettings, Watcher},
    ports::Failure,
};

/// A service that owns partitions.
pub trait Service: Send + Sync + 'static {
    type Machine: Machine + 'static;
    type Watcher: Watcher + 'static;

    /// What its logs are about.
    const LOG: LogKind;

    fn machine(&self, names: Names, partition: u32) -> Self::Machine;

    fn watcher(&self, partition: u32) -> Self::Watcher;

    /// Changes what an owner goes by.
    fn tune(&self, _settings: &mut OwnerSettings) {}

    /// For metrics and readiness. Never decides anything.
    fn report(&self, _report: &Report<'_>) {}
}

/// What the shell tells its service.
#[derive(Clone, Copy, Debug)]
pub enum Report<'a> {
    /// The lease of a partition is ours; its owner begins to recover.
    Taken(u32),
    /// A partition is not owned here any more.
    LetGo { partition: u32, halt: &'a Halt },
    /// The thread of a partition hangs: the partition is let go of, the thread cannot be.
    Hangs { partition: u32 },
    /// It was seen who is there, and done what follows: what is owned here, and what nobody owns at this time.
    Looked { members: usize, owned: &'a BTreeSet<u32>, free: &'a BTreeSet<u32> },
    /// Nothing is known of the others.
    Blind(&'a Failure),
}

/// How a shell runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Each partition has a connection of its own.
    pub nats_url: String,
    pub partitions: u32,
    /// An owner whose thread shows no sign of life for so long is replaced.
    pub hangs_after: Duration,
}

impl Settings {
    pub fn new(nats_url: impl Into<String>, partitions: u32) -> Self {
        Self { nats_url: nats_url.into(), partitions, hangs_after: Duration::from_secs(10) }
    }
}
