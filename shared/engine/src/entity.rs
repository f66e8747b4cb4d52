//! What executions share: places, breakers, rates and unique keys. Each is a state machine of its own, as pure as that of an execution.
//!
//! Messages may come twice, late, and in another order than they were sent. Two rules make that harmless. A ticket that was given
//! back is remembered for a while, so that what was still on its way for it does nothing. And whatever is granted to somebody who
//! has no use for it comes back: who is told of a place that it does not want says so, and who is not heard of is asked.

mod breaker;
mod events;
mod gathering;
mod places;
mod rate;
mod recent;
mod unique;
mod view;

use sagaline_events::{
    EntityInput, EntityKey, EntityWord, Says, Start, Ticket,
    entity::{EntityKind, EntityTimer},
};
use sagaline_model::{ExecutionId, Moment};
use serde::{Deserialize, Serialize};

pub use self::{breaker::Breaker, events::Events, gathering::Gathering, places::Places, rate::Rate, unique::Unique};

/// A small thing that executions share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    pub key: EntityKey,
    /// The time of the last input: time never goes back.
    pub now: Moment,
    pub thing: Thing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    Places(Places),
    Breaker(Breaker),
    Events(Events),
    Rate(Rate),
    Unique(Unique),
    Gathering(Gathering),
}

/// What an entity wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum EntityEffect {
    /// Tell who asked.
    Tell { to: ExecutionId, word: EntityWord },
    /// This input may not be applied; keep it where an operator finds it.
    Reject { reason: &'static str, detail: String },
    /// Start this execution, if it is not there yet.
    Start { execution: ExecutionId, start: Box<Start> },
}

/// An answer, and for which ticket.
pub(crate) type Said = (Ticket, Says);

impl Entity {
    /// An entity of which nothing is known.
    pub fn new(key: EntityKey) -> Self {
        let thing = Thing::fresh(key.kind());
        Self { key, now: Moment::EPOCH, thing }
    }
}

impl Thing {
    fn fresh(kind: EntityKind) -> Self {
        match kind {
            EntityKind::Limit => Thing::Places(Places::default()),
            EntityKind::Breaker => Thing::Breaker(Breaker::default()),
            EntityKind::Event => Thing::Events(Events::default()),
            EntityKind::Rate => Thing::Rate(Rate::default()),
            EntityKind::Unique => Thing::Unique(Unique::default()),
            EntityKind::Gather => Thing::Gathering(Gathering::default()),
        }
    }
}

impl Entity {
    /// Folds `input`, stored at `at`, into the entity.
    pub fn apply(&mut self, input: &EntityInput, at: Moment) -> Vec<EntityEffect> {
        let at = at.max(self.now);
        self.now = at;
        self.forget(at);
        let said = match (&mut self.thing, input) {
            (Thing::Places(places), EntityInput::Acquire(ask)) => places.acquire(ask, at),
            (Thing::Places(places), EntityInput::Release(release)) => places.release(&release.ticket, at),
            (Thing::Places(places), EntityInput::Timer(EntityTimer {})) => places.ask_after(at),
            (Thing::Breaker(breaker), EntityInput::Permit(ask)) => breaker.permit(ask, at),
            (Thing::Breaker(breaker), EntityInput::Outcome(outcome)) => {
                breaker.report(&outcome.ticket, outcome.ok, at);
                vec![]
            }
            (Thing::Events(events), EntityInput::Await(ask)) => events.wait(ask, at),
            (Thing::Events(events), EntityInput::Leave(leave)) => events.leave(&leave.ticket, at),
            (Thing::Events(events), EntityInput::Event(came)) => events.came(came, at),
            (Thing::Events(events), EntityInput::Release(release)) => events.release(&release.ticket, at),
            (Thing::Events(events), EntityInput::Timer(EntityTimer {})) => events.ask_after(at),
            (Thing::Gathering(gathering), EntityInput::Gather(came)) => return gathering.gather(&self.key, came, at),
            (Thing::Gathering(gathering), EntityInput::Timer(EntityTimer {})) => return gathering.look(&self.key, at),
            (Thing::Gathering(_), _) | (_, EntityInput::Gather(_)) => {
                let detail = format!("`{}` does not take a `{}`", self.key, input.kind());
                return vec![EntityEffect::Reject { reason: "wrong_entity", detail }];
            }
            (Thing::Rate(rate), EntityInput::Turn(ask)) => rate.turn(ask, at),
            (Thing::Unique(unique), EntityInput::Claim(ask)) => unique.claim(ask, at),
            (Thing::Unique(unique), EntityInput::Release(release)) => {
                unique.release(&release.ticket, at);
                vec![]
            }
            (Thing::Breaker(_) | Thing::Rate(_) | Thing::Unique(_), EntityInput::Timer(EntityTimer {})) => vec![],
            (
                Thing::Places(_) | Thing::Events(_) | Thing::Rate(_) | Thing::Unique(_),
                EntityInput::Permit(_) | EntityInput::Outcome(_),
            )
            | (Thing::Breaker(_) | Thing::Rate(_), EntityInput::Acquire(_) | EntityInput::Release(_))
            | (Thing::Events(_) | Thing::Unique(_), EntityInput::Acquire(_))
            | (Thing::Places(_) | Thing::Breaker(_) | Thing::Events(_), EntityInput::Turn(_) | EntityInput::Claim(_))
            | (Thing::Rate(_), EntityInput::Claim(_))
            | (Thing::Unique(_), EntityInput::Turn(_))
            | (
                Thing::Places(_) | Thing::Breaker(_) | Thing::Rate(_) | Thing::Unique(_),
                EntityInput::Await(_) | EntityInput::Leave(_) | EntityInput::Event(_),
            ) => {
                let detail = format!("`{}` does not take a `{}`", self.key, input.kind());
                return vec![EntityEffect::Reject { reason: "wrong_entity", detail }];
            }
        };
        let tell = |(ticket, says): Said| {
            let word = EntityWord::new(self.key.clone(), &ticket, says);
            EntityEffect::Tell { to: ticket.execution, word }
        };
        said.into_iter().map(tell).collect()
    }

    /// One owner may have forgotten it by now, and another one folds the same log without having done so: both must say the same.
    fn forget(&mut self, at: Moment) {
        match &self.thing {
            Thing::Places(_) | Thing::Rate(_) | Thing::Unique(_) if self.is_blank(at) => {
                self.thing = Thing::fresh(self.key.kind());
            }
            Thing::Places(_) | Thing::Rate(_) | Thing::Unique(_) => {}
            // Its rule stays, for an outcome does not bring one.
            Thing::Breaker(_) => {}
            Thing::Events(_) | Thing::Gathering(_) => {}
        }
    }

    /// When its timer is due.
    pub fn next_timer(&self) -> Option<Moment> {
        match &self.thing {
            Thing::Places(places) => places.next_timer(),
            // What is over by time is seen when somebody asks.
            Thing::Breaker(_) | Thing::Rate(_) | Thing::Unique(_) => None,
            Thing::Events(events) => events.next_timer(),
            Thing::Gathering(gathering) => gathering.next_timer(),
        }
    }

    /// Whether it holds nothing at this time that matters: forgetting it changes nothing.
    pub fn is_blank(&self, now: Moment) -> bool {
        match &self.thing {
            Thing::Places(places) => places.is_blank(now),
            Thing::Breaker(breaker) => breaker.is_blank(now),
            Thing::Events(events) => events.is_blank(now),
            Thing::Rate(rate) => rate.is_blank(now),
            Thing::Unique(unique) => unique.is_blank(now),
            Thing::Gathering(gathering) => gathering.is_blank(now),
        }
    }

    /// The bytes of a snapshot.
    pub fn to_snapshot(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("the state has text keys only")
    }

    /// Reads what [`Entity::to_snapshot`] wrote.
    pub fn from_snapshot(json: &[u8]) -> Result<Self, serde_json::Error> {
        let mut entity: Self = serde_json::from_slice(json)?;
        match &mut entity.thing {
            Thing::Places(places) => places.reindex(),
            Thing::Events(events) => events.reindex(),
            Thing::Breaker(_) | Thing::Rate(_) | Thing::Unique(_) | Thing::Gathering(_) => {}
        }
        Ok(entity)
    }
}
