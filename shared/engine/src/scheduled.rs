//! An execution that a schedule started: that it has ended, it tells a schedule that waits for it, and one that asks.

use sagaline_events::{Start, input::Scheduled};
use sagaline_model::{ExecutionId, Name};

use crate::{
    effect::Effect,
    state::{Execution, Over, Stage},
};

impl Over {
    /// All that is said to those who wait for it, now that it has ended.
    pub(crate) fn tell_who_waits(&self, id: &ExecutionId) -> Vec<Effect> {
        self.tell_parent(id).into_iter().chain(tells(self.schedule.as_deref(), false)).collect()
    }
}

/// What is said to the schedule behind a start, if that wants to know.
pub(crate) fn tells(scheduled: Option<&Scheduled>, again: bool) -> Option<Effect> {
    let scheduled = scheduled.filter(|scheduled| scheduled.tell)?;
    Some(Effect::TellSchedule { schedule: scheduled.by.clone(), again })
}

/// A schedule asks for one that runs, or will. It is told in the end; only who has nothing to do with it is told at once, for it would
/// wait for ever.
pub(crate) fn told_to_a_stranger(scheduled: Option<&Scheduled>, asks: &Name) -> Option<Effect> {
    let waits = scheduled.is_some_and(|scheduled| scheduled.tell && scheduled.by == *asks);
    (!waits).then(|| Effect::TellSchedule { schedule: asks.clone(), again: true })
}

/// It is asked for again: by a second start of it, too.
pub(crate) fn told_by_start(start: &Start) -> Option<Effect> {
    tells(start.schedule.as_deref(), true)
}

impl Execution {
    /// The schedules that asked for it while nothing is known of it here.
    pub fn asked_by_schedules(&self) -> impl Iterator<Item = &Name> {
        let asked = match &self.stage {
            Stage::Unborn(early) => early.schedules.as_slice(),
            Stage::Unbound { .. } | Stage::Running(_) | Stage::Over(_) | Stage::Parked { .. } => &[],
        };
        asked.iter().map(|(_, schedule)| schedule)
    }
}
