//! Which ticks have fired: one fires once for ever, whatever is asked later.
//!
//! Ticks that fired one after the other are one *run*, so that a schedule that always fires remembers two moments. Only so many
//! runs are kept; of what lies before them nobody knows any more which fired, and so all of it counts as fired.

use sagaline_model::Moment;
use serde::{Deserialize, Serialize};

use crate::Pattern;

/// Each is made by a tick that did not fire, or by a backfill.
const RUNS_MOST: usize = 128;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Every tick up to here is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided: Option<Moment>,
    /// What lies up to here counts as fired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blurred: Option<Moment>,
    /// The first and the last tick of each, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    runs: Vec<(Moment, Moment)>,
    /// When somebody last asked for one besides the ticks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<Moment>,
}

impl Memory {
    pub(super) fn decided(&self) -> Moment {
        self.decided.unwrap_or(Moment::from_nanos(i64::MIN))
    }

    /// It never goes back.
    pub(super) fn decide(&mut self, up_to: Moment) {
        self.decided = self.decided.max(Some(up_to));
    }

    pub(super) fn has_fired(&self, tick: Moment) -> bool {
        Some(tick) <= self.blurred || self.is_in_run(tick)
    }

    /// It has fired for certain.
    pub(super) fn is_in_run(&self, tick: Moment) -> bool {
        let run = self.runs.partition_point(|(first, _)| *first <= tick).checked_sub(1).map(|place| self.runs[place]);
        run.is_some_and(|(_, last)| tick <= last)
    }

    /// It joins the runs between which there is no other tick.
    pub(super) fn fire(&mut self, tick: Moment, pattern: &Pattern) {
        let place = self.runs.partition_point(|(first, _)| *first <= tick);
        let follows = place.checked_sub(1).is_some_and(|run| pattern.named_after(self.runs[run].1) == Some(tick));
        let leads = self.runs.get(place).is_some_and(|(first, _)| pattern.named_after(tick) == Some(*first));
        match (follows, leads) {
            (true, true) => {
                let (_, last) = self.runs.remove(place);
                self.runs[place - 1].1 = last;
            }
            (true, false) => self.runs[place - 1].1 = tick,
            (false, true) => self.runs[place].0 = tick,
            (false, false) => self.runs.insert(place, (tick, tick)),
        }
        if RUNS_MOST < self.runs.len() {
            let (_, last) = self.runs.remove(0);
            self.blurred = self.blurred.max(Some(last));
        }
    }

    /// Of what lies up to here no more is known than that it counts as fired.
    pub(super) fn blur(&mut self, up_to: Moment) {
        self.decide(up_to);
        self.blurred = self.blurred.max(Some(up_to));
        self.runs.clear();
    }

    /// Somebody asks for one besides the ticks. The moment that stands for it, in which nobody asked yet: now, or a bit later.
    pub(super) fn ask(&mut self, now: Moment) -> Moment {
        let at = self.asked.map_or(now, |asked| now.max(Moment::from_nanos(asked.as_nanos() + 1)));
        self.asked = Some(at);
        at
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
