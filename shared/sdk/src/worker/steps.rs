//! Steps that an activity returns: the rest of its step, decided while it runs.

use std::time::Duration;

use sagaline_model::{Compensate, OnError, RetryPolicy, Span};
use serde_json::{Map, Value, json};

/// Steps to be done in the place of the one that returns them; see [`Outcome::expand`](super::Outcome::expand). Its definition
/// must say `expand`.
///
/// They run side by side but for what `after` says. What the last of them gives ends the step that returned them; its output is
/// a map of theirs, by their names.
///
/// ```
/// use sagaline_sdk::worker::{NewStep, Outcome};
/// use serde_json::json;
///
/// fn plan(images: &[String]) -> Outcome<()> {
///     let resize = |(place, image): (usize, &String)| {
///         NewStep::new(format!("process_{place}"), "images.resize").input(json!({ "image": image })).retry(3)
///     };
///     Outcome::expand(images.iter().enumerate().map(resize))
/// }
/// # assert_ne!(plan(&["a.png".to_owned()]), plan(&[]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStep(Map<String, Value>);

impl NewStep {
    /// A step that an activity does. Its name is the only one among those it is returned with: letters, digits, `_` and `-`.
    pub fn new(name: impl Into<String>, activity: impl Into<String>) -> Self {
        Self::of_kind(name, json!({"step": {"activity": activity.into()}}))
    }

    /// A step of any kind, as docs/protocol.md describes nodes: `{"wait": {"duration": "5m"}}`.
    pub fn of_kind(name: impl Into<String>, kind: Value) -> Self {
        let mut node = Map::new();
        node.insert("name".to_owned(), Value::String(name.into()));
        node.insert("kind".to_owned(), kind);
        Self(node)
    }

    /// What its activity gets. Texts may hold `${…}`, which read what they read elsewhere, and the steps it is returned with.
    #[must_use]
    pub fn input(self, input: impl Into<Value>) -> Self {
        self.of_step("input", input.into())
    }

    /// Where its tasks wait; `default` if nothing is said. The definition must name that queue.
    #[must_use]
    pub fn queue(self, queue: impl Into<String>) -> Self {
        self.of_step("queue", Value::String(queue.into()))
    }

    /// How long an attempt may run.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.of_step("timeout", Value::String(Span::from(timeout).to_string()))
    }

    /// How often it runs at most: 1 means no retry. How long is waited in between is for the workflow's `retry` to say.
    #[must_use]
    pub fn retry(self, attempts: u32) -> Self {
        self.of_step("retry", json!({ "attempts": attempts }))
    }

    /// How it is tried again, whatever the workflow says.
    #[must_use]
    pub fn retry_policy(self, policy: &RetryPolicy) -> Self {
        self.of_step("retry", json!(policy))
    }

    /// It may return further steps itself, of which so many are worked on at once.
    #[must_use]
    pub fn expands(self, concurrency: u32) -> Self {
        self.of_step("expand", json!({ "concurrency": concurrency }))
    }

    /// It begins when all of these are done. They are among those it is returned with.
    #[must_use]
    pub fn after<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.with("after", names.into_iter().map(|name| Value::String(name.into())).collect())
    }

    /// It begins when one of these has completed.
    #[must_use]
    pub fn after_any<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.with("after_any", names.into_iter().map(|name| Value::String(name.into())).collect())
    }

    /// A condition, without `${…}`: unless it holds, the step is skipped.
    #[must_use]
    pub fn when(self, condition: impl Into<String>) -> Self {
        self.with("when", Value::String(condition.into()))
    }

    /// What its failure means for the others; that of all of them if nothing is said.
    #[must_use]
    pub fn on_error(self, on_error: OnError) -> Self {
        self.with("on_error", json!(on_error))
    }

    /// Its output is put under this key of `ctx`, whatever it is; a map that is returned is merged otherwise.
    #[must_use]
    pub fn context_key(self, key: impl Into<String>) -> Self {
        self.with("context_key", Value::String(key.into()))
    }

    /// So many of its attempts begin in a time, evenly, together with all others that name the same gate.
    #[must_use]
    pub fn rate_limit(self, name: impl Into<String>, limit: u32, per: Duration) -> Self {
        self.gate(json!({ "rate": { "name": name.into(), "limit": limit, "per": Span::from(per).to_string() } }))
    }

    /// So many of its attempts are at work at once, together with all others that name the same gate.
    #[must_use]
    pub fn limit(self, name: impl Into<String>, limit: u32) -> Self {
        self.gate(json!({ "places": { "name": name.into(), "limit": limit } }))
    }

    /// One more gate: a [`Gate`](sagaline_model::Gate) as JSON.
    #[must_use]
    pub fn gate(mut self, gate: Value) -> Self {
        let step = self.0.get_mut("kind").and_then(|kind| kind.get_mut("step")).and_then(Value::as_object_mut);
        if let Some(Value::Array(gates)) = step.map(|step| step.entry("gates").or_insert_with(|| json!([]))) {
            gates.push(gate);
        }
        self
    }

    /// The activity that takes it back if the execution is rolled back. It gets what is known of the step.
    #[must_use]
    pub fn compensate(self, activity: impl Into<String>) -> Self {
        self.of_step("compensate", json!({ "actions": [{ "activity": activity.into() }] }))
    }

    /// The same, in every detail.
    #[must_use]
    pub fn compensate_so(self, how: &Compensate) -> Self {
        self.of_step("compensate", json!(how))
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }

    /// Of a step that has an activity; nobody else has such.
    fn of_step(mut self, key: &str, value: Value) -> Self {
        if let Some(Value::Object(step)) = self.0.get_mut("kind").and_then(|kind| kind.get_mut("step")) {
            step.insert(key.to_owned(), value);
        }
        self
    }
}

impl From<NewStep> for Value {
    fn from(step: NewStep) -> Value {
        Value::Object(step.0)
    }
}
