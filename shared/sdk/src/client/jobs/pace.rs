//! What the settings of queues ask of jobs, kept for a moment: thousands of submits a second read it once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sagaline_model::{Gate, Name};

const FRESH_FOR: Duration = Duration::from_secs(2);

/// Clones share what was read.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct QueueGates {
    known: Arc<Mutex<HashMap<Name, Read>>>,
}

#[derive(Debug)]
struct Read {
    at: Instant,
    gates: Vec<Gate>,
}

impl QueueGates {
    pub(super) fn fresh(&self, queue: &Name) -> Option<Vec<Gate>> {
        self.known().get(queue).filter(|read| read.at.elapsed() < FRESH_FOR).map(|read| read.gates.clone())
    }

    pub(super) fn has_met(&self, queue: &Name) -> bool {
        self.known().contains_key(queue)
    }

    pub(super) fn learn(&self, queue: &Name, gates: &[Gate]) {
        self.known().insert(queue.clone(), Read { at: Instant::now(), gates: gates.to_vec() });
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Name, Read>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
