//! What definitions leave to others: to the workflow, for the steps that one of its steps returns; to the installation, for
//! workflows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Concurrency, Gate, Name, RetryPolicy, Span};

/// What an installation gives to the workflows that are applied to it, where they say nothing of their own. It is decided when a
/// definition is applied: its plan holds what came of it, and stays as it is.
///
/// Recorded (bucket `settings`) as people write it. One of a newer version is refused by an older one, which would leave out what it does
/// not know of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Of an execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Of an attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_timeout: Option<Span>,
    #[serde(default, skip_serializing_if = "RetryDefaults::is_empty")]
    pub retry: RetryDefaults,
    /// How many executions are at work at once: of all that share the `pool`, or of each workflow for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
}

/// How steps are tried again: any part of a [`RetryPolicy`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryDefaults {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<BackoffWord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiplier: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_on: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_retry_on: Option<Vec<String>>,
}

/// The ways in which a delay grows that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackoffWord {
    Fixed,
    Linear,
    Exponential,
}

/// What the activity steps that a step returns have, where they say nothing of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepDefaults {
    /// A duration, or `${…}` that gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// What operators said of the queues: the steps of each pass these gates, whatever they say themselves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<Name, Vec<Gate>>,
}

impl Defaults {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What these leave out comes from `below`.
    #[must_use]
    pub fn over(self, below: &Self) -> Self {
        Self {
            timeout: self.timeout.or(below.timeout),
            step_timeout: self.step_timeout.or(below.step_timeout),
            retry: self.retry.over(&below.retry),
            concurrency: self.concurrency.or_else(|| below.concurrency.clone()),
        }
    }
}

impl RetryDefaults {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn over(self, below: &Self) -> Self {
        let below = below.clone();
        Self {
            attempts: self.attempts.or(below.attempts),
            initial: self.initial.or(below.initial),
            backoff: self.backoff.or(below.backoff),
            multiplier: self.multiplier.or(below.multiplier),
            max: self.max.or(below.max),
            jitter: self.jitter.or(below.jitter),
            retry_on: self.retry_on.or(below.retry_on),
            no_retry_on: self.no_retry_on.or(below.no_retry_on),
        }
    }
}

impl StepDefaults {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
