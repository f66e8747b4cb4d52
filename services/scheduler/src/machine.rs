//! Schedules as the state machine of a partition: entries to inputs, effects to acts.
//!
//! What fires when is decided in `sagaline-schedule`; here its effects get their names on the wire. No clock, and no I/O but to count
//! and to log.

mod acts;
mod counts;

use std::sync::Arc;

use bytes::Bytes;
use sagaline_broker::{
    machine::{Act, Listed, Machine, Need, Origin, QueuedTask, Read, Rejection},
    names::Names,
    ports::{Entry, Message},
    room::Fill,
};
use sagaline_events::{
    ScheduleInput, ScheduleView,
    ask::{Answer, Ask},
    schedule::ScheduleTimer,
    schedule_view::NoRoom,
};
use sagaline_model::{Moment, Name, ScheduleSpec, Span};
use sagaline_owning::{
    defect,
    entry::{self, bad_input, reject},
};
use sagaline_schedule::{Effect, Schedule};

use self::acts::Wire;
use crate::room::Room;

/// One that is due later than this may leave memory: it would only be woken to be due again.
const RESTS_BEFORE: Span = Span::from_secs(600);

/// The schedules of one partition.
pub struct Schedules {
    wire: Wire,
    place: entry::Place,
    /// Whether ticks wait for room, for who looks at them. Nothing is decided by it here: the owner holds the timers.
    room: Room,
}

impl Schedules {
    pub fn new(names: Names, partition: u32, partitions: u32) -> Self {
        Self {
            wire: Wire::new(names, partition, partitions),
            place: entry::Place { partition, partitions },
            room: Room::default(),
        }
    }

    /// The same; who looks at a schedule is told if its ticks wait for room.
    pub(crate) fn seen_with(self, room: Room) -> Self {
        Self { room, ..self }
    }

    fn seen(&self, view: ScheduleView) -> ScheduleView {
        let waits = view.paused.is_none() && !view.finished;
        let full = self.room.full().filter(|_| waits);
        ScheduleView { no_room: full.map(|Fill { stream, percent }| NoRoom { stream, percent }), ..view }
    }
}

impl Machine for Schedules {
    type State = Schedule;
    type Input = ScheduleInput;
    type Glance = Box<ScheduleView>;

    fn read(&self, entry: &Entry) -> Result<Read<ScheduleInput>, Rejection> {
        let Some(content) = entry::content(entry)? else { return Ok(Read::Mark) };
        let (partition, schedule) = self
            .wire
            .names()
            .parse_schedule(&entry.subject)
            .ok_or_else(|| reject("bad_subject", format!("`{}` names no schedule", entry.subject)))?;
        if let Err(fault) = Name::new(schedule) {
            return Err(reject("bad_name", fault.to_string()));
        }
        self.place.check(partition, schedule, format_args!("the schedule `{schedule}`"))?;
        let input = ScheduleInput::read(&content.kind, &content.data).map_err(bad_input)?;
        Ok(Read::Input(schedule.into(), input))
    }

    /// All that a schedule needs is in what was made known of it.
    fn needs(&self, _state: Option<&Schedule>, _input: Option<&ScheduleInput>) -> Option<Need> {
        None
    }

    fn learn(&mut self, _need: &Need, _value: Option<Bytes>) {}

    fn fresh(&self, key: &Arc<str>) -> Schedule {
        Schedule::new(Name::new(&**key).expect("`read` lets only names through"))
    }

    fn apply(&mut self, _key: &Arc<str>, state: &mut Schedule, input: ScheduleInput, origin: &Origin) -> Vec<Act> {
        // A deleted one still names its workflow in what it tells.
        let workflow = state.spec().map(|spec| spec.workflow.clone());
        let decided = state.decided();
        // A defect of ours must not stop the partition: it sets that one schedule aside, on every replica alike.
        let applied = defect::caught("the schedule", || state.apply(&input, origin.time));
        let effects = applied.unwrap_or_else(|cause| {
            let schedule = state.name.clone();
            tracing::error!(schedule = schedule.as_str(), cause, "a schedule is set aside: it stopped at a defect");
            let view = defect::caught("the schedule", || state.view()).ok().flatten();
            *state = Schedule::set_aside(schedule, view.as_ref(), cause, origin.time);
            state.told_anew().into_iter().map(Effect::Tell).collect()
        });
        if !origin.again {
            counts::count(&effects, state, decided, origin.time);
        }
        let workflow = state.spec().map(|spec| spec.workflow.clone()).or(workflow);
        self.wire.acts(state, workflow.as_ref(), effects, origin)
    }

    fn found(&mut self, _key: &Arc<str>, _state: &Schedule, _of: &Need, _value: Option<Bytes>) -> Vec<Act> {
        vec![]
    }

    fn task_refused(&self, _key: &Arc<str>, _task: &QueuedTask, _why: &str) -> Option<Message> {
        None
    }

    fn tasks(&self, _key: &Arc<str>, _state: &Schedule) -> Vec<QueuedTask> {
        vec![]
    }

    /// What may be lost with what it started is asked for by its timer.
    fn resume(&self, _key: &Arc<str>, _state: &Schedule) -> Vec<Act> {
        vec![]
    }

    fn next_timer(&self, state: &Schedule) -> Option<Moment> {
        state.next_timer()
    }

    fn timer(&self, _key: &Arc<str>, state: &Schedule) -> Option<Message> {
        state.next_timer()?;
        Some(self.wire.own(&state.name, &ScheduleInput::Timer(ScheduleTimer {}), "timer"))
    }

    /// It is forgotten when nothing of it matters, and leaves no record.
    fn ending(&self, _state: &Schedule) -> Option<Vec<u8>> {
        None
    }

    fn stands_alone(&self, _state: &Schedule) -> bool {
        false
    }

    fn rests(&self, state: &Schedule) -> bool {
        state.next_timer().is_none_or(|due| state.now() + RESTS_BEFORE < due)
    }

    fn seal(&self, key: &Arc<str>, glance: Option<&Box<ScheduleView>>, cause: &str, at: Moment) -> Option<Schedule> {
        let name = Name::new(&**key).ok()?;
        Some(Schedule::set_aside(name, glance.map(|glance| &**glance), cause.to_owned(), at))
    }

    fn is_idle(&self, state: &Schedule, _now: Moment) -> bool {
        state.is_blank()
    }

    fn snapshot(&self, state: &Schedule) -> Vec<u8> {
        state.to_snapshot()
    }

    fn restore(&self, json: &[u8]) -> Result<Schedule, String> {
        Schedule::from_snapshot(json).map_err(|fault| fault.to_string())
    }

    fn answer(&self, ask: &Ask, state: Option<&Schedule>) -> Answer {
        match ask {
            Ask::Schedule { .. } => {
                let view = state.and_then(Schedule::view);
                view.map_or(Answer::Unknown, |view| Answer::Schedule(Box::new(self.seen(view))))
            }
            // No task of a schedule is ever wanted.
            Ask::Wanted { .. } => Answer::Wanted(false),
            // Those are the others', or answered by the owner itself.
            Ask::Get { .. }
            | Ask::Why { .. }
            | Ask::Query { .. }
            | Ask::Reply { .. }
            | Ask::List { .. }
            | Ask::Partition
            | Ask::Saga { .. }
            | Ask::Sagas { .. }
            | Ask::Entity { .. }
            | Ask::Entities { .. }
            | Ask::Queues
            | Ask::Schedules { .. } => Answer::Unknown,
        }
    }

    fn glance(&mut self, state: &Schedule) -> Option<Box<ScheduleView>> {
        state.view().map(Box::new)
    }

    fn listed(&self, ask: &Ask, _key: &str, glance: &Box<ScheduleView>) -> Option<Listed> {
        let Ask::Schedules { workflow, paused, .. } = ask else { return None };
        let of_it = workflow.as_ref().is_none_or(|workflow| *workflow == glance.spec.workflow);
        let taken = of_it && (!paused || glance.paused.is_some());
        taken.then(|| Listed::Schedule(Box::new(self.seen(ScheduleView::clone(glance)))))
    }

    /// The ticks that come next are reckoned for those that are shown, and there are very many others.
    fn may_be_listed(&self, ask: &Ask, state: &Schedule) -> bool {
        let Ask::Schedules { workflow, paused, .. } = ask else { return true };
        let is_its = |spec: &ScheduleSpec| workflow.as_ref().is_none_or(|workflow| *workflow == spec.workflow);
        state.spec().is_some_and(is_its) && (!paused || state.paused().is_some())
    }
}
