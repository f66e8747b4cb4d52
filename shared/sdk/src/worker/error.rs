//! How an activity fails, and why a worker cannot run.

use std::error::Error;

use sagaline_broker::{nats::ConnectError, ports::Failure};
use sagaline_model::StepError;
use serde::Serialize;
use serde_json::Value;

/// An attempt failed. Any `std` error becomes one by `?`, of type `Error` and retryable.
///
/// It is deliberately no `std` error itself, which is what makes that conversion possible.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityError(StepError);

impl ActivityError {
    /// `kind` is what a definition's `retry_on` and `no_retry_on` go by: `CardDeclined`.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self(StepError::new(kind, message))
    }

    /// No attempt may follow, whatever the definition says.
    #[must_use]
    pub fn not_retryable(self) -> Self {
        Self(self.0.final_())
    }

    /// What people and handlers find beside the message. Details that are no JSON are left out.
    #[must_use]
    pub fn with_details(mut self, details: impl Serialize) -> Self {
        self.0.details = serde_json::to_value(details).ok();
        self
    }

    pub fn kind(&self) -> &str {
        &self.0.kind
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    pub fn details(&self) -> Option<&Value> {
        self.0.details.as_ref()
    }

    pub(super) fn into_step_error(self) -> StepError {
        self.0
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for ActivityError {
    /// The message is that of the error and of all its sources.
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self::new(StepError::UNTYPED, message)
    }
}

/// Why a worker does not run.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("the worker cannot run:{}", .0.iter().map(|fault| format!("\n  {fault}")).collect::<String>())]
    Settings(Vec<String>),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Nats(#[from] Failure),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the card cannot be charged")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn any_error_becomes_a_retryable_one_with_its_causes() {
        fn fails() -> Result<(), ActivityError> {
            Err(Outer("x".parse::<u32>().expect_err("no number")))?
        }
        let error = fails().expect_err("it fails");
        assert_eq!((error.kind(), error.is_retryable()), ("Error", true));
        assert_eq!(error.message(), "the card cannot be charged: invalid digit found in string");
    }

    #[test]
    fn details_travel_with_the_error() {
        let error = ActivityError::new("CardDeclined", "no funds").with_details([1, 2]).not_retryable();
        assert_eq!(error.details(), Some(&serde_json::json!([1, 2])));
        assert!(!error.into_step_error().retryable);
    }
}
