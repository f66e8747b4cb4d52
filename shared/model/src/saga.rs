//! What a definition says about how the effect of a step is taken back.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ActivityName, Backoff, Name, RetryPolicy, Span};

/// How a step is undone when its execution is rolled back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compensate {
    /// One after the other, in this order.
    pub actions: Vec<Compensation>,
    #[serde(default, skip_serializing_if = "CompensateOn::is_effected")]
    pub on: CompensateOn,
}

/// After which ends of a step there is something to undo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompensateOn {
    /// It completed, or nobody knows whether it had its effect: out of time, or its worker was lost.
    #[default]
    Effected,
    /// Also after it said that it failed: whatever it began is undone.
    Attempted,
}

impl CompensateOn {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    fn is_effected(&self) -> bool {
        *self == Self::Effected
    }
}

/// One activity that takes back an effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compensation {
    pub activity: ActivityName,
    /// Without one it is the queue of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Name>,
    /// JSON whose strings may hold `${…}`, computed when the step ends. Without one the activity gets what is known of the step: its
    /// `input`, `output`, `outcome`, `error` and `idempotency_key`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// From the start of an attempt to its end: a duration, or `${…}` that gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(default = "Compensation::patience")]
    pub retry: RetryPolicy,
    /// Whether the others go on without it when no attempt is left. Otherwise the saga is stuck until somebody helps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_skip: bool,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub metadata: Value,
}

impl Compensation {
    /// How often it is tried where nothing is said: for about a quarter of an hour.
    pub fn patience() -> RetryPolicy {
        RetryPolicy {
            attempts: 20,
            initial: Span::from_secs(1),
            backoff: Backoff::Exponential { multiplier: 2.0 },
            max: Some(Span::from_secs(60)),
            jitter: true,
            ..RetryPolicy::default()
        }
    }
}
