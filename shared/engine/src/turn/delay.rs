//! How long to wait before what failed is tried again.

use std::borrow::Cow;

use sagaline_expr::Expression;
use sagaline_model::{RetryPolicy, Span, StepError};

use super::advance::expression_error;
use crate::{
    compiled::RetrySources,
    data::{Failure, span_of},
};

/// The delay after this failure, capped and with its jitter, which is derived from `seed` and the number of the attempt.
pub(super) fn delay_of(
    policy: &RetryPolicy,
    sources: &RetrySources,
    failure: &Failure<'_>,
    seed: &str,
    attempt: u32,
) -> Result<Span, StepError> {
    let policy = policy_of(policy, sources, failure)?;
    let delay = match (policy.delay(failure.attempt), &sources.backoff) {
        (Some(delay), _) => delay,
        (None, None) => policy.initial,
        (None, Some(expression)) => computed("backoff", expression, failure)?,
    };
    Ok(policy.settle(delay, seed, attempt))
}

/// The policy with what it computes. Where the backoff is an expression, nothing asks for the `initial`.
fn policy_of<'a>(
    policy: &'a RetryPolicy,
    sources: &RetrySources,
    failure: &Failure<'_>,
) -> Result<Cow<'a, RetryPolicy>, StepError> {
    let mut policy = Cow::Borrowed(policy);
    if let (Some(expression), None) = (&sources.initial, &sources.backoff) {
        policy.to_mut().initial = computed("initial", expression, failure)?;
    }
    if let Some(expression) = &sources.max {
        policy.to_mut().max = Some(computed("max", expression, failure)?);
    }
    Ok(policy)
}

fn computed(what: &str, expression: &Expression, failure: &Failure<'_>) -> Result<Span, StepError> {
    let value = expression.evaluate(failure).map_err(|fault| expression_error(&fault))?;
    span_of(&value).ok_or_else(|| {
        let message = format!("the {what} `{}` gave {value}, which is no duration", expression.source());
        StepError::new(StepError::EXPRESSION, message).final_()
    })
}
