//! What an activity may answer.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// What came of an attempt that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    Output(T),
    /// There was nothing to do, and why. The step counts as skipped, and what comes after it runs.
    Skip(String),
    /// It is too early, and why. The next attempt comes after the delay; it does not count against the step's `retry`.
    Snooze {
        delay: Duration,
        reason: String,
    },
}

impl<T> Outcome<T> {
    /// Too early: again after the delay.
    pub fn snooze(delay: Duration, reason: impl Into<String>) -> Self {
        Self::Snooze { delay, reason: reason.into() }
    }
}

/// What an activity may return in its `Ok`: anything that serde can write, or an [`Outcome`] of it.
pub trait IntoOutcome {
    fn into_outcome(self) -> Result<Outcome<Value>, serde_json::Error>;
}

impl<T: Serialize> IntoOutcome for T {
    fn into_outcome(self) -> Result<Outcome<Value>, serde_json::Error> {
        serde_json::to_value(self).map(Outcome::Output)
    }
}

impl<T: Serialize> IntoOutcome for Outcome<T> {
    fn into_outcome(self) -> Result<Outcome<Value>, serde_json::Error> {
        match self {
            Self::Output(output) => output.into_outcome(),
            Self::Skip(reason) => Ok(Outcome::Skip(reason)),
            Self::Snooze { delay, reason } => Ok(Outcome::Snooze { delay, reason }),
        }
    }
}
