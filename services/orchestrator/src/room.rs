//! What this process does with the word on room: a metric for people, and a hint for its owners.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sagaline_broker::{
    names::Names,
    nats::room::RoomWatcher,
    ports::Bucket,
    room::{Admission, SNAPSHOTS_SPARED_FROM_PERCENT},
};
use sagaline_telemetry::metrics;

/// Hears the word.
pub(crate) struct Room {
    snapshots: String,
    /// Whether the owners here are to spare the bucket of snapshots.
    spare: Arc<AtomicBool>,
}

impl Room {
    pub(crate) fn new(names: &Names) -> Self {
        Self { snapshots: names.bucket_stream(Bucket::Executions), spare: Arc::default() }
    }

    /// For the owners.
    pub(crate) fn spare(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.spare)
    }
}

impl RoomWatcher for Room {
    fn admission(&mut self, word: &Admission) {
        let full = word.closed.get(&self.snapshots).copied().unwrap_or(0);
        self.spare.store(SNAPSHOTS_SPARED_FROM_PERCENT <= full, Ordering::Relaxed);
        let fullest = word.fullest.as_ref().map_or(0, |fill| fill.percent);
        metrics::starts_admitted(word.is_open(), fullest as f64 / 100.0);
    }
}
