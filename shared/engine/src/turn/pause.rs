//! Pausing: what is at work goes on, retries included, and nothing else begins until somebody says so.

use sagaline_events::Happening;
use serde_json::{Map, Value};

use super::Turn;
use crate::state::Paused;

impl Turn<'_> {
    pub(crate) fn pause(&mut self, reason: Option<String>) {
        if self.run.paused.is_none() {
            self.tell(Happening::WorkflowPaused { reason: reason.clone() });
            self.run.paused = Some(Paused { since: self.at, reason, held: vec![] });
        }
    }

    pub(crate) fn resume(&mut self, context: &Map<String, Value>) {
        if let Some(paused) = self.run.paused.take() {
            self.tell(Happening::WorkflowResumed);
            self.run.join_ctx(context);
            self.ready.extend(paused.held);
        } else {
            self.resume_approval(context);
        }
    }

    /// While it is paused, what became ready waits.
    pub(super) fn hold_what_is_ready(&mut self) {
        if let Some(paused) = &mut self.run.paused {
            paused.held.extend(self.ready.drain(..));
        }
    }
}
