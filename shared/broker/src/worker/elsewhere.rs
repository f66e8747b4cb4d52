//! What other workers are at work on, as they say themselves.
//!
//! A server that was killed forgets what it delivered last, and gives it to somebody else as a first delivery. Whoever had it is at
//! work on it, or has its result, and could not store that while the server was away. So workers that get a connection back tell
//! each other what they hold, and a task from before that is left to whoever holds it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use sagaline_events::{Held, Task};

use super::running::lock;

/// The attempts that others hold. One value serves a whole worker.
#[derive(Debug, Default)]
pub struct Elsewhere(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    /// When each was told of last, by the boot clock.
    held: HashMap<Held, Duration>,
    newest: Duration,
}

impl Elsewhere {
    /// Another worker says at `now` that it holds these.
    pub fn hear(&self, held: impl IntoIterator<Item = Held>, now: Duration) {
        let mut heard = self.heard();
        for held in held {
            heard.held.insert(held, now);
            heard.newest = now;
        }
    }

    /// Whether another worker said so of this attempt, no longer ago than `within`.
    pub(super) fn holds(&self, task: &Task, now: Duration, within: Duration) -> bool {
        let mut heard = self.heard();
        if heard.held.is_empty() {
            return false;
        }
        if heard.newest + within < now {
            heard.held = HashMap::new();
            return false;
        }
        let asked = Held { execution: task.execution.clone(), path: task.path.clone(), attempt: task.attempt };
        heard.held.get(&asked).is_some_and(|told| now <= *told + within)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        lock(&self.0)
    }
}
