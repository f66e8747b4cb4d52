//! What is run: schedules of every kind of overlap, and the workflows that they start.

use std::time::Duration;

use sagaline_broker::worker::Ended;
use sagaline_events::Task;
use sagaline_model::{Every, Moment, Name, Overlap, ScheduleSpec, Span, When};
use sagaline_testkit::sim::Dice;
use serde_json::json;

/// One that is over at once, one that works, and one that takes longer than its next tick may.
pub(crate) const WORKFLOWS: [&str; 3] = [
    "workflow: note\nsteps:\n  note: { set: { at: \"${ trigger.data.scheduled_at }\" } }\n",
    "workflow: work\nsteps:\n  work: { activity: work, retry: 5 }\n",
    "workflow: nap\nsteps:\n  nap: { wait: 14s }\n  work: { after: nap, activity: work, retry: 5 }\n",
];

/// The harsh time is over by then; what people do, too.
pub(crate) const TICKS_FOR: Duration = Duration::from_secs(260);

const OVERLAPS: [Overlap; 4] = [Overlap::Allow, Overlap::Skip, Overlap::QueueOne, Overlap::CancelRunning];

/// Two of each kind of overlap.
pub(crate) const SCHEDULES: u32 = 8;

pub(crate) fn name_of(number: u32) -> String {
    format!("s{number}")
}

pub(crate) fn names() -> impl Iterator<Item = String> {
    (0..SCHEDULES).map(name_of)
}

/// Some other one each time, of the same overlap.
pub(crate) fn spec(number: u32, dice: &mut Dice, until: Moment) -> ScheduleSpec {
    let overlap = OVERLAPS[number as usize % OVERLAPS.len()];
    let workflow = match overlap {
        Overlap::Allow => ["note", "work"][dice.below(2)],
        Overlap::Skip | Overlap::QueueOne | Overlap::CancelRunning => ["nap", "work", "note"][dice.below(3)],
    };
    let period = Span::from_secs(9 + dice.below(16) as u64);
    let offset = Some(Span::from_millis(dice.below(3_000) as u64));
    let when = When { every: Some(Every { period, anchor: None, offset }), end_at: Some(until), ..When::default() };
    let catch_up = dice.chance(250).then(|| Span::from_secs(5));
    ScheduleSpec { overlap, catch_up, ..ScheduleSpec::of(Name::new(workflow).expect("a name"), when) }
}

pub(crate) fn activity(_seed: u64, _task: &Task) -> Ended {
    Ended::Succeeded(json!(null))
}
