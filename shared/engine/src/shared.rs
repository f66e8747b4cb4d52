//! What an execution says to that which it shares with others, whatever stage it is in: nothing that it has no use for stays its own.

use sagaline_events::{
    EntityInput, EntityWord, Says,
    entity::{Outcome, Release},
};
use sagaline_model::ExecutionId;

use crate::{
    effect::Effect,
    state::{Run, State},
};

/// Gives back what was granted to an execution that does not want it.
pub(crate) fn gives_back(execution: &ExecutionId, word: &EntityWord) -> Option<Effect> {
    let ticket = word.ticket(execution.clone());
    let input = match word.says {
        Says::Granted | Says::GiveUp { .. } | Says::StillThere | Says::Came { .. } => {
            EntityInput::Release(Release { ticket })
        }
        Says::Permitted => EntityInput::Outcome(Outcome { ticket, ok: None }),
        Says::Refused { .. } | Says::Delayed { .. } => return None,
    };
    Some(Effect::Entity { entity: word.entity.clone(), input })
}

impl Run {
    /// Gives back what it has no use for. What it waits for or works with it keeps.
    pub(crate) fn gives_back(&self, execution: &ExecutionId, word: &EntityWord) -> Option<Effect> {
        if self.knows(word) { None } else { gives_back(execution, word) }
    }

    /// Whether this is about a place that it asked for, or about an attempt that waits for its breaker or is at work.
    pub(crate) fn knows(&self, word: &EntityWord) -> bool {
        match &word.path {
            None => self.place.as_ref().is_some_and(|place| place.entity == word.entity && place.since == word.since),
            Some(path) => match self.frames.get(path).map(|frame| &frame.state) {
                Some(State::Asking(asking)) => {
                    asking.attempt == word.attempt && asking.entity == word.entity && asking.since == word.since
                }
                Some(State::Dispatched(task)) => task.attempt == word.attempt && task.asked == Some(word.since),
                Some(State::AwaitingEvent(waiting)) => {
                    waiting.round == word.attempt && waiting.entity == word.entity && waiting.since == word.since
                }
                Some(_) | None => false,
            },
        }
    }

    /// Gives its place back, or does not want one any more.
    pub(crate) fn release(&self, execution: &ExecutionId) -> Option<Effect> {
        let place = self.place.as_ref()?;
        let input = EntityInput::Release(Release { ticket: place.ticket(execution.clone()) });
        Some(Effect::Entity { entity: place.entity.clone(), input })
    }
}
