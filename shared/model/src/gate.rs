//! Gates: what an attempt must get before it begins, shared by all executions and all executors.

use serde::{Deserialize, Serialize};

use crate::{Name, Span};

/// One gate of a step. They are asked in the order of their entities' names, so that nobody waits for each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// So many attempts begin in a time.
    Rate(RateGate),
    /// So many attempts are at work at once.
    Places(PlacesGate),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateGate {
    /// Steps and jobs that name the same are counted together.
    pub name: Name,
    /// A text that may hold `${…}`: those that give the same are counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(flatten)]
    pub rule: RateRule,
}

/// `limit` in every `per`; evenly, but for a `burst` that may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateRule {
    pub limit: u32,
    pub per: Span,
    /// 1 without it: evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacesGate {
    /// Steps and jobs that name the same are counted together.
    pub name: Name,
    /// A text that may hold `${…}`: those that give the same are counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub limit: u32,
}
