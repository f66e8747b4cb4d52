//! What is counted of schedules.

use sagaline_events::ScheduleHappening;
use sagaline_model::Moment;
use sagaline_schedule::{Effect, Schedule};
use sagaline_telemetry::metrics;

/// `decided`: up to when everything was decided before. What had waited for an execution to end, or for somebody to ask for it, is not
/// late; nor is jitter.
pub(super) fn count(effects: &[Effect], state: &Schedule, decided: Moment, at: Moment) {
    for effect in effects {
        let Effect::Tell(happening) = effect else { continue };
        match happening {
            ScheduleHappening::Fired { tick, .. } => {
                let late = (decided < *tick).then(|| at.since(state.due(*tick)).into());
                metrics::schedule_fired(late);
            }
            ScheduleHappening::Skipped { count, .. } => metrics::schedule_skipped(*count),
            ScheduleHappening::Paused { .. }
            | ScheduleHappening::Resumed { .. }
            | ScheduleHappening::Changed { .. } => {}
        }
    }
}
