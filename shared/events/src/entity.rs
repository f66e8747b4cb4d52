//! Entities: small things that executions share, each with a log of its own. What they are told, and what they answer.
//!
//! An answer is an input on the log of the execution that asked ([`crate::Input::Entity`]).

use std::{fmt, sync::Arc};

use sagaline_model::{BreakerRule, ExecutionId, Moment, Name, OnLimit, RateRule, Span, token_of};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{FramePath, wire::inputs_on_the_wire};
pub use crate::{
    event_wait::{Awaited, Came, Leave},
    gather::Gathered,
};

/// What an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    /// Places, of which so many are taken at once.
    Limit,
    /// Whether something outside may be tried at all.
    Breaker,
    /// Events of a type that have something in common, and those who wait for them.
    Event,
    /// Turns, of which so many come in a time.
    Rate,
    /// A key that one execution has at a time.
    Unique,
    /// Events that are gathered before they start an execution.
    Gather,
}

/// The name of an entity, as it stands in its subject: `~limit:order`, `~limit:order:acme`, `~pool:all`, `~breaker:payments`,
/// `~event:order_2epaid:0f3a…:A-1`, `~places:api`, `~rate:api:acme`, `~unique:order-7`, `~gather:order:0f3a…:A-1`. No execution's id
/// begins with `~`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntityKey(Arc<str>);

/// A text that names no entity.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` names no entity; `~limit:…`, `~pool:…`, `~breaker:…`, `~event:…`, `~places:…`, `~rate:…`, `~unique:…` and `~gather:…` do"
)]
pub struct NotAnEntity(String);

impl EntityKey {
    pub(crate) fn made(key: String) -> Self {
        Self(key.into())
    }

    /// The places of a workflow, or of those of its executions that have this key in common.
    pub fn limit(workflow: &Name, key: Option<&str>) -> Self {
        Self::named("limit", workflow, key)
    }

    /// The places of a pool, which several workflows share.
    pub fn pool(pool: &Name, key: Option<&str>) -> Self {
        Self::named("pool", pool, key)
    }

    /// The places of attempts that name the same, or of those that have this key in common besides.
    pub fn places(name: &Name, key: Option<&str>) -> Self {
        Self::named("places", name, key)
    }

    /// The turns of attempts that name the same, or of those that have this key in common besides.
    pub fn rate(name: &Name, key: Option<&str>) -> Self {
        Self::named("rate", name, key)
    }

    /// A key that one execution has at a time, whatever it runs.
    pub fn unique(key: &str) -> Self {
        Self(format!("~unique:{}", token_of(key)).into())
    }

    fn named(kind: &str, of: &Name, key: Option<&str>) -> Self {
        let key = key.map(|key| format!(":{}", token_of(key))).unwrap_or_default();
        Self(format!("~{kind}:{of}{key}").into())
    }

    pub fn breaker(name: &Name) -> Self {
        Self(format!("~breaker:{name}").into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn kind(&self) -> EntityKind {
        match self.0.split_once(':') {
            Some(("~breaker", _)) => EntityKind::Breaker,
            Some(("~event", _)) => EntityKind::Event,
            Some(("~rate", _)) => EntityKind::Rate,
            Some(("~unique", _)) => EntityKind::Unique,
            Some(("~gather", _)) => EntityKind::Gather,
            _ => EntityKind::Limit,
        }
    }
}

impl TryFrom<String> for EntityKey {
    type Error = NotAnEntity;

    fn try_from(text: String) -> Result<Self, NotAnEntity> {
        let (names, most) = match text.split_once(':') {
            Some(("~limit" | "~pool" | "~places" | "~rate", names)) => (names, 2),
            Some(("~breaker" | "~unique", name)) => (name, 1),
            Some(("~event" | "~gather", names)) => (names, 3),
            Some(_) | None => return Err(NotAnEntity(text)),
        };
        let names: Vec<&str> = names.split(':').collect();
        if names.len() > most || names.iter().any(|name| Name::new(*name).is_err()) {
            return Err(NotAnEntity(text));
        }
        Ok(Self(text.into()))
    }
}

impl From<EntityKey> for String {
    fn from(key: EntityKey) -> Self {
        (*key.0).to_owned()
    }
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// Who asks, since when, and for what: an execution for itself, or for an attempt of one of its steps. Nobody asks twice with the
/// same ticket once that was given back. In this order: who began to ask first comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket {
    pub since: Moment,
    pub execution: ExecutionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<FramePath>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(attempt: &u32) -> bool {
    *attempt == 0
}

/// What an entity is told.
#[derive(Clone, Debug, PartialEq)]
pub enum EntityInput {
    Acquire(Acquire),
    Release(Release),
    Permit(Permit),
    Outcome(Outcome),
    Timer(EntityTimer),
    Await(Awaited),
    Leave(Leave),
    Event(Came),
    Turn(Turn),
    Claim(Claim),
    Gather(Box<Gathered>),
}

/// Asks for a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acquire {
    #[serde(flatten)]
    pub ticket: Ticket,
    /// How many places there are: the word of who began to ask last counts.
    pub limit: u32,
    #[serde(default, skip_serializing_if = "OnLimit::is_queue")]
    pub on_limit: OnLimit,
}

/// Gives a place back, or does not want one any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    #[serde(flatten)]
    pub ticket: Ticket,
}

/// Asks whether an attempt may begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Permit {
    #[serde(flatten)]
    pub ticket: Ticket,
    /// By which rule the breaker opens: the word of who began to ask last counts.
    pub rule: BreakerRule,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    #[serde(flatten)]
    pub ticket: Ticket,
    /// Missing: it says nothing about what the breaker is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
}

/// The entity's timer came due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntityTimer {}

/// Asks when an attempt may begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    #[serde(flatten)]
    pub ticket: Ticket,
    /// How many may begin in which time: the word of who began to ask last counts.
    pub rule: RateRule,
}

/// Asks for a key that one execution has at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    #[serde(flatten)]
    pub ticket: Ticket,
    /// It is free again after this at the latest.
    #[serde(rename = "for")]
    pub ttl: Span,
    /// The execution of which this is another try: what that has, this one takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<ExecutionId>,
}

/// What an entity says to whoever asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntityWord {
    pub entity: EntityKey,
    /// With which ticket it was asked, without the execution: that is the one whose log this is on.
    pub since: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<FramePath>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
    pub says: Says,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// The place is the execution's. If it has no use for it, it gives it back.
    Granted,
    /// No place is free, and it did not want to wait.
    Refused { limit: u32 },
    /// The place goes to another.
    GiveUp { to: ExecutionId },
    /// Whether the place is still wanted: whoever knows nothing of it gives it back.
    StillThere,
    /// The attempt may begin. If nobody waits for that, it is reported without an outcome.
    Permitted,
    /// The breaker is open: nothing begins before then.
    Delayed { until: Moment },
    /// What was waited for: a CloudEvent as JSON. Whoever does not wait for it (any more) says so.
    Came { event: Value },
    /// The attempt may begin then. Nobody else has this turn, whether it is used or not.
    Reserved { at: Moment },
    /// The key is the execution's. Nobody gives that back who has no use for it: it comes free by time.
    Claimed { until: Moment },
    /// Another has the key.
    Taken { by: ExecutionId, until: Moment },
}

impl EntityWord {
    pub fn new(entity: EntityKey, ticket: &Ticket, says: Says) -> Self {
        Self { entity, since: ticket.since, path: ticket.path.clone(), attempt: ticket.attempt, says }
    }

    /// With which ticket this execution asked.
    pub fn ticket(&self, execution: ExecutionId) -> Ticket {
        Ticket { since: self.since, execution, path: self.path.clone(), attempt: self.attempt }
    }
}

inputs_on_the_wire! {
    /// Every type of an entity's input on the wire.
    ENTITY_INPUT_TYPES: "sagaline.entity." for EntityInput {
        Acquire => "acquire",
        Release => "release",
        Permit => "permit",
        Outcome => "outcome",
        Timer => "timer",
        Await => "await",
        Leave => "leave",
        Event => "event",
        Turn => "turn",
        Claim => "claim",
        Gather => "gather",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_subject_token_that_no_execution_has() {
        let order = Name::new("order").expect("a name");
        let keys = [
            EntityKey::limit(&order, None),
            EntityKey::pool(&order, None),
            EntityKey::pool(&order, Some("a.b")),
            EntityKey::limit(&order, Some("a.b")),
            EntityKey::limit(&order, Some(&"é".repeat(300))),
            EntityKey::limit(&order, Some("")),
            EntityKey::breaker(&order),
            EntityKey::places(&order, Some("a.b")),
            EntityKey::rate(&order, None),
            EntityKey::unique("a.b:c"),
            EntityKey::unique(""),
        ];
        assert_eq!((keys[2].as_str(), keys[3].as_str()), ("~pool:order:a_2eb", "~limit:order:a_2eb"));
        for key in keys {
            assert_eq!(EntityKey::try_from(key.to_string()).expect("a key"), key);
            assert!(ExecutionId::new(key.as_str()).is_err());
            assert!(!key.as_str().contains(['.', ' ', '*', '>']) && key.as_str().len() < 300, "{key}");
        }
        for (one, other) in [("a.b", "a_2eb"), ("", "_"), ("a b", "a_20b")] {
            assert_ne!(EntityKey::limit(&order, Some(one)), EntityKey::limit(&order, Some(other)));
            assert_ne!(EntityKey::rate(&order, Some(one)), EntityKey::rate(&order, Some(other)));
            assert_ne!(EntityKey::unique(one), EntityKey::unique(other));
        }
        for bad in ["~owner", "order", "~limit", "~limit:", "~limit:a.b", "~limit:a:b:c", "~breaker:a:b", "~lock:a"] {
            assert!(EntityKey::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
