//! A step of which nobody knew whether it had its effect has succeeded after all.

use sagaline_events::saga::{Late, UndoOutcome};
use serde_json::Value;

use crate::{
    apply::Turn,
    state::{Entry, State},
};

impl Entry {
    /// Whether a success of its step may be heard of that nobody knows of.
    pub(crate) fn may_be_heard_of(&self) -> bool {
        self.step.outcome == UndoOutcome::Unknown
    }
}

impl Turn<'_> {
    pub(crate) fn heard_late(&mut self, late: &Late) {
        let Some(place) = self.work.index.place_of(&late.path) else { return };
        let entry = &mut self.work.entries[place];
        // Each attempt is heard of once, however often it is told. What was known before is undone already.
        if !entry.may_be_heard_of() || entry.heard.contains(&late.attempt) {
            return;
        }
        entry.heard.push(late.attempt);
        entry.learn(&late.output);
        match &entry.state {
            State::Pending => {}
            // It may have undone something before that was there. Once it has ended, all of it is done once more.
            State::Scheduled { .. } | State::Running { .. } | State::BackingOff { .. } | State::Snoozed { .. } => {
                entry.once_more = true;
            }
            // Somebody has to help, and then all of it is done.
            State::Stuck { .. } => entry.once_more = true,
            State::Compensated | State::Skipped => self.begin_once_more(place),
        }
    }

    /// From its first action on, under another idempotency key.
    pub(crate) fn begin_once_more(&mut self, place: usize) {
        let entry = &mut self.work.entries[place];
        entry.once_more = false;
        entry.round += 1;
        (entry.action, entry.failures, entry.error, entry.passed) = (0, 0, None, false);
        self.set(place, State::Pending);
    }
}

impl Entry {
    /// What the step gave is known now: inputs that are what is known of the step say so.
    fn learn(&mut self, output: &Value) {
        for action in &mut self.step.actions {
            if let (true, Value::Object(known)) = (action.default_input, &mut action.input) {
                known.insert("output".to_owned(), output.clone());
                known.insert("outcome".to_owned(), "completed".into());
                known.insert("error".to_owned(), Value::Null);
            }
        }
    }
}
