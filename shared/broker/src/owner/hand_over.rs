//! Handing over: an owner that was told to stop takes nothing new, saves what makes the next recovery short, and lets go.
//!
//! Nothing depends on it. What is in flight has a name and is done again by the next owner; what is not saved is folded again. So it
//! is bounded in time: the partition stands still meanwhile.

use std::{sync::Arc, time::Duration};

use sagaline_events::ask::{Answer, Ask};
use sagaline_model::StepError;

use super::{Owner, Watcher, slot::Saving};
use crate::{
    machine::Machine,
    ports::{Asker, Event, Ports},
};

/// How long snapshots are still begun: time for some ten thousand.
const SAVE_FOR: Duration = Duration::from_secs(1);
/// How long is waited for what is in flight.
const LET_GO_AFTER: Duration = Duration::from_millis(1500);
/// Time for the last answers to be written.
const GOODBYE: Duration = Duration::from_millis(20);

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    pub(super) fn begin_hand_over(&mut self) {
        if self.stopping.is_none() {
            self.stopping = Some(self.ports.boot());
            for (ask, asker) in self.questions.unanswered() {
                self.turn_away(&ask, asker);
            }
        }
    }

    /// A worker that waits for an answer would wait until its request expires; told at once, it asks the next owner.
    pub(super) fn turn_away(&mut self, ask: &Ask, asker: Asker) {
        if matches!(ask, Ask::Wanted { .. }) {
            let why = format!("partition {} is being handed over; ask again", self.settings.partition);
            self.ports.answer(asker, &Answer::Refused(StepError::new("HandedOver", why)));
        }
    }

    /// After each round of an owner that was told to stop: saves what has settled. Whether there is nothing more to wait for.
    pub(super) fn is_handed_over(&mut self) -> bool {
        let Some(begun) = self.stopping else { return false };
        let now = self.ports.boot();
        if begun + LET_GO_AFTER <= now {
            return true;
        }
        if now < begun + SAVE_FOR {
            self.save_what_has_settled();
        }
        // It moves in one step if all can be saved, and as far as it can if not.
        self.checkpoint_at = Duration::ZERO;
        self.write_checkpoint(now);
        self.outbox.len() == 0
    }

    /// What was answered last must be on its way before the connection ends.
    pub(super) async fn say_goodbye(&mut self) {
        let until = self.ports.boot() + GOODBYE;
        let mut events = vec![];
        while self.ports.boot() < until {
            self.ports.events(false, until, &mut events).await;
            for event in events.drain(..) {
                if let Event::Asked(ask, asker) = event {
                    self.turn_away(&ask, asker);
                }
            }
        }
    }

    /// Oldest first: they hold the checkpoint.
    fn save_what_has_settled(&mut self) {
        let room = self.settings.in_flight.saturating_sub(self.outbox.len());
        let has_settled = |key: &Arc<str>| {
            let slot = self.slots.get(key);
            slot.is_some_and(|slot| slot.pending == 0 && slot.saving == Saving::Nothing)
        };
        let settled = self.cover.oldest().map(|(_, key)| key).filter(|key| has_settled(key));
        let settled: Vec<Arc<str>> = settled.take(room).cloned().collect();
        for key in settled {
            self.save(&key);
        }
    }
}
