//! What other workers are at work on, as they say themselves.
//!
//! A server that was killed forgets what it delivered last, and a consumer without a leader hears no sign of life: both give it to
//! somebody else. Whoever had it is at work on it, or has its result, and could not store that meanwhile. So workers that get a
//! connection back tell each other what they hold, and a task from before that is left to whoever holds it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use sagaline_events::{Held, Task};

use super::running::lock;

/// What was said longer ago than this does not count, however long the server waits for a sign of life.
const KEPT: Duration = Duration::from_secs(60);

/// The attempts that others hold. One value serves a whole worker.
#[derive(Debug, Default)]
pub struct Elsewhere(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    /// When each was told of last, by the boot clock.
    told: HashMap<Held, Duration>,
    /// When what is old is forgotten next.
    sweep: Duration,
}

impl Elsewhere {
    /// Another worker says at `now` that it holds these.
    pub fn hear(&self, held: impl IntoIterator<Item = Held>, now: Duration) {
        let mut heard = self.heard();
        if heard.sweep <= now {
            heard.told.retain(|_, told| now <= *told + KEPT);
            heard.sweep = now + KEPT;
        }
        heard.told.extend(held.into_iter().map(|held| (held, now)));
    }

    /// Whether another worker said so of this attempt, no longer ago than `within`.
    pub(super) fn holds(&self, task: &Task, now: Duration, within: Duration) -> bool {
        let heard = self.heard();
        if heard.told.is_empty() {
            return false;
        }
        let asked = Held { execution: task.execution.clone(), path: task.path.clone(), attempt: task.attempt };
        heard.told.get(&asked).is_some_and(|told| now <= *told + within.min(KEPT))
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use sagaline_model::ExecutionId;

    use super::*;

    #[test]
    fn what_was_told_long_ago_takes_no_room() {
        let elsewhere = Elsewhere::default();
        for minute in 0..100 {
            let of_this = (0..1000).map(|number| Held {
                execution: ExecutionId::new(format!("order-{minute}-{number}")).expect("an id"),
                path: "charge".to_owned().try_into().expect("a path"),
                attempt: 1,
            });
            elsewhere.hear(of_this, Duration::from_secs(60) * minute);
            assert!(elsewhere.heard().told.len() <= 3000, "in minute {minute}");
        }
    }
}
