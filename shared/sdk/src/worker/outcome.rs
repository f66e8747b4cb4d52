//! What an activity may answer.

use std::time::Duration;

use sagaline_broker::worker::Ended;
use sagaline_events::input::OnLate;
use serde::Serialize;
use serde_json::Value;

use super::NewStep;

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
    /// This much is done; now somebody has to approve. The step is complete with the approval, and its output is what that gave.
    WaitForApproval(WaitForApproval),
    /// Steps that are to be done in the place of this one. Its definition must say `expand`.
    Expand(Vec<NewStep>),
}

/// Who may approve, and how long they have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitForApproval {
    approvers: Vec<String>,
    timeout: Option<Duration>,
    skip_when_late: bool,
}

impl WaitForApproval {
    /// One of these has to approve.
    pub fn by(approvers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { approvers: approvers.into_iter().map(Into::into).collect(), ..Self::by_anybody() }
    }

    pub fn by_anybody() -> Self {
        Self::default()
    }

    /// Nobody in time fails the step with the error type `Timeout`.
    #[must_use]
    pub fn within(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Nobody in time skips the step.
    #[must_use]
    pub fn or_skip(self) -> Self {
        Self { skip_when_late: true, ..self }
    }

    pub(super) fn ended(self) -> Ended {
        let on_timeout = if self.skip_when_late { OnLate::Skip } else { OnLate::Fail };
        Ended::Awaits { approvers: self.approvers, timeout: self.timeout.map(Into::into), on_timeout }
    }
}

impl<T> Outcome<T> {
    /// Too early: again after the delay.
    pub fn snooze(delay: Duration, reason: impl Into<String>) -> Self {
        Self::Snooze { delay, reason: reason.into() }
    }

    /// Somebody has to approve first. Whoever should hear of that is told by the activity, before it answers.
    pub fn wait_for_approval(wait: WaitForApproval) -> Self {
        Self::WaitForApproval(wait)
    }

    /// These are to be done in the place of this step, whose definition must say `expand`. What comes after it begins when all of
    /// them are done; with none of them, at once.
    pub fn expand(steps: impl IntoIterator<Item = NewStep>) -> Self {
        Self::Expand(steps.into_iter().collect())
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
            Self::WaitForApproval(wait) => Ok(Outcome::WaitForApproval(wait)),
            Self::Expand(steps) => Ok(Outcome::Expand(steps)),
        }
    }
}
