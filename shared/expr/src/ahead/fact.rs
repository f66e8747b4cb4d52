//! What is known of a value before it is there, and what an operation makes of such values.

use std::{collections::BTreeMap, rc::Rc};

use chrono::{DateTime, TimeDelta};
use serde_json::Value;

use crate::{
    error::EvalCause,
    value::{Text, Val},
};

/// What a value is, as far as that decides what can be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueKind {
    Text,
    Number,
    Boolean,
    List,
    Map,
    Time,
    Duration,
    /// What `type(x)` gives.
    Type,
}

impl ValueKind {
    const ALL: [Self; 8] =
        [Self::Text, Self::Number, Self::Boolean, Self::List, Self::Map, Self::Time, Self::Duration, Self::Type];

    /// What messages call one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Time => "a time",
            Self::Duration => "a duration",
            Self::Type => "the name of a type",
        }
    }

    /// That of a JSON value; nothing of null and of what is stored elsewhere: that may be anything.
    pub fn of_json(value: &Value) -> Option<Self> {
        Self::of(&Val::of(value))
    }

    pub(super) fn of(value: &Val<'_>) -> Option<Self> {
        Some(match value {
            Val::Null | Val::Offloaded(_) => return None,
            Val::Bool(_) => Self::Boolean,
            Val::Int(_) | Val::UInt(_) | Val::Double(_) => Self::Number,
            Val::Text(_) => Self::Text,
            Val::Array(_) | Val::List(_) => Self::List,
            Val::Object(_) | Val::Map(_) => Self::Map,
            Val::Time(_) => Self::Time,
            Val::Duration(_) => Self::Duration,
            Val::Type(_) => Self::Type,
        })
    }

    /// A value for which as much works as for any of its kind: what fails with it fails with all.
    fn sample<'a>(self) -> Val<'a> {
        match self {
            Self::Text => Val::Text(Text::Borrowed("1")),
            Self::Number => Val::Int(1),
            Self::Boolean => Val::Bool(true),
            Self::List => Val::List(Rc::default()),
            Self::Map => Val::Map(Rc::new(BTreeMap::new())),
            Self::Time => Val::Time(DateTime::UNIX_EPOCH),
            Self::Duration => Val::Duration(TimeDelta::zero()),
            Self::Type => Val::Type("int"),
        }
    }
}

/// What is known of a value that an expression reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    Kind(ValueKind),
    /// One of these texts.
    Words(Vec<String>),
}

/// What is known of a part of an expression. That it may also be null goes without saying: whatever is absent is.
#[derive(Clone, Debug)]
pub(super) enum Fact<'a> {
    /// This, whatever comes.
    Exactly(Val<'a>),
    Words(Vec<String>),
    /// Of one of these.
    Kinds(Vec<ValueKind>),
    Any,
}

impl<'a> Fact<'a> {
    pub(super) fn kind(kind: ValueKind) -> Self {
        Self::Kinds(vec![kind])
    }

    /// The kinds that it may have, if that is not every one.
    pub(super) fn kinds(&self) -> Option<Vec<ValueKind>> {
        match self {
            Self::Exactly(value) => ValueKind::of(value).map(|kind| vec![kind]),
            Self::Words(_) => Some(vec![ValueKind::Text]),
            Self::Kinds(kinds) => Some(kinds.clone()),
            Self::Any => None,
        }
    }

    /// What it is called, if that is one thing.
    pub(super) fn name(&self) -> Option<&'static str> {
        match (self, self.kinds()?.as_slice()) {
            (_, [kind]) => Some(kind.name()),
            _ => None,
        }
    }

    pub(super) fn may_be(&self, kind: ValueKind) -> bool {
        match self {
            Self::Exactly(Val::Null) => false,
            _ => self.kinds().is_none_or(|kinds| kinds.contains(&kind)),
        }
    }

    /// One or the other.
    pub(super) fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Exactly(Val::Null), _) => other,
            (_, Self::Exactly(Val::Null)) => self,
            _ => match (self.kinds(), other.kinds()) {
                (Some(one), Some(more)) => Self::of_kinds([one, more].concat()),
                _ => Self::Any,
            },
        }
    }

    pub(super) fn of_kinds(mut kinds: Vec<ValueKind>) -> Self {
        kinds.sort_unstable();
        kinds.dedup();
        Self::Kinds(kinds)
    }

    /// The value, if it is known.
    pub(super) fn value(&self) -> Option<Val<'a>> {
        match self {
            Self::Exactly(value) => Some(value.clone()),
            Self::Words(_) | Self::Kinds(_) | Self::Any => None,
        }
    }

    /// Whether one may be what the other is. Null is like everything, since it stands for what is absent.
    pub(super) fn may_equal(&self, other: &Self) -> bool {
        match (self.kinds(), other.kinds()) {
            (Some(one), Some(other)) => one.iter().any(|kind| other.contains(kind)),
            _ => true,
        }
    }

    fn samples(&self) -> Vec<Val<'a>> {
        match self {
            Self::Exactly(value) => vec![value.clone()],
            Self::Words(_) => vec![ValueKind::Text.sample()],
            Self::Kinds(kinds) => kinds.iter().map(|kind| kind.sample()).collect(),
            Self::Any => ValueKind::ALL.iter().map(|kind| kind.sample()).collect(),
        }
    }
}

/// What an operation makes of operands of which so much is known: it is tried with a value of every kind that they may have.
/// A fault if it fails with all of them.
pub(super) fn tried<'a>(
    operands: &[&Fact<'a>],
    operation: impl Fn(&[Val<'a>]) -> Result<Val<'a>, EvalCause>,
) -> Result<Fact<'a>, EvalCause> {
    let exact: Option<Vec<Val<'a>>> = operands.iter().map(|fact| fact.value()).collect();
    if let Some(values) = exact {
        return operation(&values).map(Fact::Exactly);
    }
    // Two of which nothing is known: whatever it is, it works for some.
    if operands.len() > 1 && operands.iter().all(|fact| matches!(fact, Fact::Any)) {
        return Ok(Fact::Any);
    }
    let mut combinations = vec![vec![]];
    for fact in operands {
        let samples = fact.samples();
        combinations = combinations
            .iter()
            .flat_map(|before: &Vec<Val<'a>>| {
                samples.iter().map(|sample| [before, std::slice::from_ref(sample)].concat())
            })
            .collect();
    }
    let mut results = vec![];
    let mut mismatch = None;
    for values in combinations {
        match operation(&values) {
            Ok(value) => results.push(ValueKind::of(&value)),
            Err(cause @ EvalCause::Types { .. }) => mismatch = Some(cause),
            // With another value of that kind it may work.
            Err(_) => results.push(None),
        }
    }
    match mismatch {
        Some(cause) if results.is_empty() => Err(cause),
        _ => Ok(results.into_iter().collect::<Option<Vec<_>>>().map_or(Fact::Any, Fact::of_kinds)),
    }
}
