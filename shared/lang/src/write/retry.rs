//! `retry`: as much of a policy as its base does not say already.

use sagaline_model::{Backoff, RetryPolicy};
use serde_json::Value;

use super::document::{Document, Keys, braced, texts_of};

/// Nothing, if the base says it all.
pub(super) fn retry(policy: &RetryPolicy, base: &RetryPolicy) -> Option<Document> {
    let keys = keys(policy, base);
    (!keys.is_empty()).then(|| keys.short("attempts"))
}

/// The same, where something has to be said.
pub(super) fn retry_in_any_case(policy: &RetryPolicy) -> Document {
    retry(policy, &RetryPolicy::default()).unwrap_or_else(|| policy.attempts.into())
}

fn keys(policy: &RetryPolicy, base: &RetryPolicy) -> Keys {
    let RetryPolicy { attempts, initial, backoff, max, jitter, retry_on, no_retry_on, computed_initial, computed_max } =
        policy;
    let mut keys = Keys::default();
    if *attempts != base.attempts {
        keys.put("attempts", *attempts);
    }
    if (initial, computed_initial) != (&base.initial, &base.computed_initial) {
        keys.text("initial", computed_initial.clone().unwrap_or_else(|| initial.to_string()));
    }
    if *backoff != base.backoff {
        grows(&mut keys, backoff, &base.backoff);
    }
    if (max, computed_max) != (&base.max, &base.computed_max) {
        keys.maybe_text("max", computed_max.clone().or_else(|| max.map(|max| max.to_string())));
    }
    if *jitter != base.jitter {
        keys.put("jitter", *jitter);
    }
    if *retry_on != base.retry_on {
        keys.put("retry_on", texts_of(retry_on));
    }
    if *no_retry_on != base.no_retry_on {
        keys.put("no_retry_on", texts_of(no_retry_on));
    }
    keys
}

fn grows(keys: &mut Keys, backoff: &Backoff, base: &Backoff) {
    match backoff {
        Backoff::Fixed => keys.text("backoff", "fixed"),
        Backoff::Linear => keys.text("backoff", "linear"),
        Backoff::Custom { expression } => keys.text("backoff", braced(expression)),
        Backoff::Exponential { multiplier } => {
            if !matches!(base, Backoff::Exponential { .. }) {
                keys.text("backoff", "exponential");
            }
            keys.put("multiplier", Document::Plain(number(*multiplier)));
        }
    }
}

/// Whole numbers without a fraction, as people write them.
fn number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 { (number as i64).into() } else { number.into() }
}
