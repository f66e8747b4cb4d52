//! What a retry policy computes, made ready to run.

use sagaline_expr::{Expression, whole};
use sagaline_model::{Backoff, RetryPolicy};

use super::{CompileError, expression_of};

/// Evaluated each time that a delay is needed.
#[derive(Debug, Default)]
pub struct RetrySources {
    pub backoff: Option<Expression>,
    pub initial: Option<Expression>,
    pub max: Option<Expression>,
}

impl RetrySources {
    pub(super) fn compile(step: &str, policy: &RetryPolicy) -> Result<Self, CompileError> {
        let expression = |text: &String| expression_of(step, whole(text).unwrap_or(text).trim());
        Ok(Self {
            backoff: match &policy.backoff {
                Backoff::Custom { expression: text } => Some(expression(text)?),
                Backoff::Fixed | Backoff::Linear | Backoff::Exponential { .. } => None,
            },
            initial: policy.computed_initial.as_ref().map(expression).transpose()?,
            max: policy.computed_max.as_ref().map(expression).transpose()?,
        })
    }
}
