//! The orchestrator as the shell sees it: executions are its machine, and what the shell reports becomes readiness and metrics.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

use sagaline_broker::{
    names::{LogKind, Names},
    nats::shell::{Report, Service},
    owner::{Halt, Settings as OwnerSettings},
};
use sagaline_telemetry::{
    health::{Health, Part},
    metrics,
};

use crate::{Settings, machine::Executions, watch::Watch};

pub(crate) struct Orchestrator {
    settings: Settings,
    partitions: u32,
    health: Health,
    /// Whether owners are to spare the bucket of snapshots.
    spare_snapshots: Arc<AtomicBool>,
    /// Whether this process can take its share. With nothing to own it is ready all the same.
    share: Part,
    /// The partitions that are owned here, each as ready as its owner.
    owned: Mutex<BTreeMap<u32, Part>>,
}

impl Orchestrator {
    pub(crate) fn new(settings: Settings, partitions: u32, health: Health, spare_snapshots: Arc<AtomicBool>) -> Self {
        let share = health.part("partitions");
        Self { settings, partitions, health, spare_snapshots, share, owned: Mutex::default() }
    }

    fn part(&self, partition: u32) -> Part {
        let mut owned = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
        owned.entry(partition).or_insert_with(|| self.health.part(&format!("partition.{partition}"))).clone()
    }

    fn forget(&self, partition: u32) {
        let part = self.owned.lock().unwrap_or_else(PoisonError::into_inner).remove(&partition);
        if let Some(part) = part {
            part.remove();
        }
    }
}

impl Service for Orchestrator {
    type Machine = Executions;
    type Watcher = Watch;

    const LOG: LogKind = LogKind::Runs;

    fn machine(&self, names: Names, partition: u32) -> Executions {
        Executions::new(names, partition, self.partitions)
    }

    fn watcher(&self, partition: u32) -> Watch {
        Watch::new(partition, self.part(partition))
    }

    fn tune(&self, settings: &mut OwnerSettings) {
        settings.look_again_after = self.settings.look_again_after;
        settings.rest_after = self.settings.rest_after;
        settings.history = self.settings.history;
        settings.history_subjects = self.settings.history_subjects;
        settings.spare_snapshots = Arc::clone(&self.spare_snapshots);
    }

    fn report(&self, report: &Report<'_>) {
        match report {
            Report::Taken(partition) => self.part(*partition).not_ready("recovers"),
            Report::LetGo { partition, halt } => {
                self.forget(*partition);
                metrics::let_go_of_partition(Self::LOG.service(), how(halt));
            }
            Report::Hangs { partition } => {
                let part = self.health.part(&format!("partition.{partition}.thread"));
                part.not_ready("it hangs; only a restart of this process ends it");
            }
            Report::Looked { owned, .. } => {
                metrics::partitions_owned(Self::LOG.service(), *owned);
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
