//! What is kept of an execution for people: its view, while it runs and after it ended (bucket `results`).

use std::collections::BTreeMap;

use sagaline_model::{ExecutionId, Moment, Name, Plan, PlanHash, StepError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{UndoStep, ask::Reply, input::Parent, job::JobView};

/// How an execution is. Those that this version never gives are here to be read: a newer one may have written them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Pending,
    Running,
    Waiting,
    Paused,
    Compensating,
    Completed,
    Failed,
    Cancelled,
    TimedOut,
    RolledBack,
    Stuck,
    Parked,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Every status that has a name.
    pub const ALL: [Self; 12] = [
        Self::Pending,
        Self::Running,
        Self::Waiting,
        Self::Paused,
        Self::Compensating,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
        Self::RolledBack,
        Self::Stuck,
        Self::Parked,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Compensating => "compensating",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::RolledBack => "rolled_back",
            Self::Stuck => "stuck",
            Self::Parked => "parked",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing happens to it any more. Of one that is unknown, the time at which it ended tells.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::TimedOut | Self::RolledBack)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    Pending,
    Scheduled,
    Running,
    Waiting,
    BackingOff,
    Completed,
    Failed,
    Skipped,
    Cancelled,
    TimedOut,
    Compensated,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

impl StepStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::BackingOff => "backing_off",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Compensated => "compensated",
            Self::Unknown => "unknown",
        }
    }
}

/// An execution as `get` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionView {
    pub execution: ExecutionId,
    pub workflow: Name,
    #[serde(default)]
    pub version: u32,
    pub status: Status,
    pub started_at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// The step that failed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_step: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// In the order of the definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepView>,
    /// The execution that it is a child of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// What the workflow's queries gave when it ended.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queries: BTreeMap<Name, Value>,
    /// The how-manieth attempt of the whole it is, where it was begun anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What was answered before it ended, by the id of what was sent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replies: BTreeMap<String, Reply>,
    /// What can still be undone of it by its parent, in whose hands that is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<UndoStep>,
    /// When it begins, if it was accepted to begin later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins_at: Option<Moment>,
    /// Set if it is a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Box<JobView>>,
}

impl ExecutionView {
    /// Whether nothing happens to it any more, also where its status is one that this version does not know.
    pub fn is_over(&self) -> bool {
        self.status.is_over() || (self.status == Status::Unknown && self.ended_at.is_some())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    pub step: String,
    pub status: StepStatus,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How far a loop is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<ItemsView>,
    /// The execution that it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<ExecutionId>,
    /// Of a loop: how what is done for each item stands, and how it ended in those that are done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<InsideView>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemsView {
    pub total: usize,
    pub done: usize,
}

/// A step inside of a loop, in the items that are worked on, and in those that are done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InsideView {
    /// Where it stands in the plan: the same for every item.
    pub step: String,
    /// The newest of those items that are worked on; the first of a list is number 1. Where none is any more, 0.
    pub item: u32,
    /// How it stands there; where none is worked on, what it came to in all of them: failed, if it did in any, else what in most.
    pub status: StepStatus,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
    /// If it is a loop, how far it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<ItemsView>,
    /// In how many of those that are worked on it stands how, where it was begun.
    pub statuses: BTreeMap<StepStatus, usize>,
    /// In how many of those that are done it ended how, where it was begun.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ended: BTreeMap<StepStatus, usize>,
    /// In which of those it failed: the first ten items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A version of a workflow, as the bucket `definitions` holds it under `<workflow>.<version>`. Never changed once written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    pub workflow: Name,
    pub version: u32,
    pub hash: PlanHash,
    pub plan: Plan,
    /// The text it was compiled from, and what it is written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The newest version of a workflow, under `<workflow>.latest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latest {
    pub version: u32,
    pub hash: PlanHash,
}
