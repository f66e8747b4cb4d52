//! Beginning later: an execution that is accepted now waits for its time, and nothing of it counts before that.

use sagaline_events::Happening;
use sagaline_model::Moment;

use super::Turn;
use crate::state::Delay;

impl Turn<'_> {
    /// Begins now, or at this time if that is still to come.
    pub(crate) fn set_out_at(&mut self, time: Option<Moment>) {
        let Some(until) = time.filter(|time| self.at < *time) else { return self.set_out() };
        self.run.set_delay(Some(Delay { until, begun: None }));
        self.tell(Happening::WorkflowPending { wait_for: "time".to_owned(), until: Some(until) });
        // Its key is its own from now on, or it need not wait.
        self.asks_for_key();
    }

    /// Its timer fired: one that came too early, or once more, changes nothing.
    pub(super) fn time_to_begin(&mut self) {
        let Some(until) = self.run.begins_at().filter(|until| *until <= self.at) else { return };
        self.run.set_delay(Some(Delay { until, begun: Some(self.at) }));
        self.tell(Happening::WorkflowAdmitted);
        self.set_out();
    }

    /// One that ends before its time waits for it no more.
    pub(super) fn need_not_begin(&mut self) {
        if self.run.begins_at().is_some() {
            self.run.set_delay(None);
        }
    }
}
