//! How the executions of a workflow go as wholes: how much at once, until when, what about them is worth knowing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Plan;
use crate::{RetryPolicy, Span};

/// What a definition says about an execution as a whole, beyond its steps. Amounts and times are as written: themselves, or
/// `${…}` over what is known when an execution starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conduct {
    /// How many activity steps have an attempt at work at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_concurrency: Option<String>,
    /// The `timeout`, where it is an expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// The time at which the execution's time is over, whenever it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// Whatever people want to know of the workflow. It decides nothing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub metadata: Value,
    /// Whether an execution that failed begins anew, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_workflow: Option<RetryPolicy>,
    /// Whether, and how long, an execution that failed is kept for somebody to look at and to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<DeadLetters>,
}

/// How executions that failed are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetters {
    pub ttl: Span,
}

impl DeadLetters {
    /// How long they are kept unless the definition says otherwise.
    pub const TTL: Span = Span::from_secs(30 * 24 * 3600);
}

impl Conduct {
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// By which rules it can be decided.
    pub fn rules(&self) -> u32 {
        let Self { step_concurrency, timeout, deadline, metadata: _, retry_workflow, dead_letter } = self;
        let decides = [step_concurrency, timeout, deadline].into_iter().any(Option::is_some);
        let decides = decides || retry_workflow.is_some() || dead_letter.is_some();
        if decides { Plan::RULES_OF_COMPANY } else { Plan::FIRST_RULES }
    }
}
