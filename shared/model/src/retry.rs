//! Whether a failed step is tried again, and when.

use serde::{Deserialize, Serialize};

use crate::{Span, StepError, id::fnv1a};

/// The policy of a step. `attempts` counts runs: 1 means no retry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    pub attempts: u32,
    #[serde(default = "first_delay")]
    pub initial: Span,
    #[serde(default)]
    pub backoff: Backoff,
    /// No delay is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Span>,
    /// Delays are shortened by up to half, differently for each step and attempt, so that many failures do not come back at once.
    #[serde(default)]
    pub jitter: bool,
    /// If not empty, only errors of these types are retried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retry_on: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub no_retry_on: Vec<String>,
    /// `${…}` that gives the `initial` when a delay is needed, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_initial: Option<String>,
    /// The same of `max`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_max: Option<String>,
}

/// How the delay grows from attempt to attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    /// `initial` every time.
    Fixed,
    /// `initial` times the number of failed attempts.
    Linear,
    /// `initial` times `multiplier` to the power of the failed attempts before.
    Exponential { multiplier: f64 },
    /// An expression over `attempt` and `error` that gives seconds or a duration.
    Custom { expression: String },
}

impl Default for Backoff {
    fn default() -> Self {
        Self::Exponential { multiplier: 2.0 }
    }
}

fn first_delay() -> Span {
    Span::from_secs(1)
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 1,
            initial: first_delay(),
            backoff: Backoff::default(),
            max: None,
            jitter: false,
            retry_on: vec![],
            no_retry_on: vec![],
            computed_initial: None,
            computed_max: None,
        }
    }
}

impl RetryPolicy {
    /// Whether its delays begin or end where an expression says.
    pub fn has_computed_delays(&self) -> bool {
        self.computed_initial.is_some() || self.computed_max.is_some()
    }

    /// Whether another attempt follows the failure of attempt number `attempt`.
    pub fn retries(&self, attempt: u32, error: &StepError) -> bool {
        let named = |list: &[String]| list.contains(&error.kind);
        attempt < self.attempts
            && error.retryable
            && !named(&self.no_retry_on)
            && (self.retry_on.is_empty() || named(&self.retry_on))
    }

    /// The delay after the failure of attempt number `attempt`; `None` where an expression decides.
    pub fn delay(&self, attempt: u32) -> Option<Span> {
        let failed = attempt.max(1);
        match &self.backoff {
            Backoff::Fixed => Some(self.initial),
            Backoff::Linear => Some(self.initial.times(f64::from(failed))),
            Backoff::Exponential { multiplier } => Some(self.initial.times(power(*multiplier, failed - 1))),
            Backoff::Custom { .. } => None,
        }
    }

    /// Applies the cap and the jitter. The jitter is derived from `seed` (execution and step) and the attempt: no randomness.
    pub fn settle(&self, delay: Span, seed: &str, attempt: u32) -> Span {
        let capped = self.max.map_or(delay, |max| delay.min(max));
        if !self.jitter {
            return capped;
        }
        let share = f64::from(fnv1a(format!("{seed}/{attempt}").as_bytes())) / f64::from(u32::MAX);
        capped.times(0.5 + 0.5 * share)
    }
}

/// `base` to the power of `exponent`, by squaring. (`powi` may give another last bit on another machine or with another compiler,
/// and a delay must be the same whoever computes it.)
fn power(base: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut left) = (1.0, base, exponent);
    while left > 0 {
        if left % 2 == 1 {
            result *= square;
        }
        square *= square;
        left /= 2;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(backoff: Backoff) -> RetryPolicy {
        RetryPolicy { attempts: 5, initial: Span::from_secs(2), backoff, ..RetryPolicy::default() }
    }

    #[test]
    fn delays_grow_as_the_policy_says() {
        let delays =
            |backoff: Backoff| [1, 2, 3].map(|attempt| policy(backoff.clone()).delay(attempt).map(Span::as_millis));
        assert_eq!(delays(Backoff::Fixed), [2000, 2000, 2000].map(Some));
        assert_eq!(delays(Backoff::Linear), [2000, 4000, 6000].map(Some));
        assert_eq!(delays(Backoff::Exponential { multiplier: 3.0 }), [2000, 6000, 18_000].map(Some));
        assert_eq!(delays(Backoff::Custom { expression: "1".into() }), [None; 3]);
    }

    #[test]
    fn a_delay_can_grow_for_ever_without_harm() {
        let growing = policy(Backoff::Exponential { multiplier: 1.5 });
        assert_eq!(growing.delay(6), Some(Span::from_nanos(15_187_500_000)));
        assert_eq!(growing.delay(u32::MAX), Some(Span::LONGEST));
        assert_eq!(policy(Backoff::Exponential { multiplier: 0.5 }).delay(u32::MAX), Some(Span::ZERO));
    }

    #[test]
    fn the_cap_and_the_jitter_only_shorten() {
        let mut policy = policy(Backoff::Fixed);
        policy.max = Some(Span::from_secs(1));
        assert_eq!(policy.settle(Span::from_secs(2), "e/s", 1), Span::from_secs(1));
        policy.jitter = true;
        let jittered: Vec<_> = (1..50).map(|attempt| policy.settle(Span::from_secs(2), "e/s", attempt)).collect();
        assert!(jittered.iter().all(|delay| *delay >= Span::from_millis(500) && *delay <= Span::from_secs(1)));
        assert!(jittered.windows(2).any(|pair| pair[0] != pair[1]));
        assert_eq!(jittered[3], policy.settle(Span::from_secs(2), "e/s", 4));
    }

    #[test]
    fn error_types_decide_about_retries() {
        let mut policy = policy(Backoff::Fixed);
        let declined = StepError::new("CardDeclined", "no funds");
        assert!(policy.retries(4, &declined));
        assert!(!policy.retries(5, &declined));
        assert!(!policy.retries(1, &declined.clone().final_()));
        policy.no_retry_on = vec!["CardDeclined".into()];
        assert!(!policy.retries(1, &declined));
        policy.no_retry_on = vec![];
        policy.retry_on = vec!["Timeout".into()];
        assert!(!policy.retries(1, &declined));
        assert!(policy.retries(1, &StepError::new("Timeout", "")));
    }
}
