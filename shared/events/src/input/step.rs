//! What workers answer, and operators say, about one attempt of a step.

use sagaline_model::{Span, StepError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::FramePath;

/// A worker began an attempt. Asked for by tasks whose time is limited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepStarted {
    pub path: FramePath,
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSucceeded {
    pub path: FramePath,
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// The task asked for a claim: what it did is undone if nobody waits for it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claimed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepFailed {
    pub path: FramePath,
    pub attempt: u32,
    pub error: StepError,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// The activity says that there is nothing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSkipped {
    pub path: FramePath,
    pub attempt: u32,
    #[serde(default)]
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// The activity says that it is too early: the next attempt comes after a while. It counts as no failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSnoozed {
    pub path: FramePath,
    pub attempt: u32,
    /// How long to wait.
    #[serde(rename = "for")]
    pub delay: Span,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// It did not begin at all: its turn of a rate was over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// The activity says which steps are to be done: they are the rest of its step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepExpanded {
    pub path: FramePath,
    pub attempt: u32,
    /// A list of nodes as they stand in a plan. Read by the engine: what cannot be read fails the step and must not be lost.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub steps: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// An operator removed the task from its queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDiscarded {
    pub path: FramePath,
    pub attempt: u32,
}
