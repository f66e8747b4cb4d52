//! A step for an executor: what is done, how often and for how long it is tried, and what follows from it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ActivityName, Breaker, Compensate, Gate, Name, RetryPolicy, StepDefaults};

/// A task for an executor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub activity: ActivityName,
    #[serde(default = "default_queue")]
    pub queue: Name,
    /// JSON whose strings may hold `${…}`; null if not given.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// From the start of an attempt to its end: a duration, or `${…}` that gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(flatten)]
    pub limits: StepLimits,
    #[serde(default)]
    pub retry: RetryPolicy,
    /// Whatever the activity is to know of the step besides its input.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub metadata: Value,
    /// Whether it may return further steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expand: Option<Box<Expand>>,
    /// Asked before each attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Box<Breaker>>,
    /// How it is undone, if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensate: Option<Box<Compensate>>,
    /// What each attempt must get before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
}

/// What is done with the steps that a step returns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expand {
    /// How many of them are worked on at once.
    pub concurrency: u32,
    /// Queues that they may name besides those of the steps in the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<Name>,
    /// What they have where they say nothing of their own.
    #[serde(default, skip_serializing_if = "StepDefaults::is_empty")]
    pub defaults: StepDefaults,
}

/// What limits the time of a step besides its `timeout`: durations, or `${…}` that gives one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepLimits {
    /// From the hand-over of an attempt to its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_timeout: Option<String>,
    /// From the first hand-over to the end of the last attempt, with all that is waited in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_timeout: Option<String>,
    /// From one sign of life of an attempt to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<String>,
    /// The time at which the time of all attempts is over: as RFC 3339 writes it, or `${…}` that gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
}

impl Step {
    /// Where tasks wait whose steps name no queue.
    pub const DEFAULT_QUEUE: &str = "default";
}

fn default_queue() -> Name {
    Name::new(Step::DEFAULT_QUEUE).expect("`default` may be a name")
}
