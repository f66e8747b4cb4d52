//! What is seen of an entity from outside.

use sagaline_events::entity_view::{EntityState, EntityView, TICKETS_SHOWN};
use sagaline_model::Moment;

use super::{Breaker, Entity, Places, Thing, breaker::Phase};

impl Entity {
    /// As it is at this time; nothing if it holds nothing.
    pub fn view(&self, now: Moment) -> Option<EntityView> {
        let now = now.max(self.now);
        let state = match &self.thing {
            Thing::Places(places) => places.seen()?,
            Thing::Breaker(breaker) => breaker.seen(now)?,
            // Who waits for an event says so itself.
            Thing::Events(_) | Thing::Gathering(_) => return None,
            Thing::Rate(rate) => rate.seen(now)?,
            Thing::Unique(unique) => unique.seen(now)?,
        };
        Some(EntityView { entity: self.key.clone(), state })
    }
}

impl Places {
    fn seen(&self) -> Option<EntityState> {
        let (taken, waiting) = (self.taken(), self.waiting().count());
        (taken + waiting > 0).then(|| EntityState::Places {
            limit: self.limit(),
            taken,
            waiting,
            held: self.holders().take(TICKETS_SHOWN).cloned().collect(),
            line: self.waiting().take(TICKETS_SHOWN).cloned().collect(),
        })
    }
}

impl Breaker {
    /// One that is open until a moment that is past lets whoever comes next try.
    fn seen(&self, now: Moment) -> Option<EntityState> {
        if self.is_blank(now) {
            return None;
        }
        let (threshold, probes) = (self.rule().threshold.max(1), self.rule().probes.max(1));
        Some(match self.phase() {
            Phase::Closed { failures } => EntityState::Closed { failures: failures.len(), threshold },
            Phase::Open { until } if now < *until => EntityState::Open { until: *until },
            Phase::Open { .. } => EntityState::HalfOpen { trying: vec![], passed: 0, probes },
            Phase::HalfOpen { probes: trying, passed } => EntityState::HalfOpen {
                trying: trying.iter().filter(|(_, ends)| now < **ends).map(|(ticket, _)| ticket.clone()).collect(),
                passed: *passed,
                probes,
            },
        })
    }
}
