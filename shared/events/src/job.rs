//! Jobs: what is told of them, and how people see them.

use sagaline_model::{ActivityName, Moment, Name, Span, StepError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobHappening {
    pub activity: ActivityName,
    pub queue: Name,
    /// The attempt that it is about; 0 before the first.
    pub attempt: u32,
    pub what: JobEvent,
}

#[derive(Clone, Debug, PartialEq)]
pub enum JobEvent {
    /// It is put into its queue then.
    Scheduled {
        until: Moment,
    },
    /// An attempt was put into its queue.
    Enqueued,
    /// A worker says that it began.
    Started {
        worker: Option<String>,
    },
    Completed {
        duration: Span,
    },
    /// An attempt failed.
    Failed {
        error: StepError,
        next_at: Option<Moment>,
    },
    /// It failed, and no other attempt follows.
    Dead {
        error: StepError,
        duration: Span,
    },
    Cancelled {
        reason: Option<String>,
        duration: Span,
    },
}

impl JobEvent {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Scheduled { .. } => "scheduled",
            Self::Enqueued => "enqueued",
            Self::Started { .. } => "started",
            Self::Completed { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Dead { .. } => "dead",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Whether the job is over with this.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Completed { .. } | Self::Dead { .. } | Self::Cancelled { .. })
    }
}

/// How a job is. A word of a later version is read as `Unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// It is put into its queue later.
    Scheduled,
    /// It waits for a worker. One without a `timeout` is so also while a worker is at it: nobody says when that begins.
    Pending,
    /// A worker said that it began.
    Active,
    /// An attempt failed, and the next comes later.
    Retrying,
    Completed,
    /// It could not be begun.
    Failed,
    /// It failed, and no attempt is left.
    Dead,
    Cancelled,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

impl JobStatus {
    /// Every status that has a name.
    pub const ALL: [Self; 8] = [
        Self::Scheduled,
        Self::Pending,
        Self::Active,
        Self::Retrying,
        Self::Completed,
        Self::Failed,
        Self::Dead,
        Self::Cancelled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retrying => "retrying",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }
}

/// What an execution shows that is a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    pub activity: ActivityName,
    pub queue: Name,
    pub status: JobStatus,
    /// The attempt that was handed over last.
    #[serde(default)]
    pub attempt: u32,
    /// How many there are at most.
    #[serde(default)]
    pub attempts: u32,
    /// When it is put into its queue, or again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Moment>,
    /// Why the attempt before failed, while another follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Span>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}
