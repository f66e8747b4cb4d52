//! What undoes a step.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{put_into, text};

/// An activity that undoes a step. What it gets, unless [`input`](Undo::input) says otherwise, is what is known of the step: its `input`,
/// `output`, `outcome`, `error` and `idempotency_key`.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it undoes nothing until a step has it"]
pub struct Undo(Map<String, Value>);

impl Undo {
    pub fn by(activity: impl Into<String>) -> Self {
        Self(Map::from_iter([("activity".to_owned(), Value::String(activity.into()))]))
    }

    /// What it gets instead. Texts may hold `${…}` over what the step's own input may read, and `output`, `outcome` and `error` of the step.
    pub fn input(self, input: impl Into<Value>) -> Self {
        self.with("input", input)
    }

    /// Where its tasks wait; where those of the step do, if nothing is said.
    pub fn queue(self, queue: impl Into<String>) -> Self {
        self.with("queue", queue.into())
    }

    /// How long an attempt may run.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with("timeout", text(timeout))
    }

    /// How often it is tried at most; for about a quarter of an hour, if nothing is said.
    pub fn attempts(self, attempts: u32) -> Self {
        self.with("retry", json!({ "attempts": attempts }))
    }

    /// The others go on without it when no attempt is left. Otherwise the saga is stuck then, until somebody helps.
    pub fn allow_skip(self) -> Self {
        self.with("allow_skip", true)
    }

    /// Something for its activity to know. It decides nothing.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        put_into(&mut self.0, "metadata", key.into(), value.into());
        self
    }

    /// Anything else that a `compensate` of a definition says: `retry`, …, as YAML has it.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    pub(crate) fn value(self) -> Value {
        Value::Object(self.0)
    }
}

impl From<&str> for Undo {
    fn from(activity: &str) -> Self {
        Self::by(activity)
    }
}

impl From<String> for Undo {
    fn from(activity: String) -> Self {
        Self::by(activity)
    }
}
