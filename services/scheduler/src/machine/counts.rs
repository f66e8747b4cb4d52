//! What is counted of schedules.

use sagaline_events::ScheduleHappening;
use sagaline_model::Moment;
use sagaline_schedule::Effect;
use sagaline_telemetry::metrics;

pub(super) fn count(effects: &[Effect], at: Moment) {
    for effect in effects {
        let Effect::Tell(happening) = effect else { continue };
        match happening {
            ScheduleHappening::Fired { tick, .. } => metrics::schedule_fired(at.since(*tick).into()),
            ScheduleHappening::Skipped { count, .. } => metrics::schedule_skipped(*count),
            ScheduleHappening::Paused { .. }
            | ScheduleHappening::Resumed { .. }
            | ScheduleHappening::Changed { .. } => {}
        }
    }
}
