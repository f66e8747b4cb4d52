//! A step: what all kinds have in common, and what an activity has.

use sagaline_model::OnError;
use serde_json::Value;

use super::{
    settings::{Breaker, Each, Limit, Rate, Retry},
    text::{Length, Names},
    tree::{Keys, Tree},
};
use crate::saga::Undo;

/// What a workflow does at one place. [`activity`](super::activity) and its like make one; its name comes from where it is added.
///
/// Everything may be called of every kind. What makes no sense is refused when the workflow is built, as it is in a file.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a step does nothing until a workflow has it"]
pub struct Step {
    pub(super) keys: Keys,
}

impl Step {
    pub(super) fn of(kind: &str, value: impl Into<Tree>) -> Self {
        Self { keys: Keys::of(kind, value) }
    }

    /// A step as YAML has it: `{ "activity": "echo", "after": "a" }`.
    pub fn from_keys(keys: impl Into<Value>) -> Self {
        match keys.into().into() {
            Tree::Map(keys) => Self { keys },
            // Not what a step is, which is for whoever reads it to say.
            other => Self::of("activity", other),
        }
    }

    /// Any other key of a step, as YAML has it.
    pub fn with(self, key: impl AsRef<str>, value: impl Into<Value>) -> Self {
        self.put(key.as_ref(), value.into())
    }

    // === its place among the others ===

    /// It begins when these are done.
    pub fn after(self, steps: impl Into<Names>) -> Self {
        self.add("after", steps.into())
    }

    /// It begins when one of these has completed.
    pub fn after_any(self, steps: impl Into<Names>) -> Self {
        self.add("after_any", steps.into())
    }

    /// It begins when all steps of these groups are done.
    pub fn after_group(self, groups: impl Into<Names>) -> Self {
        self.add("after_group", groups.into())
    }

    /// It begins when these are done, and all steps that they returned.
    pub fn after_graft(self, steps: impl Into<Names>) -> Self {
        self.add("after_graft", steps.into())
    }

    /// It belongs to this group.
    pub fn group(self, group: impl Into<String>) -> Self {
        self.put("group", group.into())
    }

    // === whether, and how often ===

    /// Unless this holds it is skipped.
    pub fn when(self, condition: impl Into<String>) -> Self {
        self.put("when", condition.into())
    }

    /// The same is done for each item of a list.
    pub fn for_each(self, items: impl Into<Each>) -> Self {
        self.put("for_each", items.into().0)
    }

    /// What its failure means, once no attempt is left; that the whole fails, if nothing is said.
    pub fn on_error(self, on_error: OnError) -> Self {
        let word = match on_error {
            OnError::Fail => "fail",
            OnError::Skip => "skip",
            OnError::Continue => "continue",
            OnError::Pause => "pause",
        };
        self.put("on_error", word)
    }

    /// The key of `ctx` that its output is put under, whatever it is. Otherwise a map that it gives is merged into `ctx`.
    pub fn context_key(self, key: impl Into<String>) -> Self {
        self.put("context_key", key.into())
    }

    // === what it gets, and where ===

    /// What its activity gets, or its child. Texts may hold `${…}`.
    pub fn input(self, input: impl Into<Value>) -> Self {
        self.put_within(&["child"], "input", input.into())
    }

    /// Where its tasks wait; `default` if nothing is said. Of a child: where those of its steps do.
    pub fn queue(self, queue: impl Into<String>) -> Self {
        self.put_within(&["child"], "queue", queue.into())
    }

    /// Something for its activity to know. It decides nothing.
    pub fn metadata(self, metadata: impl Into<Value>) -> Self {
        self.put("metadata", metadata.into())
    }

    // === limits of time ===

    /// How long an attempt of an activity may run; how long a signal, an approval, an event or a child is waited for.
    pub fn timeout(self, timeout: impl Into<Length>) -> Self {
        self.put_within(&["await", "child"], "timeout", timeout.into().text())
    }

    /// How long an attempt may wait for a worker.
    pub fn schedule_timeout(self, timeout: impl Into<Length>) -> Self {
        self.put("schedule_timeout", timeout.into().text())
    }

    /// How long all attempts together may take.
    pub fn total_timeout(self, timeout: impl Into<Length>) -> Self {
        self.put("total_timeout", timeout.into().text())
    }

    /// How long a running attempt may show no sign of life.
    pub fn heartbeat(self, timeout: impl Into<Length>) -> Self {
        self.put("heartbeat", timeout.into().text())
    }

    /// Until when all attempts may go on: `2026-11-20T06:00:00Z`, or an expression.
    pub fn deadline(self, time: impl Into<String>) -> Self {
        self.put("deadline", time.into())
    }

    // === trying again, and what bounds it ===

    /// How it is tried again: a number of attempts, or a [`Retry`]. What is left out comes from the workflow's.
    pub fn retry(self, retry: impl Into<Retry>) -> Self {
        self.put("retry", retry.into().0)
    }

    /// What stops attempts for a while when they keep failing.
    pub fn breaker(self, breaker: impl Into<Breaker>) -> Self {
        self.put("breaker", breaker.into().0)
    }

    /// How many attempts begin in a time. Said several times, all of them count.
    pub fn rate_limit(self, rate: Rate) -> Self {
        self.push("rate_limit", rate.0)
    }

    /// How many attempts are at work at once: a number, or a [`Limit`]. Said several times, all of them count.
    pub fn limit(self, limit: impl Into<Limit>) -> Self {
        self.push("limit", limit.into().0)
    }

    // === what comes of it ===

    /// What undoes it: the name of an activity, or an [`Undo`] that says more. Said several times, one is done after the other.
    pub fn compensate(mut self, undo: impl Into<Undo>) -> Self {
        self.keys.map("compensate").push("actions", undo.into().value());
        self
    }

    /// It is undone also if it said that it failed, since it may have begun something.
    pub fn compensate_even_if_it_failed(mut self) -> Self {
        self.keys.map("compensate").set("on", "attempted");
        self
    }

    /// It may return further steps.
    pub fn expand(mut self) -> Self {
        self.keys.map("expand");
        self
    }

    /// It may return further steps, of which so many are worked on at once.
    pub fn expand_at_once(mut self, steps: u32) -> Self {
        self.keys.map("expand").set("concurrency", steps);
        self
    }

    /// It may return further steps, whose tasks may wait in these queues, too.
    pub fn expand_into(mut self, queues: impl Into<Names>) -> Self {
        self.keys.map("expand").set("queues", queues.into().0);
        self
    }

    // === how it is kept ===

    pub(super) fn put(mut self, key: &str, value: impl Into<Tree>) -> Self {
        self.keys.set(key, value);
        self
    }

    /// Into the map of a kind. A step of another kind does two things then, which is refused.
    pub(super) fn put_in(mut self, kind: &str, key: &str, value: impl Into<Tree>) -> Self {
        self.keys.map(kind).set(key, value);
        self
    }

    /// Beside an activity; but these kinds have it in their map.
    fn put_within(mut self, kinds: &[&str], key: &str, value: impl Into<Tree>) -> Self {
        match kinds.iter().find(|kind| self.keys.get(kind).is_some()) {
            Some(kind) => self.keys.map(kind).set(key, value),
            None => self.keys.set(key, value),
        }
        self
    }

    fn push(mut self, key: &str, value: impl Into<Tree>) -> Self {
        self.keys.push(key, value);
        self
    }

    fn add(mut self, key: &str, names: Names) -> Self {
        if self.keys.get(key).is_none() {
            self.keys.set(key, Vec::<String>::new());
        }
        names.0.into_iter().for_each(|name| self.keys.push(key, name));
        self
    }
}
