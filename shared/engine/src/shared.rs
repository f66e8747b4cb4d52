//! What an execution says to that which it shares with others, whatever stage it is in: nothing that it has no use for stays its own.

use sagaline_events::{
    EntityInput, EntityWord, Says,
    entity::{Outcome, Release},
};
use sagaline_model::ExecutionId;

use crate::{
    effect::Effect,
    state::{Outcome as End, Over, Run, State, is_place},
};

/// Gives back what was granted to an execution that does not want it.
pub(crate) fn gives_back(execution: &ExecutionId, word: &EntityWord) -> Option<Effect> {
    let ticket = word.ticket(execution.clone());
    let input = match word.says {
        Says::Granted | Says::GiveUp { .. } | Says::StillThere | Says::Came { .. } => {
            EntityInput::Release(Release { ticket })
        }
        Says::Permitted => EntityInput::Outcome(Outcome { ticket, ok: None }),
        // A turn is nobody else's, and a key comes free by time.
        Says::Refused { .. }
        | Says::Delayed { .. }
        | Says::Reserved { .. }
        | Says::Claimed { .. }
        | Says::Taken { .. } => return None,
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
            None => {
                let is_place = self.place.as_ref().is_some_and(|it| it.entity == word.entity && it.since == word.since);
                is_place || self.unique.as_ref().is_some_and(|it| it.entity == word.entity && it.since == word.since)
            }
            Some(path) => match self.frames.get(path).map(|frame| &frame.state) {
                Some(State::Asking(asking)) => {
                    let held = || asking.gates.iter().any(|gates| gates.held().any(|held| *held == word.entity));
                    let is_it = asking.attempt == word.attempt && asking.since == word.since;
                    is_it && (asking.entity == word.entity || held())
                }
                Some(State::Dispatched(task)) => {
                    let is_it = task.attempt == word.attempt && task.asked == Some(word.since);
                    is_it && (!is_place(&word.entity) || task.held.contains(&word.entity))
                }
                Some(State::AwaitingEvent(waiting)) => {
                    waiting.round == word.attempt && waiting.entity == word.entity && waiting.since == word.since
                }
                Some(_) | None => false,
            },
        }
    }

    /// Gives back what it has at an end of this kind.
    pub(crate) fn release(&self, execution: &ExecutionId, outcome: &End) -> Vec<Effect> {
        let key = if self.keeps_key(outcome).is_none() { self.release_key(execution) } else { None };
        self.release_place(execution).into_iter().chain(key).collect()
    }

    /// Gives its place back, or does not want one any more.
    pub(crate) fn release_place(&self, execution: &ExecutionId) -> Option<Effect> {
        let place = self.place.as_ref()?;
        let input = EntityInput::Release(Release { ticket: place.ticket(execution.clone()) });
        Some(Effect::Entity { entity: place.entity.clone(), input })
    }
}

impl Over {
    /// Gives back what it has no use for, but for the key that it keeps until its time is over.
    pub(crate) fn gives_back(&self, execution: &ExecutionId, word: &EntityWord) -> Option<Effect> {
        match word.says {
            Says::Claimed { .. } if self.keeps.as_ref() != Some(&word.entity) => {
                let input = EntityInput::Release(Release { ticket: word.ticket(execution.clone()) });
                Some(Effect::Entity { entity: word.entity.clone(), input })
            }
            _ => gives_back(execution, word),
        }
    }
}
