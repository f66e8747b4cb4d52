//! What the shell reports, as readiness and metrics.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use sagaline_broker::{names::LogKind, nats::shell::Report, owner::Halt};
use sagaline_telemetry::{
    health::{Health, Part},
    metrics,
};

/// The parts of a service that owns partitions of logs of one kind.
pub struct Presence {
    kind: LogKind,
    health: Health,
    /// Whether this process can take its share. With nothing to own it is ready all the same.
    share: Part,
    /// The partitions that are owned here, each as ready as its owner.
    owned: Mutex<BTreeMap<u32, Part>>,
}

impl Presence {
    pub fn new(kind: LogKind, health: Health) -> Self {
        let share = health.part("partitions");
        Self { kind, health, share, owned: Mutex::default() }
    }

    /// That of one partition.
    pub fn part(&self, partition: u32) -> Part {
        let mut owned = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
        owned.entry(partition).or_insert_with(|| self.health.part(&format!("partition.{partition}"))).clone()
    }

    fn forget(&self, partition: u32) {
        let part = self.owned.lock().unwrap_or_else(PoisonError::into_inner).remove(&partition);
        if let Some(part) = part {
            part.remove();
        }
    }

    pub fn report(&self, report: &Report<'_>) {
        match report {
            Report::Taken(partition) => self.part(*partition).not_ready("recovers"),
            Report::LetGo { partition, halt } => {
                self.forget(*partition);
                metrics::let_go_of_partition(self.kind.service(), how(halt));
            }
            Report::Hangs { partition } => {
                let part = self.health.part(&format!("partition.{partition}.thread"));
                part.not_ready("it hangs; only a restart of this process ends it");
            }
            Report::Looked { owned, .. } => {
                metrics::partitions_owned(self.kind.service(), *owned);
                self.share.ready();
            }
            Report::Blind(failure) => self.share.not_ready(failure.to_string()),
        }
    }
}

fn how(halt: &Halt) -> &'static str {
    match halt {
        Halt::Stopped => "handed_over",
        Halt::Fenced | Halt::LeaseLost => "lost",
        Halt::Restart(_) | Halt::Failed(_) => "failed",
    }
}
