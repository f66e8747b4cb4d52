//! Handlers: what is done once it is known how an execution ends, before it is over.
//!
//! How they end changes nothing about the outcome: their failure is only recorded.

use sagaline_events::Happening;

use super::Turn;
use crate::{compiled::NodeId, state::Outcome};

impl Turn<'_> {
    /// It is known how the execution ends: what is still in flight is cancelled, and its handler begins, if there is one.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        self.cancel_below(None);
        self.ready.clear();
        let was_paused = self.run.paused.take().is_some();
        if self.run.ending.is_some() {
            return self.handled();
        }
        match self.handler_of(&outcome) {
            Some(handler) if self.run.set_ending(outcome.clone()) => {
                if was_paused {
                    self.tell(Happening::WorkflowResumed);
                }
                self.ready.push_back((self.plan.node(handler).path.clone(), handler));
            }
            // Without room for it there is none.
            Some(_) | None => self.over_with(outcome),
        }
    }

    fn handler_of(&self, outcome: &Outcome) -> Option<NodeId> {
        let handlers = &self.plan.handlers;
        match outcome {
            Outcome::Completed { .. } => handlers.on_success,
            Outcome::Failed { .. } | Outcome::TimedOut => handlers.on_failure,
            Outcome::Cancelled { .. } => handlers.on_cancel,
            Outcome::Refused { .. } => None,
        }
    }

    /// Its handler is done, whichever way.
    pub(super) fn handled(&mut self) {
        if let Some(outcome) = self.run.ending.take() {
            self.over_with(outcome);
        }
    }
}
