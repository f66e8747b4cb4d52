//! Waits for events, as what is told to the entity where waits and events meet.

use sagaline_model::{EventRule, Moment, Span, token_of};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{EntityKey, Ticket};

impl EntityKey {
    /// Where those meet who wait by this rule, and the events that have `key` in common with them; `key` as [`EventRule::text_of`]
    /// gives it.
    pub fn event(rule: &EventRule, key: &str) -> Self {
        Self::made(format!("~event:{}:{}:{}", token_of(&rule.kind), rule.id(), token_of(key)))
    }
}

/// A step of an execution waits. The attempt of its ticket is that of the whole execution, less one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Awaited {
    #[serde(flatten)]
    pub ticket: Ticket,
    /// For how long an event counts that came before it began to wait.
    pub keep: Span,
}

/// A step does not wait any more, and has got nothing: whatever was on its way to it goes to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leave {
    #[serde(flatten)]
    pub ticket: Ticket,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Came {
    pub source: String,
    pub id: String,
    /// When it was published.
    pub at: Moment,
    /// For how long it counts for those who begin to wait later.
    pub keep: Span,
    /// All of it, as a CloudEvent is written in JSON. Large data is a reference.
    pub event: Value,
}
