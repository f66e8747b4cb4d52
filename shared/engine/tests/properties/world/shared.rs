//! What executions share: what it says, mostly when it was asked.

use sagaline_engine::{
    Stage,
    state::{PlaceState, State},
};
use sagaline_events::{EntityWord, Input, Says, Ticket, entity::EntityKind};
use sagaline_model::{ExecutionId, Moment, Span};
use serde_json::json;

use super::World;

impl World<'_> {
    /// What something shared may say: mostly about what was asked last.
    pub(super) fn shared(&mut self) -> Option<Input> {
        let (entity, ticket) = match self.choices.chance(30) {
            true if !self.asked.is_empty() => self.choices.one_of(&self.asked),
            _ => self.asked.last().cloned()?,
        };
        let says = match entity.kind() {
            EntityKind::Limit => {
                self.choices.weighted(&[(12, "granted"), (2, "refused"), (2, "give up"), (3, "there")])
            }
            EntityKind::Breaker => self.choices.weighted(&[(5, "permitted"), (7, "delayed")]),
            EntityKind::Gather => return None,
            EntityKind::Event => self.choices.weighted(&[(9, "came"), (3, "there"), (1, "refused")]),
            EntityKind::Rate => self.choices.weighted(&[(9, "reserved"), (2, "long ago")]),
            EntityKind::Unique => self.choices.weighted(&[(9, "claimed"), (2, "taken")]),
        };
        let says = match says {
            "granted" => Says::Granted,
            "refused" => Says::Refused { limit: 1 },
            "give up" => Says::GiveUp { to: ticket.execution.clone() },
            "there" => Says::StillThere,
            "permitted" => Says::Permitted,
            "came" => Says::Came { event: json!({"id": "e", "data": {"n": self.choices.below(4)}}) },
            "reserved" => Says::Reserved { at: self.clock + Span::from_millis(self.choices.below(5000) as u64) },
            "long ago" => Says::Reserved { at: Moment::from_nanos(self.clock.as_nanos() - 3_000_000_000) },
            "claimed" => Says::Claimed { until: self.clock + Span::from_secs(60) },
            "taken" => Says::Taken { by: ExecutionId::new("other").unwrap(), until: self.clock + Span::from_secs(60) },
            _ => Says::Delayed { until: self.clock + Span::from_millis(self.choices.below(9000) as u64) },
        };
        Some(Input::Entity(EntityWord::new(entity, &ticket, says)))
    }

    /// Its turn comes, or its breaker lets it through.
    pub(super) fn kindly_shared(&self) -> Option<Input> {
        let Stage::Running(run) = &self.execution.stage else { return None };
        let id = self.execution.id.clone();
        if run.is_pending() {
            if let Some(key) = run.unique.as_ref().filter(|key| matches!(key.state, PlaceState::Asked { .. })) {
                let ticket = Ticket { since: key.since, execution: id, path: None, attempt: 0 };
                let says = Says::Claimed { until: self.clock + Span::from_secs(60) };
                return Some(Input::Entity(EntityWord::new(key.entity.clone(), &ticket, says)));
            }
            let slot = run.place.as_ref()?;
            let ticket = Ticket { since: slot.since, execution: id, path: None, attempt: 0 };
            return Some(Input::Entity(EntityWord::new(slot.entity.clone(), &ticket, Says::Granted)));
        }
        run.frames.iter().find_map(|(path, frame)| match &frame.state {
            State::Asking(asking) => {
                let (since, attempt) = (asking.since, asking.attempt);
                let ticket = Ticket { since, execution: id.clone(), path: Some(path.clone()), attempt };
                // Of one that passes its gates anew nothing is asked until then.
                if asking.delayed && asking.gates.is_some() {
                    return None;
                }
                let says = match asking.entity.kind() {
                    EntityKind::Breaker => Says::Permitted,
                    EntityKind::Rate => Says::Reserved { at: self.clock },
                    EntityKind::Limit | EntityKind::Unique | EntityKind::Event | EntityKind::Gather => Says::Granted,
                };
                // Once its turn is known it waits for time only.
                if asking.gates.as_ref().is_some_and(|gates| gates.turn.is_some()) {
                    return None;
                }
                Some(Input::Entity(EntityWord::new(asking.entity.clone(), &ticket, says)))
            }
            State::AwaitingEvent(waiting) => {
                let (since, attempt) = (waiting.since, waiting.round);
                let ticket = Ticket { since, execution: id.clone(), path: Some(path.clone()), attempt };
                let says = Says::Came { event: json!({"id": "kind", "data": null}) };
                Some(Input::Entity(EntityWord::new(waiting.entity.clone(), &ticket, says)))
            }
            _ => None,
        })
    }
}
