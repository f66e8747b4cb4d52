//! The orchestrator as the shell sees it: executions are its machine, and what the shell reports becomes readiness and metrics.

use std::sync::{Arc, atomic::AtomicBool};

use sagaline_broker::{
    names::{LogKind, Names},
    nats::shell::{Report, Service},
    owner::Settings as OwnerSettings,
};
use sagaline_owning::{Presence, Watch};
use sagaline_telemetry::health::Health;

use crate::{Settings, machine::Executions};

pub(crate) struct Orchestrator {
    settings: Settings,
    partitions: u32,
    presence: Presence,
    /// Whether owners are to spare the bucket of snapshots.
    spare_snapshots: Arc<AtomicBool>,
}

impl Orchestrator {
    pub(crate) fn new(settings: Settings, partitions: u32, health: Health, spare_snapshots: Arc<AtomicBool>) -> Self {
        Self { settings, partitions, presence: Presence::new(Self::LOG, health), spare_snapshots }
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
        Watch::new(Self::LOG, partition, self.presence.part(partition))
    }

    fn tune(&self, settings: &mut OwnerSettings) {
        settings.look_again_after = self.settings.look_again_after;
        settings.rest_after = self.settings.rest_after;
        settings.history = self.settings.history;
        settings.history_subjects = self.settings.history_subjects;
        settings.spare_snapshots = Arc::clone(&self.spare_snapshots);
    }

    fn report(&self, report: &Report<'_>) {
        self.presence.report(report);
    }
}
