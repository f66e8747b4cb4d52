//! Pausing: what is at work goes on, retries included, and nothing else begins until somebody says so.

use sagaline_events::{FramePath, Happening};
use sagaline_model::StepError;
use serde_json::{Map, Value};

use super::Turn;
use crate::{
    compiled::{CompiledKind, NodeId},
    state::{Paused, State},
    why::halted,
};

impl Turn<'_> {
    pub(crate) fn pause(&mut self, reason: Option<String>) {
        // While those at work tidy up, or what it did is undone, nothing begins in any case.
        if self.run.paused.is_none() && !self.is_tidying_up() && !self.run.is_undoing() {
            self.tell(Happening::WorkflowPaused { reason: reason.clone() });
            self.run.paused = Some(Paused { since: self.at, reason, held: vec![] });
        }
    }

    pub(crate) fn resume(&mut self, context: &Map<String, Value>) {
        if let Some(paused) = self.run.paused.take() {
            self.tell(Happening::WorkflowResumed);
            self.run.join_ctx(context);
            self.ready.extend(paused.held);
            self.try_halted_again();
        } else {
            self.resume_approval(context);
        }
    }

    /// Whether a step that fails may wait for somebody to let it go on: not once it is known how the execution ends, and not for
    /// what steps did that it returned. Those have names, which must not be given again.
    pub(super) fn may_halt(&self, path: &FramePath, id: NodeId) -> bool {
        let node = self.plan.node(id);
        let frame = self.run.frames.get(path).map(|frame| &frame.state);
        !matches!(frame, Some(State::Expanding(_)))
            && matches!(node.kind, CompiledKind::Step { .. })
            && !node.handles
            && self.run.ending.is_none()
    }

    /// The execution waits for somebody, and the step with it.
    pub(super) fn halt(&mut self, path: &FramePath, id: NodeId, attempt: u32, error: StepError) {
        let reason = halted(path, &error);
        self.run.set(path, id, State::Halted { at: self.at, attempt, error }, self.at);
        self.pause(Some(reason));
    }

    /// With all its attempts, and an input that is computed anew: somebody may have mended what it is made of.
    fn try_halted_again(&mut self) {
        let halted = self.run.frames.iter().filter(|(_, frame)| matches!(frame.state, State::Halted { .. }));
        let halted: Vec<_> = halted.map(|(path, frame)| (path.clone(), frame.node)).collect();
        for (path, id) in halted {
            let attempt = self.run.frames.get(&path).map_or(0, |frame| frame.state.attempt());
            self.tell(Happening::StepResumed { step: path.clone() });
            if let Err(error) = self.begin(&path, id) {
                self.fail(&path, id, attempt, error);
            }
        }
    }

    /// While it is paused, what became ready waits.
    pub(super) fn hold_what_is_ready(&mut self) {
        if self.run.paused.is_none() || self.ready.is_empty() {
            return;
        }
        // What encloses it may have failed since it was queued; nobody may know such a node later.
        let ready = std::mem::take(&mut self.ready);
        let open: Vec<_> = ready.into_iter().filter(|(path, id)| self.is_open(path, *id)).collect();
        if let Some(paused) = &mut self.run.paused {
            paused.held.extend(open);
        }
    }
}
