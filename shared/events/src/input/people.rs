//! Inputs that come from people, or are about them: approvals, and updates that are answered.

use sagaline_model::{Name, Span};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::FramePath;

/// Somebody approves or rejects what a step waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Where the step stands. The name of a step that is inside of no loop will do.
    pub step: FramePath,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default = "yes")]
    pub approved: bool,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// What its reply is kept under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

fn yes() -> bool {
    true
}

/// The activity has done its part: the step waits for somebody who approves or rejects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepAwaits {
    pub path: FramePath,
    pub attempt: u32,
    /// Who may; anyone, if nobody is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    #[serde(default, skip_serializing_if = "OnLate::is_fail")]
    pub on_timeout: OnLate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// What becomes of a step that nobody approved or rejected in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLate {
    #[default]
    Fail,
    Skip,
}

impl OnLate {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    fn is_fail(&self) -> bool {
        *self == Self::Fail
    }
}

/// A change that the workflow allows for. The same id again is the same change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    pub name: Name,
    pub id: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}
