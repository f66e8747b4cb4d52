//! Nodes by which an execution deals with others: it starts executions of other workflows, and tells whoever listens.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Name;

/// An execution of another workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Child {
    pub workflow: Name,
    /// The newest one where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Its id: a text that may hold `${…}`. Without it, one made of the parent's and the node's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// JSON whose strings may hold `${…}`; null if not given.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// Where its tasks wait whose steps name no queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Name>,
    /// Whether the node is done when the child is; otherwise, as soon as it is started.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub wait: bool,
    /// How long it is waited for: a duration, or `${…}` that gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(default, skip_serializing_if = "OnParentEnd::is_cancel")]
    pub on_parent_end: OnParentEnd,
}

/// What becomes of a child when nobody waits for it any more, or its parent is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnParentEnd {
    /// It is cancelled.
    #[default]
    Cancel,
    /// It goes on.
    Abandon,
}

impl OnParentEnd {
    fn is_cancel(&self) -> bool {
        *self == Self::Cancel
    }
}

/// A CloudEvent, published for whoever follows events; it may start other workflows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Emit {
    #[serde(rename = "type")]
    pub kind: String,
    /// Texts that may hold `${…}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// JSON whose strings may hold `${…}`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_yes(wait: &bool) -> bool {
    *wait
}
