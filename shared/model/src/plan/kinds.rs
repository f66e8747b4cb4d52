//! What the nodes hold that are no steps for an executor, each kind its own.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Dag, Node};
use crate::Name;

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Without one it is what is done otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    pub steps: Dag,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Try {
    pub body: Dag,
    /// Only errors of these types are caught; every one if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    pub catch: Dag,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForEach {
    /// A list, or `${…}` that gives one.
    pub items: Value,
    /// The name under which expressions inside read the item.
    #[serde(rename = "as")]
    pub item: Name,
    /// How many items are worked on at once.
    pub concurrency: u32,
    /// What is done for each. Its own `on_error` says what becomes of an item that failed.
    pub body: Box<Node>,
    /// `${…}` that gives the `concurrency`, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_concurrency: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Raise {
    /// The type of the error.
    #[serde(rename = "type")]
    pub kind: String,
    /// A text that may hold `${…}`.
    pub message: String,
    /// JSON whose strings may hold `${…}`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

/// A durable timer: a duration, or `${…}` that gives one (a text, or seconds).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    pub duration: String,
}

/// Waits for a signal; what it carries becomes the node's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Await {
    pub signal: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

/// What it means that nothing came in time to an [`Await`], to [`AwaitSignals`](crate::AwaitSignals), to an
/// [`AwaitEvent`](crate::AwaitEvent) or to an [`Approval`](crate::Approval).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    #[default]
    Fail,
    Skip,
    /// Steps that are done instead: the maps that they return, merged, are the output.
    Steps(Dag),
}

impl OnTimeout {
    /// The steps that are done instead.
    pub fn steps(&self) -> Option<&Dag> {
        match self {
            Self::Steps(dag) => Some(dag),
            Self::Fail | Self::Skip => None,
        }
    }

    pub(super) fn steps_mut(&mut self) -> Option<&mut Dag> {
        match self {
            Self::Steps(dag) => Some(dag),
            Self::Fail | Self::Skip => None,
        }
    }
}
