//! What a definition asks of that which executions share: places, and breakers.

use serde::{Deserialize, Serialize};

use crate::{Name, Plan, Span};

/// How many executions run at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    pub limit: u32,
    /// A text that may hold `${…}`: executions that give the same are counted together. Without it, all of the workflow are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(default, skip_serializing_if = "OnLimit::is_queue")]
    pub on_limit: OnLimit,
    /// Workflows that name the same pool are counted together. Children that are waited for take no place of it: they do the work of
    /// one who has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Name>,
}

impl Concurrency {
    /// By which rules it can be decided.
    pub fn rules(&self) -> u32 {
        if self.pool.is_some() { Plan::RULES_OF_SAGAS } else { Plan::RULES_OF_COMPANY }
    }
}

/// What becomes of an execution for which there is no place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLimit {
    /// It waits; who began first is first.
    #[default]
    Queue,
    /// It ends as cancelled, without having done anything.
    Skip,
    /// It takes the place of the oldest one, which is cancelled.
    CancelOld,
}

impl OnLimit {
    pub fn is_queue(&self) -> bool {
        *self == Self::Queue
    }
}

/// A breaker that a step asks before each of its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    pub name: Name,
    #[serde(flatten)]
    pub rule: BreakerRule,
    #[serde(default)]
    pub when_open: WhenOpen,
}

/// When a breaker opens, and how it closes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerRule {
    /// It opens after so many failures: one after the other, or within the `window` if there is one.
    pub threshold: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
    /// It stays open for so long.
    pub reset: Span,
    /// Then so many attempts are let through to try. If all succeed it closes; if one fails it opens again.
    pub probes: u32,
}

impl Default for BreakerRule {
    fn default() -> Self {
        Self { threshold: 5, window: None, reset: Span::from_secs(30), probes: 1 }
    }
}

/// What a step does while its breaker is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenOpen {
    /// The attempt waits.
    #[default]
    Delay,
    /// The attempt fails.
    Fail,
}
