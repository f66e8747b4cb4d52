//! What an activity gets that undoes a step.

use sagaline_model::StepError;
use serde::Deserialize;

/// What is known of a step that is undone: what its activity gets, unless the definition gives it something else.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Undone<Input, Output> {
    pub input: Input,
    /// None unless it completed.
    pub output: Option<Output>,
    pub outcome: UndoneOutcome,
    /// Why it failed, if it did.
    #[serde(default)]
    pub error: Option<StepError>,
    /// That of the step, not of its undoing.
    pub idempotency_key: String,
}

/// Whether a step that is undone had its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoneOutcome {
    Completed,
    /// Nobody knows.
    Unknown,
    Failed,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_known_is_read() {
        let known = json!({ "input": { "amount": 5 }, "output": { "charge": "c-17" }, "outcome": "completed", "idempotency_key": "A/pay", "error": null });
        let undone: Undone<Value, Value> = serde_json::from_value(known).expect("it is read");
        assert_eq!((undone.outcome, undone.error), (UndoneOutcome::Completed, None));
        let known = json!({ "input": null, "output": null, "outcome": "failed", "idempotency_key": "A/pay", "error": { "type": "Busy", "message": "no" } });
        let undone: Undone<Value, Value> = serde_json::from_value(known).expect("it is read");
        assert_eq!(undone.output, None);
        assert_eq!(undone.error.map(|error| error.kind), Some("Busy".to_owned()));
    }
}
