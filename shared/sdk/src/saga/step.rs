//! What is said about a step.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Branches, Plan, Saga, SagaError, Undo, put_into, text};

/// A saga, or branches of one, whose last step is still being described.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a saga is nothing until it is built"]
pub struct Step<Whole>(pub(super) Whole);

/// What has steps.
pub trait HasSteps {
    /// What is said of the step that was added last.
    fn last(&mut self) -> &mut Map<String, Value>;
}

impl HasSteps for Saga {
    fn last(&mut self) -> &mut Map<String, Value> {
        self.steps.last()
    }
}

impl HasSteps for Branches {
    fn last(&mut self) -> &mut Map<String, Value> {
        self.saga.steps.last()
    }
}

impl<Whole: HasSteps> Step<Whole> {
    /// What the activity gets. Texts may hold `${…}`.
    pub fn input(self, input: impl Into<Value>) -> Self {
        self.with("input", input)
    }

    /// Where its tasks wait, and those of what undoes it; `default` if nothing is said.
    pub fn queue(self, queue: impl Into<String>) -> Self {
        self.with("queue", queue.into())
    }

    /// How long an attempt may run. One that ran longer may have had its effect, so it is undone, too.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with("timeout", text(timeout))
    }

    /// How often it is tried at most, ever more rarely; once if nothing is said.
    pub fn attempts(self, attempts: u32) -> Self {
        self.with("retry", json!({ "attempts": attempts }))
    }

    /// A condition: unless it holds, the step is skipped, and there is nothing to undo.
    pub fn when(self, condition: impl Into<String>) -> Self {
        self.with("when", condition.into())
    }

    /// Something for its activity to know. It decides nothing.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        put_into(self.keys(), "metadata", key.into(), value.into());
        self
    }

    /// What undoes it: the name of an activity, or an [`Undo`] that says more. Said several times, one is done after the other.
    pub fn compensate(mut self, undo: impl Into<Undo>) -> Self {
        let action = undo.into().value();
        let said = self.keys().entry("compensate").or_insert_with(|| json!({ "actions": [] }));
        if let Some(Value::Array(actions)) = said.get_mut("actions") {
            actions.push(action);
        }
        self
    }

    /// It is undone also if it said that it failed: whatever it began by then. Without this, it is if it completed, and if nobody knows.
    pub fn compensate_even_if_it_failed(mut self) -> Self {
        let said = self.keys().entry("compensate").or_insert_with(|| json!({ "actions": [] }));
        said["on"] = json!("attempted");
        self
    }

    /// Its failure does no harm: the others go on, and nothing is undone.
    pub fn non_critical(self) -> Self {
        self.with("on_error", "continue")
    }

    /// Anything else that a step of a definition says: `retry`, `heartbeat`, `breaker`, `for_each`, …, as YAML has it.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.keys().insert(key.into(), value.into());
        self
    }

    fn keys(&mut self) -> &mut Map<String, Value> {
        self.0.last()
    }
}

impl Step<Saga> {
    /// What is done next.
    pub fn step(self, name: impl Into<String>, activity: impl Into<String>) -> Self {
        self.0.step(name, activity)
    }

    /// What is done next, all of it at once; see [`Saga::parallel`].
    pub fn parallel<B: Into<Branches>>(self, branches: impl FnOnce(Branches) -> B) -> Saga {
        self.0.parallel(branches)
    }

    /// See [`Saga::build`].
    pub fn build(&self) -> Result<Plan, SagaError> {
        self.0.build()
    }

    /// See [`Saga::source`].
    pub fn source(&self) -> String {
        self.0.source()
    }
}

impl From<Step<Self>> for Saga {
    fn from(step: Step<Self>) -> Self {
        step.0
    }
}
