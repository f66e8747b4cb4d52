//! Setting a schedule aside that a defect of ours, or a lost snapshot, has stopped: people see it, and nothing fires twice.

use std::collections::BTreeMap;

use sagaline_events::{ScheduleHappening, ScheduleView};
use sagaline_model::{Moment, Name};

use super::{Known, Pause, Schedule, Stage, memory::Memory, tally::Tally};

impl Schedule {
    /// What is left of one of which only `view` is known: it is paused, and all that lies before now counts as fired. Without a view it
    /// counts as deleted.
    pub fn set_aside(name: Name, view: Option<&ScheduleView>, cause: String, at: Moment) -> Self {
        let mut memory = Memory::default();
        memory.blur(at);
        let aside = Self { now: at, memory, stage: Stage::Deleted, ..Self::new(name) };
        let Some(view) = view else { return aside.armed() };
        let paused = Some(Pause { at, note: Some(format!("set aside: {cause}")), by: None });
        let known = Known {
            spec: view.spec.clone(),
            created_at: view.created_at,
            since: view.created_at,
            left: view.left,
            paused,
            running: BTreeMap::new(),
            waiting: None,
            is_defined: view.definition.is_some(),
            tally: Tally {
                fired: view.fired,
                skipped: view.skipped,
                last: view.last.clone(),
                backfilled: view.backfilled.clone(),
            },
        };
        let json =
            Self { stage: Stage::Known(Box::new(known)), defined: view.definition, ..aside.clone() }.to_snapshot();
        // A pattern that makes no sense would have been refused when it was made known.
        Self::from_snapshot(&json).unwrap_or_else(|_| aside.armed())
    }

    /// How it stands, for those who follow: after it was set aside.
    pub fn told_anew(&self) -> Option<ScheduleHappening> {
        let Pause { note, by, .. } = self.paused()?.clone();
        Some(ScheduleHappening::Paused { note, by })
    }

    fn armed(mut self) -> Self {
        self.arm();
        self
    }
}
