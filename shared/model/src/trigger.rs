//! Triggers: which events start executions of a workflow, or are told to one that runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Gather, Name, Plan, PlannedSchedule};

/// What starts executions besides people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    Event(EventTrigger),
    Manual,
    /// Ticks of a schedule of its own.
    Schedule(Box<PlannedSchedule>),
}

/// CloudEvents that fit in every way that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventTrigger {
    /// One of these is its type. `*` is any word between dots, a last `>` any rest.
    #[serde(rename = "type", with = "one_or_more")]
    pub types: Vec<String>,
    /// A condition over `trigger`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// A template over `trigger`. Without one the event's data is the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// `*` is any text in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `*` is any text in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Extension attributes that it must have. `*` is any text in a value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, String>,
    /// It is told to an execution instead of starting one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<Box<SignalTrigger>>,
    /// Several are gathered, and start one execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gather: Option<Box<Gather>>,
}

/// A signal that an event is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalTrigger {
    pub name: Name,
    /// A text that may hold `${…}` over `trigger`: the id of the execution.
    pub execution: String,
    /// A template over `trigger`. Without one the event's data goes with the signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl Trigger {
    /// By which rules of a plan it can be served.
    pub fn rules(&self) -> u32 {
        match self {
            Self::Event(event) if event.is_plain() => Plan::FIRST_RULES,
            Self::Event(_) | Self::Schedule(_) => Plan::RULES_OF_STARTS,
            Self::Manual => Plan::FIRST_RULES,
        }
    }
}

impl EventTrigger {
    /// Every event of a type.
    pub fn of(kind: impl Into<String>) -> Self {
        Self { types: vec![kind.into()], ..Self::default() }
    }

    /// Whether it asks for nothing but one type, a condition and an input, as the first triggers did.
    fn is_plain(&self) -> bool {
        let Self { types, when: _, input: _, source, subject, extensions, signal, gather } = self;
        let one_type = matches!(types.as_slice(), [one] if !one.contains(['*', '>']));
        one_type
            && source.is_none()
            && subject.is_none()
            && extensions.is_empty()
            && signal.is_none()
            && gather.is_none()
    }
}

/// One text is written as it is, several as a list.
mod one_or_more {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }

    pub(super) fn serialize<S: Serializer>(texts: &[String], to: S) -> Result<S::Ok, S::Error> {
        match texts {
            [one] => one.serialize(to),
            more => more.serialize(to),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
        Ok(match OneOrMore::deserialize(from)? {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        })
    }
}
