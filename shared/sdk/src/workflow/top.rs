//! What is said about a workflow as a whole.

use serde_json::{Value, json};

use super::{
    Workflow,
    settings::{Concurrency, Retry, Update},
    start::{OnEvent, Schedule},
    step::Step,
    text::{Length, Names},
    tree::{Keys, Tree},
};

/// Of all executions with one key one runs; the others end at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Unique(Keys);

impl Unique {
    /// The key, a text that may hold `${…}`, and how long it is held at most.
    pub fn of(key: impl Into<String>, at_most: impl Into<Length>) -> Self {
        Self(Keys::of("key", key.into()).with("for", at_most.into().text()))
    }

    /// Until when it is held: `end`, `success` or `expiry`.
    #[must_use]
    pub fn until(self, until: impl Into<String>) -> Self {
        Self(self.0.with("until", until.into()))
    }
}

impl Workflow {
    /// Any other key at the top of a definition, as YAML has it.
    pub fn with(self, key: impl AsRef<str>, value: impl Into<Value>) -> Self {
        self.put(key.as_ref(), value.into())
    }

    // === what starts it ===

    /// Events start it: of a type, of several, or an [`OnEvent`] that says more. Said several times, any of them does.
    pub fn on_event(self, event: impl Into<OnEvent>) -> Self {
        self.push("on", event.into().0)
    }

    /// It starts by itself. Said several times, each is a schedule of its own.
    pub fn schedule(self, schedule: Schedule) -> Self {
        self.push("on", schedule.0)
    }

    /// People start it. That changes nothing, since anything may be started by hand.
    pub fn manual(self) -> Self {
        self.push("on", "manual")
    }

    /// What its input must look like: a JSON Schema.
    pub fn input_schema(self, schema: impl Into<Value>) -> Self {
        self.put("input_schema", schema.into())
    }

    // === how long, and how much at once ===

    /// When this is over it ends as `timed_out`.
    pub fn timeout(self, timeout: impl Into<Length>) -> Self {
        self.put("timeout", timeout.into().text())
    }

    /// At this time, `2026-11-20T06:00:00Z` or an expression, it ends as `timed_out`.
    pub fn deadline(self, time: impl Into<String>) -> Self {
        self.put("deadline", time.into())
    }

    /// The `timeout` of every activity step that has none of its own.
    pub fn step_timeout(self, timeout: impl Into<Length>) -> Self {
        self.put("step_timeout", timeout.into().text())
    }

    /// How many of its activity steps are at work at once: a number, or an expression.
    pub fn step_concurrency(self, steps: impl Into<Value>) -> Self {
        self.put("step_concurrency", steps.into())
    }

    /// How many of its executions are at work at once: a number, or a [`Concurrency`].
    pub fn concurrency(self, concurrency: impl Into<Concurrency>) -> Self {
        self.put("concurrency", concurrency.into().0)
    }

    /// Of all executions with one key one runs.
    pub fn unique(self, unique: Unique) -> Self {
        self.put("unique", unique.0)
    }

    // === when something fails ===

    /// How its steps are tried again, unless they say otherwise.
    pub fn retry(self, retry: impl Into<Retry>) -> Self {
        self.put("retry", retry.into().0)
    }

    /// How often the whole is begun anew when it fails.
    pub fn retry_workflow(self, retry: impl Into<Retry>) -> Self {
        self.put("retry_workflow", retry.into().0)
    }

    /// What failed is kept for thirty days, to be tried again.
    pub fn dead_letter(self) -> Self {
        self.put("dead_letter", true)
    }

    /// What failed is kept for so long, to be tried again.
    pub fn dead_letter_for(self, time: impl Into<Length>) -> Self {
        self.put("dead_letter", Keys::of("ttl", time.into().text()))
    }

    /// What is done once it has completed.
    pub fn on_success(self, step: Step) -> Self {
        self.put("on_success", step.keys)
    }

    /// What is done once it has failed or run out of its time.
    pub fn on_failure(self, step: Step) -> Self {
        self.put("on_failure", step.keys)
    }

    /// What is done once it was cancelled.
    pub fn on_cancel(self, step: Step) -> Self {
        self.put("on_cancel", step.keys)
    }

    /// The activity that hears of each attempt that fails.
    pub fn on_step_error(self, activity: Step) -> Self {
        self.put("on_step_error", activity.keys)
    }

    // === what it gives, and what is said with it while it runs ===

    /// What it gives when it completes; the maps that its steps returned, merged, if nothing is said.
    pub fn output(self, output: impl Into<Value>) -> Self {
        self.put("output", output.into())
    }

    /// What the data of a signal must look like: a JSON Schema.
    pub fn signal_schema(mut self, signal: impl AsRef<str>, schema: impl Into<Value>) -> Self {
        self.keys.map("signals").set(signal.as_ref(), json!({ "schema": schema.into() }));
        self
    }

    /// What a running execution answers to this question.
    pub fn query(mut self, name: impl AsRef<str>, answer: impl Into<Value>) -> Self {
        self.keys.map("queries").set(name.as_ref(), answer.into());
        self
    }

    /// How a running execution may be changed.
    pub fn update(mut self, name: impl AsRef<str>, update: Update) -> Self {
        self.keys.map("updates").set(name.as_ref(), update.0);
        self
    }

    // === for people ===

    /// Every execution has these, beneath its own: `orders`, or `team=blue`.
    pub fn tags(self, tags: impl Into<Names>) -> Self {
        self.put("tags", tags.into().0)
    }

    /// What is new in this version.
    pub fn version_note(self, note: impl Into<String>) -> Self {
        self.put("version_note", note.into())
    }

    /// Any value, for people and programs. It decides nothing.
    pub fn metadata(self, metadata: impl Into<Value>) -> Self {
        self.put("metadata", metadata.into())
    }

    fn put(mut self, key: &str, value: impl Into<Tree>) -> Self {
        self.keys.set(key, value);
        self
    }

    fn push(mut self, key: &str, value: impl Into<Tree>) -> Self {
        self.keys.push(key, value);
        self
    }
}
