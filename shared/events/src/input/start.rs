//! Starts of executions: what they say, and what is found out about them before anything begins.

use std::collections::BTreeMap;

use sagaline_model::{ExecutionId, JobSpec, Moment, Name, StepError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ChildEnded, Parent};

/// Begins an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    pub workflow: Name,
    /// Where it is missing, the owner binds the newest version and records that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// The CloudEvent that started it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The execution that it is a child of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Where its tasks wait whose steps name no queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Name>,
    /// It may have been started before, so long ago that the log does not know: its record is looked for first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// What is done already: it goes on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Box<Resumption>>,
    /// It is a job: this is what is done, and there is no definition. `workflow` is [`JobSpec::workflow`], `version` 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Box<JobSpec>>,
    /// It begins at this time, and is pending until then.
    #[serde(rename = "at", default, skip_serializing_if = "Option::is_none")]
    pub begin_at: Option<Moment>,
    /// The schedule that started it, and for when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Box<Scheduled>>,
    /// How many executions led to it by events, one after another; for a child, which has no `trigger` that says so.
    #[serde(default, skip_serializing_if = "crate::hops::is_none")]
    pub hops: u32,
}

/// Which tick of a schedule an execution is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scheduled {
    pub by: Name,
    pub tick: Moment,
    /// The schedule wants to know when it has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tell: bool,
}

/// What an execution begins with that goes on where another one failed, or from a later step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resumption {
    /// The execution of which it is another try. Its tasks have the idempotency keys of that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<ExecutionId>,
    /// Steps of the workflow itself (not those inside of others) that are done.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub done: BTreeMap<Name, DoneStep>,
    /// What has joined `ctx` so far.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub ctx: Map<String, Value>,
}

/// A step that is not done again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DoneStep {
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
}

impl Start {
    /// A start of the newest version, without an input.
    pub fn of(workflow: Name) -> Self {
        Self {
            workflow,
            version: None,
            input: Value::Null,
            trigger: None,
            tags: BTreeMap::new(),
            parent: None,
            queue: None,
            again: false,
            resume: None,
            job: None,
            begin_at: None,
            schedule: None,
            hops: 0,
        }
    }
}

/// The version that a start without one runs on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    pub version: u32,
}

/// There is nothing to run for this start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    pub error: StepError,
}

/// What is recorded of an execution that may have been started before; nothing if it was not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recalled {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<ChildEnded>,
    /// It was started before and has ended, and it is no child.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub there: bool,
}
