//! Dead letters: executions that failed, kept for somebody to look at and to try again.

use std::collections::BTreeMap;

use sagaline_model::{ExecutionId, JobSpec, Moment, Name, StepError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{input::Resumption, record::Status};

/// The CloudEvent type of a dead letter.
pub const DEAD_LETTER_TYPE: &str = "sagaline.dead.execution.v1";

/// All that is needed to have it tried again: a start with this `resume` goes on where it failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub execution: ExecutionId,
    pub workflow: Name,
    pub version: u32,
    /// `failed` or `timed_out`.
    pub status: Status,
    pub started_at: Moment,
    pub ended_at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_step: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    pub resume: Resumption,
    /// Set if it is a job: what was to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Box<JobSpec>>,
}
