//! The state machine of one schedule.
//!
//! Time comes first, then the input: whatever is due by the time of an input is decided as things stood before it. So nothing depends
//! on how quickly a timer was delivered, and a pause concerns only what comes after it.
//!
//! Every tick is decided once: it fires, or it is told as skipped. `decided` is how far that has come; ticks that wait for an
//! execution to end are decided, and told when they start or give up.

mod aside;
mod asked;
mod due;
mod memory;
mod overlap;
mod requests;
mod tally;
mod view;

use std::collections::BTreeMap;

use sagaline_events::{
    ScheduleHappening, ScheduleInput,
    schedule::{ScheduleChange, ScheduleDelete, ScheduleTimer},
};
use sagaline_model::{ExecutionId, Moment, Name, ScheduleSpec, Span};
use serde::{Deserialize, Serialize, de::Error as _};

use self::{memory::Memory, requests::Requests, tally::Tally};
use crate::{Effect, Pattern, Tick};

/// With a tick behind it, this is still the id of an execution.
pub const LONGEST_NAME: usize = 64;

/// Ids of requests are remembered, and a snapshot of a schedule stays small.
const LONGEST_REQUEST: usize = 128;

/// One that was deleted, or has no tick any more, is forgotten after this.
pub const KEPT: Span = Span::from_secs(30 * 86_400);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    pub name: Name,
    /// The time of the last input: time never goes back.
    now: Moment,
    stage: Stage,
    #[serde(default, skip_serializing_if = "Memory::is_empty")]
    memory: Memory,
    #[serde(default, skip_serializing_if = "Requests::is_empty")]
    requests: Requests,
    /// The newest version of a definition that said something about it. An older one comes too late, whatever became of it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    defined: Option<u32>,
    /// What `stage` says about when it fires, and when its timer is due. Derived, kept at hand.
    #[serde(skip)]
    pattern: Option<Pattern>,
    #[serde(skip)]
    timer: Option<Moment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    Unknown,
    Known(Box<Known>),
    /// Its ticks are remembered: one that is made known under the same name does not fire them again.
    Deleted,
}

/// What there is while it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    spec: ScheduleSpec,
    created_at: Moment,
    /// When its pattern was made known.
    since: Moment,
    /// How many ticks may still start something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused: Option<Pause>,
    /// What it started and has not heard the end of. Only where that matters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    running: BTreeMap<ExecutionId, Running>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting: Option<Waiting>,
    /// It is that of a definition, and not of somebody who made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_defined: bool,
    #[serde(default, skip_serializing_if = "Tally::is_empty")]
    tally: Tally,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    pub at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// An execution that it started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Running {
    pub tick: Tick,
    pub since: Moment,
    /// When it is asked whether it has ended, and how often it was.
    pub ask_at: Moment,
    #[serde(default)]
    pub asked: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
}

/// A tick that waits for an execution to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    pub tick: Tick,
    pub since: Moment,
}

/// One input at work on a schedule that is known.
struct Turn<'a> {
    name: &'a Name,
    at: Moment,
    known: &'a mut Known,
    pattern: &'a Pattern,
    memory: &'a mut Memory,
    effects: &'a mut Vec<Effect>,
}

impl Turn<'_> {
    fn tell(&mut self, happening: ScheduleHappening) {
        self.effects.push(Effect::Tell(happening));
    }

    fn reject(&mut self, reason: &'static str, detail: String) {
        self.effects.push(Effect::Reject { reason, detail });
    }
}

impl Schedule {
    /// A schedule of which nothing is known.
    pub fn new(name: Name) -> Self {
        Self {
            name,
            now: Moment::EPOCH,
            stage: Stage::Unknown,
            memory: Memory::default(),
            requests: Requests::default(),
            defined: None,
            pattern: None,
            timer: None,
        }
    }

    /// Folds `input`, stored at `at`, into the schedule.
    pub fn apply(&mut self, input: &ScheduleInput, at: Moment) -> Vec<Effect> {
        let at = at.max(self.now);
        self.now = at;
        let mut effects = vec![];
        if self.forget_at().is_some_and(|due| due <= at) {
            *self = Self { now: at, defined: self.defined, ..Self::new(self.name.clone()) };
        }
        let was_over = self.is_over();
        if let Some(mut turn) = self.turn(&mut effects) {
            turn.time_passes();
        }
        if input.id().is_some_and(|id| LONGEST_REQUEST < id.len()) {
            let detail = format!("`{}`: an id of more than {LONGEST_REQUEST} bytes; write a shorter one", self.name);
            effects.push(Effect::Reject { reason: "invalid_request", detail });
        } else if self.requests.is_new(input.id()) {
            self.heed(input, &mut effects);
        }
        self.arm();
        if !was_over && self.is_over() {
            let (what, by) = (ScheduleChange::Finished, None);
            effects.push(Effect::Tell(ScheduleHappening::Changed { what, by }));
        }
        effects
    }

    fn arm(&mut self) {
        self.timer = self.turn(&mut vec![]).and_then(|turn| turn.next_timer()).or_else(|| self.forget_at());
    }

    /// When nothing of it matters any more. One of a definition stays as long as that has it: made known again, it would fire again.
    fn forget_at(&self) -> Option<Moment> {
        let since = match &self.stage {
            Stage::Unknown => return None,
            Stage::Deleted => self.memory.decided(),
            Stage::Known(known) if self.is_over() && known.running.is_empty() && !known.is_defined => {
                self.memory.decided().max(known.created_at)
            }
            Stage::Known(_) => return None,
        };
        Some(since + KEPT)
    }

    fn heed(&mut self, input: &ScheduleInput, effects: &mut Vec<Effect>) {
        let was_deleted = self.stage == Stage::Deleted;
        if let ScheduleInput::Delete(ScheduleDelete { definition: Some(version), .. }) = input {
            return self.delete_defined(*version, effects);
        }
        match (input, self.turn(effects)) {
            (ScheduleInput::Set(set), _) => self.set(set, effects),
            (ScheduleInput::Delete(delete), Some(turn)) => {
                turn.farewell(delete.by.as_deref());
                (self.stage, self.pattern) = (Stage::Deleted, None);
            }
            (ScheduleInput::Pause(pause), Some(mut turn)) => turn.pause(pause.note.clone(), pause.by.clone()),
            (ScheduleInput::Resume(resume), Some(mut turn)) => turn.resume(resume.note.clone(), resume.by.clone()),
            (ScheduleInput::Trigger(trigger), Some(mut turn)) => turn.trigger(trigger.id.as_deref(), trigger.overlap),
            (ScheduleInput::Backfill(backfill), Some(mut turn)) => {
                turn.backfill(backfill);
            }
            (ScheduleInput::Ended(ended), Some(mut turn)) => turn.ended(&ended.execution),
            (ScheduleInput::Unknown(unknown), Some(mut turn)) => turn.lost(&unknown.execution),
            (ScheduleInput::Refused(refused), Some(mut turn)) => turn.refused(&refused.execution, refused.tick),
            // Its whole business is the time at which it came.
            (ScheduleInput::Timer(ScheduleTimer {}), _) => {}
            // What was on its way to one that was deleted is of no use any more.
            (ScheduleInput::Ended(_) | ScheduleInput::Unknown(_) | ScheduleInput::Refused(_), None) => {}
            (ScheduleInput::Delete(_), None) if was_deleted => {}
            (
                ScheduleInput::Delete(_)
                | ScheduleInput::Pause(_)
                | ScheduleInput::Resume(_)
                | ScheduleInput::Trigger(_)
                | ScheduleInput::Backfill(_),
                None,
            ) => {
                let detail = format!("there is no schedule `{}`; make it known first", self.name);
                effects.push(Effect::Reject { reason: "unknown_schedule", detail });
            }
        }
    }

    fn turn<'a>(&'a mut self, effects: &'a mut Vec<Effect>) -> Option<Turn<'a>> {
        match (&mut self.stage, &self.pattern) {
            (Stage::Known(known), Some(pattern)) => {
                Some(Turn { name: &self.name, at: self.now, known, pattern, memory: &mut self.memory, effects })
            }
            (Stage::Known(_) | Stage::Unknown | Stage::Deleted, _) => None,
        }
    }

    /// The time of its last input.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Every tick up to here is decided.
    pub fn decided(&self) -> Moment {
        self.memory.decided()
    }

    /// When this tick was to start: with jitter, a bit after what it names.
    pub fn due(&self, tick: Moment) -> Moment {
        self.pattern.as_ref().map_or(tick, |pattern| pattern.due(tick))
    }

    /// When its timer is due.
    pub fn next_timer(&self) -> Option<Moment> {
        self.timer
    }

    /// Whether forgetting it changes nothing.
    pub fn is_blank(&self) -> bool {
        match &self.stage {
            Stage::Unknown => self.defined.is_none(),
            Stage::Deleted | Stage::Known(_) => false,
        }
    }

    /// Whether it is not there, or has no tick any more, nor one that waits.
    pub fn is_over(&self) -> bool {
        match (&self.stage, &self.pattern) {
            (Stage::Known(known), Some(pattern)) => {
                let has_ticks = known.left != Some(0) && pattern.next_after(self.memory.decided()).is_some();
                !has_ticks && known.waiting.is_none()
            }
            (Stage::Known(_) | Stage::Unknown | Stage::Deleted, _) => false,
        }
    }

    /// What was made known of it; nothing, if it is not there.
    pub fn spec(&self) -> Option<&ScheduleSpec> {
        self.known().map(|known| &known.spec)
    }

    pub fn paused(&self) -> Option<&Pause> {
        self.known()?.paused.as_ref()
    }

    /// How many ticks may still start something, if that is limited.
    pub fn left(&self) -> Option<u64> {
        self.known()?.left
    }

    pub fn running(&self) -> impl Iterator<Item = (&ExecutionId, &Running)> {
        self.known().into_iter().flat_map(|known| &known.running)
    }

    pub fn waiting(&self) -> Option<&Waiting> {
        self.known()?.waiting.as_ref()
    }

    /// The ticks that come next; none while it is paused.
    pub fn upcoming(&self) -> impl Iterator<Item = Moment> {
        let known = self.known().filter(|known| known.paused.is_none());
        let left =
            known.map_or(0, |known| known.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX)));
        let pattern = self.pattern.as_ref();
        let first = pattern.and_then(|pattern| pattern.next_after(self.memory.decided()));
        std::iter::successors(first, move |tick| pattern?.next_after(*tick)).take(left)
    }

    fn known(&self) -> Option<&Known> {
        match &self.stage {
            Stage::Known(known) => Some(known),
            Stage::Unknown | Stage::Deleted => None,
        }
    }

    /// The bytes of a snapshot.
    pub fn to_snapshot(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("the state has text keys only")
    }

    /// Reads what [`Schedule::to_snapshot`] wrote.
    pub fn from_snapshot(json: &[u8]) -> Result<Self, serde_json::Error> {
        let mut schedule: Self = serde_json::from_slice(json)?;
        if let Stage::Known(known) = &schedule.stage {
            let pattern = Pattern::new(&schedule.name, &known.spec.when, known.since);
            let no_pattern = |faults: Vec<crate::Fault>| serde_json::Error::custom(&faults[0]);
            schedule.pattern = Some(pattern.map_err(no_pattern)?);
        }
        schedule.arm();
        Ok(schedule)
    }
}
