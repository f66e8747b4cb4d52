//! What starts executions: events and schedules.

use serde_json::Value;

use super::{
    text::{Length, Names},
    tree::{Keys, Tree},
};

/// Which events, and what they begin or are told to. A type is short for one that says nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct OnEvent(pub(super) Keys);

impl OnEvent {
    /// Events of this type, or of these. `order.*` is any one word after `order`, `order.>` any rest.
    pub fn of(types: impl Into<Names>) -> Self {
        Self(Keys::of("event", types.into().0))
    }

    /// What the event's source must be; `*` stands for any text.
    #[must_use]
    pub fn source(self, source: impl Into<String>) -> Self {
        self.with("source", source.into())
    }

    /// What the event's subject must be; `*` stands for any text.
    #[must_use]
    pub fn subject(self, subject: impl Into<String>) -> Self {
        self.with("subject", subject.into())
    }

    /// An extension attribute that it must have.
    #[must_use]
    pub fn extension(mut self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
        self.0.map("extensions").set(name.as_ref(), value.into());
        self
    }

    /// A condition over `trigger`.
    #[must_use]
    pub fn when(self, condition: impl Into<String>) -> Self {
        self.with("when", condition.into())
    }

    /// The input of the execution; the event's data if nothing is said.
    #[must_use]
    pub fn input(self, input: impl Into<Value>) -> Self {
        self.with("input", input.into())
    }

    /// It starts nothing, and is this signal to the running execution of this id, which may be computed from `trigger`.
    #[must_use]
    pub fn signal(self, name: impl Into<String>, execution: impl Into<String>) -> Self {
        self.with("signal", name.into()).with("execution", execution.into())
    }

    /// What goes with the signal; the event's data if nothing is said.
    #[must_use]
    pub fn data(self, data: impl Into<Value>) -> Self {
        self.with("data", data.into())
    }

    /// One execution with the last event, once none has come for a while.
    #[must_use]
    pub fn debounce(self, debounce: Debounce) -> Self {
        self.with("debounce", debounce.0)
    }

    /// One execution with all events, as soon as there are enough or the first has waited long enough.
    #[must_use]
    pub fn batch(self, batch: Batch) -> Self {
        self.with("batch", batch.0)
    }

    fn with(self, key: &str, value: impl Into<Tree>) -> Self {
        Self(self.0.with(key, value))
    }
}

impl<N: Into<Names>> From<N> for OnEvent {
    fn from(types: N) -> Self {
        Self::of(types)
    }
}

/// One execution for several events: with the last of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Debounce(Keys);

impl Debounce {
    /// Once no event has come for so long.
    pub fn of(quiet: impl Into<Length>) -> Self {
        Self(Keys::of("for", quiet.into().text()))
    }

    /// Each value of this text by itself.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        Self(self.0.with("key", key.into()))
    }

    /// So long after the first event at the latest.
    #[must_use]
    pub fn max(self, time: impl Into<Length>) -> Self {
        Self(self.0.with("max", time.into().text()))
    }
}

/// One execution for several events: with all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch(Keys);

impl Batch {
    /// As soon as there are so many, and so long after the first at the latest.
    pub fn of(size: u32, within: impl Into<Length>) -> Self {
        Self(Keys::of("size", size).with("for", within.into().text()))
    }

    /// Each value of this text by itself.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        Self(self.0.with("key", key.into()))
    }
}

/// When executions start by themselves. [`cron`], [`every`], [`at`] and [`once_in`] make one.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule(pub(super) Keys);

/// At the times of one or several cron expressions.
pub fn cron(expressions: impl Into<Names>) -> Schedule {
    Schedule(Keys::of("cron", expressions.into().0))
}

/// Again and again after this time.
pub fn every(period: impl Into<Length>) -> Schedule {
    let mut keys = Keys::default();
    keys.map("every").set("period", period.into().text());
    Schedule(keys)
}

/// At one or several times: `2026-12-24T18:00:00Z`.
pub fn at(times: impl Into<Names>) -> Schedule {
    Schedule(Keys::of("at", times.into().0))
}

/// Once, so long after it is applied.
pub fn once_in(time: impl Into<Length>) -> Schedule {
    Schedule(Keys::of("in", time.into().text()))
}

impl Schedule {
    /// The moment that the periods of [`every`] are counted from.
    #[must_use]
    pub fn anchor(mut self, time: impl Into<String>) -> Self {
        self.0.map("every").set("anchor", time.into());
        self
    }

    /// So long after each of those moments.
    #[must_use]
    pub fn offset(mut self, time: impl Into<Length>) -> Self {
        self.0.map("every").set("offset", time.into().text());
        self
    }

    /// Not before this time.
    #[must_use]
    pub fn start_at(self, time: impl Into<String>) -> Self {
        self.put("start_at", time.into())
    }

    /// Not after this time.
    #[must_use]
    pub fn end_at(self, time: impl Into<String>) -> Self {
        self.put("end_at", time.into())
    }

    /// Whose clocks are meant: `Europe/Berlin`; UTC if nothing is said.
    #[must_use]
    pub fn timezone(self, zone: impl Into<String>) -> Self {
        self.put("timezone", zone.into())
    }

    /// Each start is moved back by up to this time, differently for each tick.
    #[must_use]
    pub fn jitter(self, time: impl Into<Length>) -> Self {
        self.put("jitter", time.into().text())
    }

    /// What becomes of a tick while the execution of one before is at work: `allow`, `skip`, `queue_one` or `cancel_running`.
    #[must_use]
    pub fn overlap(self, what: impl Into<String>) -> Self {
        self.put("overlap", what.into())
    }

    /// How old a missed tick may be that is still made up for.
    #[must_use]
    pub fn catch_up(self, time: impl Into<Length>) -> Self {
        self.put("catch_up", time.into().text())
    }

    /// How many executions it starts in all.
    #[must_use]
    pub fn limit(self, executions: u32) -> Self {
        self.put("limit", executions)
    }

    /// Their input, as it stands.
    #[must_use]
    pub fn input(self, input: impl Into<Value>) -> Self {
        self.put("input", input.into())
    }

    /// Any other key of a schedule, as YAML has it: the ways to say when may be combined.
    #[must_use]
    pub fn with(self, key: impl AsRef<str>, value: impl Into<Value>) -> Self {
        self.put(key.as_ref(), value.into())
    }

    fn put(self, key: &str, value: impl Into<Tree>) -> Self {
        Self(self.0.with(key, value))
    }
}
