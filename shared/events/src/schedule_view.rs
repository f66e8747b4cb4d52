//! What is seen of a schedule by whoever asks its owner.

use sagaline_model::{ExecutionId, Moment, Name, ScheduleSpec};
use serde::{Deserialize, Serialize};

/// So many ticks that come next are shown.
pub const UPCOMING_SHOWN: usize = 5;

/// A schedule, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleView {
    pub name: Name,
    pub spec: ScheduleSpec,
    pub created_at: Moment,
    /// The version of its workflow whose definition it is from; nothing if somebody made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<u32>,
    /// The ticks that come next, some of them. None while it is paused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Moment>,
    /// What it started last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Fired>,
    /// What it started and waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<ExecutionId>,
    /// The tick that waits for those to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// How many ticks may still start something, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
    #[serde(default)]
    pub fired: u64,
    #[serde(default)]
    pub skipped: u64,
    /// It has no tick any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finished: bool,
    /// What became of the last time gone by that somebody asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfilled: Option<Backfilled>,
    /// Its ticks wait until there is room for new executions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_room: Option<NoRoom>,
}

/// The fullest of the streams that take no new executions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoRoom {
    pub stream: String,
    pub percent: u64,
}

/// The ticks of a time gone by that had not fired, and what became of them at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfilled {
    /// The id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub started: u64,
    /// Left out, as `overlap` or `limit` says. Of those that are neither, one waits for an execution to end.
    pub skipped: u64,
    pub ticks: u64,
}

/// A tick that started something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fired {
    pub tick: Moment,
    pub at: Moment,
    pub execution: ExecutionId,
}

/// Since when nothing starts, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paused {
    pub at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Some of the schedules of a partition, ordered by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SchedulePage {
    pub schedules: Vec<ScheduleView>,
    /// Where the next page begins; nothing if there is none. A page may be short, or empty, and there be more all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Name>,
}
