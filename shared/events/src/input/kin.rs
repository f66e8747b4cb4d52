//! What executions say to those that they started, and hear from those that started them: parents, children, schedules.

use sagaline_model::{ExecutionId, Name, StepError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{FramePath, UndoStep, record::Status};

/// Who started a child, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    pub execution: ExecutionId,
    pub path: FramePath,
    /// Whether it wants to know how the child ended.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub waits: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_yes(waits: &bool) -> bool {
    *waits
}

/// A child tells how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChildEnded {
    /// Where in the parent it was started.
    pub path: FramePath,
    pub child: ExecutionId,
    /// As in its record. `failed` also where the id is that of another execution, which is not touched.
    pub status: Status,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What of it can still be undone, if it completed: that is its parent's from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<UndoStep>,
}

/// Nothing is known of a child: its start was lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChildUnknown {
    pub path: FramePath,
    pub child: ExecutionId,
}

/// A parent asks for the outcome of its child. While the child runs this changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParentAsks {
    pub parent: Parent,
}

/// A parent does not wait any more, and its child ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParentGone {
    pub parent: Parent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether what it did is undone. Its parent waits to be told that it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
}

/// A schedule asks whether an execution that it started has ended. While that runs this changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleAsks {
    pub schedule: Name,
}
