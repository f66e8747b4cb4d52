//! A wait for an event.

use sagaline_events::{EntityKey, FramePath, Ticket, TimerKind};
use sagaline_model::{ExecutionId, Moment, Span};
use serde::{Deserialize, Serialize};

use super::asked_again;
use crate::weight;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AwaitingEvent {
    /// Where it waits.
    pub entity: EntityKey,
    /// Since when.
    pub since: Moment,
    /// How many attempts of the whole execution have failed before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub round: u32,
    /// The type of the event, and what it must have in common with the execution.
    pub event: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    pub keep: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// How often it has said that it waits, and when it says so again.
    pub times: u32,
    pub again: Moment,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(round: &u32) -> bool {
    *round == 0
}

impl AwaitingEvent {
    pub(crate) fn ticket(&self, execution: ExecutionId, path: &FramePath) -> Ticket {
        Ticket { since: self.since, execution, path: Some(path.clone()), attempt: self.round }
    }

    /// What comes first: the end of its patience, or the time to say again that it waits.
    pub(crate) fn timer(&self) -> (Moment, TimerKind) {
        let patience = self.until.map(|until| (until, TimerKind::AwaitTimeout));
        patience.filter(|(until, _)| *until <= self.again).unwrap_or((self.again, TimerKind::AskAgain))
    }

    pub(crate) fn said_again(self, at: Moment) -> Self {
        let times = self.times.saturating_add(1);
        Self { times, again: asked_again(times, at), ..self }
    }

    pub(crate) fn weight(&self) -> usize {
        /// Times and names of fields.
        const WAITING: usize = 200;
        self.entity.as_str().len() + weight::of_text(&self.event) + weight::of_text(&self.key) + WAITING
    }

    /// What it waits for, in words.
    pub(crate) fn what(&self) -> String {
        match self.key.as_str() {
            "" => format!("`{}`", self.event),
            key => format!("`{}` with `{key}`", self.event),
        }
    }
}
