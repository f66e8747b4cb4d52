//! How many steps of an execution may have an attempt at work at once, and who waits for another to be done.

use serde::{Deserialize, Serialize};

use super::Run;

/// The limit of an execution that has one. Those that wait are in the index, by their tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots {
    pub limit: u32,
    /// The number of the last ticket: whoever came first is served first.
    #[serde(default)]
    pub tickets: u64,
}

impl Slots {
    /// What somebody waits for who waits for a slot.
    pub(crate) fn told(self) -> String {
        format!("it waits for a slot: step_concurrency is {}", self.limit)
    }
}

impl Run {
    /// Whether another attempt may be handed over at once: there is a slot, and nobody waits for it.
    pub(crate) fn has_a_slot(&self) -> bool {
        self.slots.is_none_or(|slots| self.index.queued.is_empty() && self.index.at_work < slots.limit as usize)
    }

    /// A place at the end of the line.
    pub(crate) fn next_ticket(&mut self) -> u64 {
        let Some(slots) = &mut self.slots else { return 0 };
        slots.tickets += 1;
        slots.tickets
    }

    /// Who has a slot now, of those that wait for one. Nobody while it is paused.
    pub(crate) fn is_next(&self) -> Option<&sagaline_events::FramePath> {
        let is_free = self.slots.is_none_or(|slots| self.index.at_work < slots.limit as usize);
        self.index.queued.first().filter(|_| is_free && self.paused.is_none()).map(|(_, path)| path)
    }
}
