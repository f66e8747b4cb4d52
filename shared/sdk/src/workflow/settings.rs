//! What is said in more than a word: how something is tried again, and what bounds it.

use serde_json::Value;

use super::{
    text::{Length, Names},
    tree::{Keys, Tree},
};

/// How a step, or a whole workflow, is tried again. A number is short for one with so many attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry(pub(super) Keys);

impl Retry {
    /// How often it runs at most; 1 means no retry.
    pub fn attempts(attempts: u32) -> Self {
        Self(Keys::of("attempts", attempts))
    }

    /// What the workflow's own `retry` says of attempts, and from here on something else.
    pub fn as_usual() -> Self {
        Self(Keys::default())
    }

    /// The first delay.
    #[must_use]
    pub fn initial(self, delay: impl Into<Length>) -> Self {
        self.with("initial", delay.into().text())
    }

    /// `fixed`, `linear`, `exponential`, or one `${…}` that gives a delay.
    #[must_use]
    pub fn backoff(self, backoff: impl Into<String>) -> Self {
        self.with("backoff", backoff.into())
    }

    #[must_use]
    pub fn multiplier(self, multiplier: f64) -> Self {
        self.with("multiplier", multiplier)
    }

    /// No delay is longer.
    #[must_use]
    pub fn max(self, delay: impl Into<Length>) -> Self {
        self.with("max", delay.into().text())
    }

    /// Delays are shortened by up to half, differently for each execution and step.
    #[must_use]
    pub fn jitter(self) -> Self {
        self.with("jitter", true)
    }

    /// Only errors of these types are tried again.
    #[must_use]
    pub fn retry_on(self, kinds: impl Into<Names>) -> Self {
        self.with("retry_on", kinds.into().0)
    }

    /// Errors of these types are not.
    #[must_use]
    pub fn no_retry_on(self, kinds: impl Into<Names>) -> Self {
        self.with("no_retry_on", kinds.into().0)
    }

    fn with(self, key: &str, value: impl Into<Tree>) -> Self {
        Self(self.0.with(key, value))
    }
}

impl From<u32> for Retry {
    fn from(attempts: u32) -> Self {
        Self::attempts(attempts)
    }
}

/// Stops trying for a while what keeps failing. Steps whose breakers have the same name share one, over all executions.
#[derive(Clone, Debug, PartialEq)]
pub struct Breaker(pub(super) Keys);

impl Breaker {
    pub fn named(name: impl Into<String>) -> Self {
        Self(Keys::of("name", name.into()))
    }

    /// It opens after so many failures,
    #[must_use]
    pub fn threshold(self, failures: u32) -> Self {
        Self(self.0.with("threshold", failures))
    }

    /// within this time, if it is said.
    #[must_use]
    pub fn window(self, time: impl Into<Length>) -> Self {
        Self(self.0.with("window", time.into().text()))
    }

    /// It may close again after this time,
    #[must_use]
    pub fn reset(self, time: impl Into<Length>) -> Self {
        Self(self.0.with("reset", time.into().text()))
    }

    /// if so many attempts show that it can.
    #[must_use]
    pub fn probes(self, attempts: u32) -> Self {
        Self(self.0.with("probes", attempts))
    }

    /// While it is open attempts fail; otherwise they wait.
    #[must_use]
    pub fn fail_when_open(self) -> Self {
        Self(self.0.with("when_open", "fail"))
    }
}

impl From<&str> for Breaker {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

/// So many attempts begin in a time, over all executions.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate(pub(super) Keys);

impl Rate {
    pub fn of(limit: u32, per: impl Into<Length>) -> Self {
        Self(Keys::of("limit", limit).with("per", per.into().text()))
    }

    /// So many may begin at once.
    #[must_use]
    pub fn burst(self, attempts: u32) -> Self {
        Self(self.0.with("burst", attempts))
    }

    /// Steps that name the same are counted together; without a name, all attempts of the activity are.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self(self.0.with("name", name.into()))
    }

    /// Counted apart for each value of this text.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        Self(self.0.with("key", key.into()))
    }
}

/// So many attempts are at work at once, over all executions. A number is short for one without a name and a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit(pub(super) Keys);

impl Limit {
    pub fn of(limit: u32) -> Self {
        Self(Keys::of("limit", limit))
    }

    /// Steps that name the same are counted together; without a name, all attempts of the activity are.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self(self.0.with("name", name.into()))
    }

    /// Counted apart for each value of this text.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        Self(self.0.with("key", key.into()))
    }
}

impl From<u32> for Limit {
    fn from(limit: u32) -> Self {
        Self::of(limit)
    }
}

/// So many executions of a workflow are at work at once. A number is short for one that says nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Concurrency(pub(super) Keys);

impl Concurrency {
    pub fn of(limit: u32) -> Self {
        Self(Keys::of("limit", limit))
    }

    /// Counted apart for each value of this text.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        Self(self.0.with("key", key.into()))
    }

    /// Workflows that name the same pool are counted together.
    #[must_use]
    pub fn pool(self, pool: impl Into<String>) -> Self {
        Self(self.0.with("pool", pool.into()))
    }

    /// What becomes of one too many: `queue`, `skip` or `cancel_old`.
    #[must_use]
    pub fn on_limit(self, what: impl Into<String>) -> Self {
        Self(self.0.with("on_limit", what.into()))
    }
}

impl From<u32> for Concurrency {
    fn from(limit: u32) -> Self {
        Self::of(limit)
    }
}

/// What is done for each item of a list. An expression is short for one that says nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Each(pub(super) Keys);

impl Each {
    /// A list, or a `${…}` that gives one.
    pub fn of(items: impl Into<Value>) -> Self {
        Self(Keys::of("items", items.into()))
    }

    /// The name by which expressions inside read the item; `item` if nothing is said.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self(self.0.with("as", name.into()))
    }

    /// So many items are worked on at once: a number, or an expression.
    #[must_use]
    pub fn concurrency(self, items: impl Into<Value>) -> Self {
        Self(self.0.with("concurrency", items.into()))
    }

    /// What the failure of an item means: `fail`, `skip` or `continue`.
    #[must_use]
    pub fn on_item_error(self, what: impl Into<String>) -> Self {
        Self(self.0.with("on_item_error", what.into()))
    }
}

impl<V: Into<Value>> From<V> for Each {
    fn from(items: V) -> Self {
        Self::of(items)
    }
}

/// How a running execution may be changed, and what it answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update(pub(super) Keys);

impl Update {
    pub fn new() -> Self {
        Self::default()
    }

    /// What it must look like.
    #[must_use]
    pub fn schema(self, schema: impl Into<Value>) -> Self {
        Self(self.0.with("schema", schema.into()))
    }

    /// Unless this holds it is refused.
    #[must_use]
    pub fn when(self, condition: impl Into<String>) -> Self {
        Self(self.0.with("when", condition.into()))
    }

    /// A key of `ctx` and what it becomes.
    #[must_use]
    pub fn set(mut self, key: impl AsRef<str>, value: impl Into<Value>) -> Self {
        self.0.map("set").set(key.as_ref(), value.into());
        self
    }

    /// The answer.
    #[must_use]
    pub fn result(self, value: impl Into<Value>) -> Self {
        Self(self.0.with("result", value.into()))
    }
}
