//! What a workflow has to do with people and other programs: what it waits for, what they may ask, and what they may change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Name, Node, OnTimeout};

/// Waits for several signals. The output has what each carried, under its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AwaitSignals {
    pub signals: Vec<Name>,
    #[serde(default)]
    pub need: Need,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

/// How many of several signals are enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    #[default]
    All,
    Any,
}

/// Waits for somebody who approves or rejects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Who may: a name, a list of names, or `${…}` that gives such; null for anyone.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub approvers: Value,
    /// A step that tells them. The wait does not wait for it, and what becomes of it changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Box<Node>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

impl Approval {
    /// The name of the step that tells the approvers.
    pub const NOTIFY: &str = "notify";
}

/// What may be sent to an execution at any time, and asked of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: BTreeMap<Name, SignalRule>,
    /// Each JSON whose strings may hold `${…}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queries: BTreeMap<Name, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub updates: BTreeMap<Name, UpdateRule>,
}

/// What a signal must be like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SignalRule {
    /// A JSON Schema for its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
}

/// A change that may be asked for, and what whoever asks gets for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UpdateRule {
    /// A JSON Schema for its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// A condition, which may read the data as `update`. If it does not hold, the update is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Values that join `ctx`: a map whose strings may hold `${…}`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub set: Value,
    /// What is answered, with the values set already.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub result: Value,
}

impl Exchange {
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty() && self.queries.is_empty() && self.updates.is_empty()
    }
}
