//! The unique key of an execution: of all that ask for it one has it.

use sagaline_events::{EntityInput, EntityKey, Ticket, entity::Release};
use sagaline_model::{ExecutionId, Moment, UniqueUntil};
use serde::{Deserialize, Serialize};

use super::{Outcome, PlaceState, Run};
use crate::effect::Effect;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnKey {
    pub entity: EntityKey,
    /// When it was asked for.
    pub since: Moment,
    pub state: PlaceState,
    /// When it is free again before its time is over.
    #[serde(default)]
    pub until: UniqueUntil,
}

impl OwnKey {
    pub(crate) fn ticket(&self, execution: ExecutionId) -> Ticket {
        Ticket { since: self.since, execution, path: None, attempt: 0 }
    }
}

impl Run {
    /// Puts its key into a state, and keeps the index true.
    pub(crate) fn set_key(&mut self, state: PlaceState) {
        let Some(key) = &mut self.unique else { return };
        if let Some(timer) = key.state.timer() {
            self.index.timers.remove(&timer);
        }
        key.state = state;
        self.index.timers.extend(key.state.timer());
    }

    pub(crate) fn forget_key(&mut self) {
        if let Some(timer) = self.unique.take().and_then(|key| key.state.timer()) {
            self.index.timers.remove(&timer);
        }
    }

    pub(crate) fn release_key(&self, execution: &ExecutionId) -> Option<Effect> {
        let key = self.unique.as_ref()?;
        let input = EntityInput::Release(Release { ticket: key.ticket(execution.clone()) });
        Some(Effect::Entity { entity: key.entity.clone(), input })
    }

    /// The key that it keeps beyond an end of this kind, until its time is over.
    pub(crate) fn keeps_key(&self, outcome: &Outcome) -> Option<&EntityKey> {
        let key = self.unique.as_ref().filter(|key| key.state.is_granted())?;
        // Nothing of it was done.
        if self.is_pending() {
            return None;
        }
        let keeps = match key.until {
            UniqueUntil::End => false,
            UniqueUntil::Success => !matches!(outcome, Outcome::Completed { .. }),
            UniqueUntil::Expiry => true,
        };
        keeps.then_some(&key.entity)
    }
}
