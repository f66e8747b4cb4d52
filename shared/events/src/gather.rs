//! Events that are gathered, as they are told to the entity that gathers them.

use sagaline_model::{EventTrigger, Gather, Moment, Name, token_of};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::EntityKey;

impl EntityKey {
    /// Where the events of a trigger are gathered that have this key in common.
    pub fn gather(workflow: &Name, trigger: &EventTrigger, key: &str) -> Self {
        Self::made(format!("~gather:{workflow}:{}:{}", trigger.id(), token_of(key)))
    }
}

/// An event that is to start an execution together with others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gathered {
    /// What is started: the newest version then.
    pub workflow: Name,
    pub rule: Gather,
    pub source: String,
    pub id: String,
    /// When it was published.
    pub at: Moment,
    /// All of it, as a CloudEvent is written in JSON. Large data is a reference.
    pub event: Value,
    /// What it would give an execution of its own as input.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
}
