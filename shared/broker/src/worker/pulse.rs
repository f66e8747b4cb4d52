//! Signs of life of a running attempt, for tasks that must give some. What a worker that died held goes to another worker by itself;
//! this is for an activity that hangs in a worker that lives.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sagaline_model::Span;

use super::TaskPorts;

/// How often signs are looked for within the limit.
const LOOKS: u32 = 4;

/// How often an attempt has shown that it is alive. Clones speak of the same attempt.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// The attempt is alive.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends when there was no sign of life for that long; never without a limit. Signs are looked for several times within the
    /// limit, so it may end later than that by a fraction of it.
    pub(super) async fn stops<P: TaskPorts>(&self, ports: &P, limit: Option<Span>) -> Span {
        let Some(limit) = limit else { return std::future::pending().await };
        let look_every = Duration::from(limit) / LOOKS;
        let (mut seen, mut silent) = (self.count(), 0);
        while silent < LOOKS {
            ports.pause(look_every).await;
            let count = self.count();
            silent = if count == seen { silent + 1 } else { 0 };
            seen = count;
        }
        limit
    }
}
