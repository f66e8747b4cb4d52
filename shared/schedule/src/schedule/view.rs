//! What is seen of it from outside.

use sagaline_events::{
    ScheduleView,
    schedule_view::{Paused, UPCOMING_SHOWN},
};

use super::{Pause, Schedule};

impl Schedule {
    /// How it stands; nothing, if it is not there.
    pub fn view(&self) -> Option<ScheduleView> {
        let known = self.known()?;
        Some(ScheduleView {
            name: self.name.clone(),
            spec: known.spec.clone(),
            created_at: known.created_at,
            definition: self.defined.filter(|_| known.is_defined),
            next: self.upcoming().take(UPCOMING_SHOWN).collect(),
            last: known.tally.last.clone(),
            running: known.running.keys().cloned().collect(),
            waiting: known.waiting.as_ref().map(|waiting| waiting.tick.at),
            paused: known.paused.clone().map(|Pause { at, note, by }| Paused { at, note, by }),
            left: known.left,
            fired: known.tally.fired,
            skipped: known.tally.skipped,
            finished: self.is_over(),
            backfilled: known.tally.backfilled.clone(),
            // That is not the schedule's own: who asks its owner is told.
            no_room: None,
        })
    }
}
