//! The scheduler as the shell sees it: schedules are its machine, and what the shell reports becomes readiness and metrics.

use std::sync::Arc;

use sagaline_broker::{
    names::{LogKind, Names},
    nats::shell::{Report, Service},
    owner::Settings as OwnerSettings,
};
use sagaline_owning::{Presence, Watch};
use sagaline_telemetry::health::Health;

use crate::{Settings, machine::Schedules, room::Room};

pub(crate) struct Scheduler {
    settings: Settings,
    partitions: u32,
    presence: Presence,
    room: Room,
}

impl Scheduler {
    pub(crate) fn new(settings: Settings, partitions: u32, health: Health, room: Room) -> Self {
        Self { settings, partitions, presence: Presence::new(Self::LOG, health), room }
    }
}

impl Service for Scheduler {
    type Machine = Schedules;
    type Watcher = Watch;

    const LOG: LogKind = LogKind::Schedules;

    fn machine(&self, names: Names, partition: u32) -> Schedules {
        Schedules::new(names, partition, self.partitions).seen_with(self.room.clone())
    }

    fn watcher(&self, partition: u32) -> Watch {
        Watch::new(Self::LOG, partition, self.presence.part(partition))
    }

    fn tune(&self, settings: &mut OwnerSettings) {
        self.settings.tune(settings);
        settings.hold_timers = Arc::clone(&self.room.hold);
        settings.spare_snapshots = Arc::clone(&self.room.spare);
    }

    fn report(&self, report: &Report<'_>) {
        self.presence.report(report);
    }
}
