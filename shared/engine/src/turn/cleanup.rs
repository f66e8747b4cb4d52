//! A cancel that lets those at work tidy up: they are told to stop, and what they answer until the grace is over counts. Nothing
//! else begins meanwhile, retries included. Then, or when all have answered, it ends as every cancel does.

use sagaline_events::{FramePath, Happening, input::Cancel};
use sagaline_model::Span;

use super::{Turn, attempts::queue_of};
use crate::{
    compiled::{CompiledKind, NodeId},
    effect::Effect,
    state::{Cleanup, Outcome, State},
};

/// How long those at work have where nothing is said.
const GRACE: Span = Span::from_secs(30);

impl Turn<'_> {
    /// A second cancel, whichever way it asks, waits for nobody.
    pub(crate) fn cancel(&mut self, cancel: &Cancel) {
        if self.run.is_undoing() {
            return;
        }
        let frames = self.run.frames.iter().filter(|(_, frame)| frame.state.may_tidy_up());
        let at_work: Vec<_> = frames.map(|(path, frame)| (path.clone(), frame.node, frame.state.attempt())).collect();
        let is_known = self.run.ending.is_some() || self.run.cleanup.is_some();
        if !cancel.cleanup || is_known || at_work.is_empty() {
            return self.end_with(Outcome::Cancelled { reason: cancel.reason.clone() }, cancel.rollback);
        }
        self.ready.clear();
        if self.run.paused.take().is_some() {
            self.tell(Happening::WorkflowResumed);
        }
        let until = self.at + cancel.grace.unwrap_or(GRACE);
        self.tell(Happening::WorkflowCancelling { reason: cancel.reason.clone(), until });
        // Whatever waits waits no more, and what nobody has begun is taken back.
        self.cancel_those(None, |state| !state.is_done() && !state.may_tidy_up() && !state.holds_steps());
        for (path, id, attempt) in at_work {
            self.ask_to_stop(&path, id, attempt);
        }
        let (reason, rollback) = (cancel.reason.clone(), cancel.rollback);
        self.run.begin_cleanup(Cleanup { since: self.at, until, reason, rollback });
    }

    fn ask_to_stop(&mut self, path: &FramePath, id: NodeId, attempt: u32) {
        if let CompiledKind::Step { step, .. } = &self.plan.node(id).kind {
            let (queue, activity) = (queue_of(step, self.run.queue.as_ref()), step.activity.clone());
            self.effects.push(Effect::AskToStop { path: path.clone(), attempt, queue, activity });
        }
    }

    pub(crate) fn is_tidying_up(&self) -> bool {
        self.run.cleanup.is_some()
    }

    /// One of those at work has answered, or ran out of its own time: the last one ends it.
    pub(super) fn tidied_up(&mut self) {
        if self.run.index.tasks == 0 {
            // With the reason that was given at first.
            self.end(Outcome::Cancelled { reason: None });
        }
    }

    /// An answer that asks for more to be done: nothing is. Whether it was one of those.
    pub(super) fn has_given_up(&mut self, path: &FramePath, id: NodeId, attempt: u32) -> bool {
        if !self.is_tidying_up() {
            return false;
        }
        self.tell(Happening::StepCancelled { step: path.clone(), attempt });
        self.run.set(path, id, State::Cancelled { at: self.at, attempt }, self.at);
        self.tidied_up();
        true
    }

    /// The time to tidy up is over.
    pub(super) fn grace_is_over(&mut self) {
        if self.run.cleanup.as_ref().is_some_and(|cleanup| cleanup.until <= self.at) {
            self.end(Outcome::Cancelled { reason: None });
        }
    }
}
