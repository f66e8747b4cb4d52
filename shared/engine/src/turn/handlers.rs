//! Handlers: what is done once it is known how an execution ends, before it is over.
//!
//! How they end changes nothing about the outcome: their failure is only recorded.

use sagaline_events::Happening;

use super::Turn;
use crate::{compiled::NodeId, state::Outcome};

impl Turn<'_> {
    /// It is known how the execution ends: what is still in flight is cancelled, and its handler begins, if there is one.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        let is_undone = matches!(outcome, Outcome::Failed { .. } | Outcome::TimedOut);
        self.end_with(outcome, is_undone);
    }

    /// The same; `rollback`: what it did is undone first.
    pub(crate) fn end_with(&mut self, mut outcome: Outcome, mut rollback: bool) {
        // Nothing cuts that short, once it is known.
        if self.run.is_undoing() {
            return;
        }
        // It was known already, since the first cancel.
        if let Some(cleanup) = self.run.end_cleanup() {
            rollback = cleanup.rollback || (rollback && matches!(outcome, Outcome::Cancelled { .. }));
            outcome = Outcome::Cancelled { reason: cleanup.reason };
        }
        self.rolls_back = rollback;
        match outcome {
            Outcome::Cancelled { .. } => self.cancel_all(),
            // What runs beside the execution learns of its failures, the last one included.
            Outcome::Completed { .. }
            | Outcome::Failed { .. }
            | Outcome::TimedOut
            | Outcome::Refused { .. }
            | Outcome::RolledBack { .. } => self.cancel_below(None),
        }
        self.ready.clear();
        self.run.end_of_pause();
        if self.run.ending.is_some() {
            let was_paused = self.run.paused.take().is_some();
            self.handled();
            if was_paused && self.over.is_none() {
                self.tell(Happening::WorkflowResumed);
            }
            return;
        }
        if self.is_tried_again(&mut outcome) {
            return;
        }
        self.leave_the_queue();
        self.need_not_begin();
        let is_wanted = matches!(outcome, Outcome::Cancelled { .. });
        if rollback && self.is_undone(&outcome, is_wanted) {
            return;
        }
        self.handle(outcome);
    }

    /// What handles this end begins, if there is something.
    pub(super) fn handle(&mut self, outcome: Outcome) {
        let was_paused = self.run.paused.take().is_some();
        let handler = self.handler_of(&outcome);
        let is_handled = handler.is_some() || 0 < self.run.index.beside;
        if !is_handled || !self.run.set_ending(outcome.clone()) {
            // Without room for it there is none.
            self.cancel_all();
            return self.over_with(outcome);
        }
        if was_paused {
            self.tell(Happening::WorkflowResumed);
        }
        match handler {
            Some(handler) => self.ready.push_back((self.plan.node(handler).path.clone(), handler)),
            None => self.run.beside.alone = true,
        }
    }

    fn handler_of(&self, outcome: &Outcome) -> Option<NodeId> {
        let handlers = &self.plan.handlers;
        match outcome {
            Outcome::Completed { .. } => handlers.on_success,
            Outcome::Failed { .. } | Outcome::TimedOut => handlers.on_failure,
            Outcome::Cancelled { .. } => handlers.on_cancel,
            Outcome::RolledBack { cause, .. } => self.handler_of(cause),
            Outcome::Refused { .. } => None,
        }
    }

    /// Its handler is done, whichever way.
    pub(super) fn handled(&mut self) {
        self.run.beside.alone = true;
        self.over_if_alone();
    }
}
