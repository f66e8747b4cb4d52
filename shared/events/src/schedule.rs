//! Schedules: what is asked of one, what it hears, and what it tells everyone. Each has a log of its own under its name; nothing
//! else changes it.

use sagaline_model::{ExecutionId, Moment, Name, Overlap, ScheduleSpec};
use serde::{Deserialize, Serialize};

use crate::wire::inputs_on_the_wire;

/// What happens to a schedule, or is asked of it.
#[derive(Clone, Debug, PartialEq)]
pub enum ScheduleInput {
    Set(Box<ScheduleSet>),
    Timer(ScheduleTimer),
    Ended(ScheduledEnded),
    Unknown(ScheduledUnknown),
    Pause(SchedulePause),
    Resume(ScheduleResume),
    Trigger(ScheduleTrigger),
    Backfill(ScheduleBackfill),
    Delete(ScheduleDelete),
    Refused(ScheduleRefused),
}

/// It is made known, or changed to this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleSet {
    pub spec: ScheduleSpec,
    /// By which a repeat of this is known, also one that comes after something else was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Only if there is none of this name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
    /// The definition of its workflow says so, in this version. An older version changes nothing any more, nor does the same again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<u32>,
}

/// Its timer is due.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScheduleTimer {}

/// An execution that it started has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduledEnded {
    pub execution: ExecutionId,
}

/// Nothing is known of an execution that it started: the start was lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduledUnknown {
    pub execution: ExecutionId,
}

/// Its ticks start nothing until it is resumed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SchedulePause {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A paused schedule goes on. What came meanwhile is recorded as skipped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScheduleResume {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Somebody wants it to fire now, besides its ticks. Also while it is paused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScheduleTrigger {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Instead of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Somebody wants the ticks of a time gone by that have not fired, from before it was made known, too. Both ends belong to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleBackfill {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub from: Moment,
    pub to: Moment,
    /// Instead of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// It is no more. What it started goes on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScheduleDelete {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The definition of its workflow has it no more, since this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<u32>,
}

/// The server will never take the start of an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleRefused {
    pub execution: ExecutionId,
    pub tick: Moment,
}

impl ScheduleSet {
    /// What somebody asks for.
    pub fn of(spec: ScheduleSpec) -> Self {
        Self { spec, id: None, by: None, new: false, definition: None }
    }
}

impl ScheduleInput {
    /// What a person or program asked has an id, by which its repeats are known.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Set(set) => set.id.as_deref(),
            Self::Pause(SchedulePause { id, .. })
            | Self::Resume(ScheduleResume { id, .. })
            | Self::Trigger(ScheduleTrigger { id, .. })
            | Self::Backfill(ScheduleBackfill { id, .. })
            | Self::Delete(ScheduleDelete { id, .. }) => id.as_deref(),
            Self::Timer(_) | Self::Ended(_) | Self::Unknown(_) | Self::Refused(_) => None,
        }
    }
}

/// Something that a schedule tells everyone: a lifecycle event.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleNews {
    pub schedule: Name,
    pub workflow: Name,
    pub at: Moment,
    pub happening: ScheduleHappening,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ScheduleHappening {
    Fired {
        tick: Moment,
        execution: ExecutionId,
    },
    /// One tick, or those from `tick` to `last`.
    Skipped {
        tick: Moment,
        last: Option<Moment>,
        /// How many they are; if `more` is said, at least.
        count: u64,
        more: bool,
        why: SkipReason,
        /// What would have started, if somebody asked for it besides the ticks.
        asked: Option<ExecutionId>,
    },
    Paused {
        note: Option<String>,
        by: Option<String>,
    },
    Resumed {
        note: Option<String>,
        by: Option<String>,
    },
    Changed {
        what: ScheduleChange,
        by: Option<String>,
    },
}

/// The data on the wire: the fields that a kind has are there, the others are left out.
#[derive(Serialize)]
struct Wire<'a> {
    schedule: &'a Name,
    workflow: &'a Name,
    at: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    tick: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<&'a ExecutionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<SkipReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<ScheduleChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
}

impl ScheduleNews {
    /// The JSON data.
    pub fn data(&self) -> Vec<u8> {
        let (schedule, workflow, at) = (&self.schedule, &self.workflow, self.at);
        let (tick, execution, last, count, more) = (None, None, None, None, false);
        let (why, what, note, by) = (None, None, None, None);
        let wire = Wire { schedule, workflow, at, tick, execution, last, count, more, why, what, note, by };
        let wire = match &self.happening {
            ScheduleHappening::Fired { tick, execution } => {
                Wire { tick: Some(*tick), execution: Some(execution), ..wire }
            }
            ScheduleHappening::Skipped { tick, last, count, more, why, asked } => {
                let (execution, why) = (asked.as_ref(), Some(*why));
                Wire { tick: Some(*tick), execution, last: *last, count: Some(*count), more: *more, why, ..wire }
            }
            ScheduleHappening::Paused { note, by } | ScheduleHappening::Resumed { note, by } => {
                Wire { note: note.as_deref(), by: by.as_deref(), ..wire }
            }
            ScheduleHappening::Changed { what, by } => Wire { what: Some(*what), by: by.as_deref(), ..wire },
        };
        serde_json::to_vec(&wire).expect("lifecycle events have string keys only")
    }
}

/// Why a tick started nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// It was found too late, say after a time in which nothing ran.
    Missed,
    Paused,
    /// An execution of the same schedule was running, or another tick waited for that already.
    Overlap,
    /// It waited, and a newer one took its place.
    Replaced,
    /// It waited, and as many as were allowed for have started.
    Limit,
    /// It waited, and the schedule is no more.
    Deleted,
    /// NATS does not take its start: it is too large, usually.
    Refused,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleChange {
    Created,
    Updated,
    /// It has no tick any more.
    Finished,
    Deleted,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

impl ScheduleHappening {
    /// The two subject tokens after `lifecycle`.
    pub fn name(&self) -> (&'static str, &'static str) {
        let what = match self {
            Self::Fired { .. } => "fired",
            Self::Skipped { .. } => "skipped",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::Changed { .. } => "changed",
        };
        ("schedule", what)
    }

    /// The CloudEvent type.
    pub fn kind(&self) -> String {
        let (kind, what) = self.name();
        ["sagaline.", kind, ".", what, ".v1"].concat()
    }
}

inputs_on_the_wire! {
    /// Every type of input of a schedule.
    SCHEDULE_INPUT_TYPES: "sagaline.input.schedule_" for ScheduleInput {
        Set => "set",
        Timer => "timer",
        Ended => "ended",
        Unknown => "unknown",
        Pause => "pause",
        Resume => "resume",
        Trigger => "trigger",
        Backfill => "backfill",
        Delete => "delete",
        Refused => "refused",
    }
}
