//! Updates: changes that the workflow allows for, made at once, and answered.

use sagaline_events::{Happening, ask::Reply, input::Update};
use sagaline_model::StepError;
use serde_json::Value;

use super::Turn;
use crate::{data::Data, weight};

impl Turn<'_> {
    /// The same id again is the same update: it has its answer.
    pub(crate) fn update(&mut self, update: &Update) {
        if self.run.has_answered(&update.id) {
            return;
        }
        let reply = match self.make_update(update) {
            Ok(value) => Reply::Taken(value),
            Err(error) => Reply::Refused(error),
        };
        self.run.answer(&update.id, reply);
    }

    /// All of it or nothing.
    fn make_update(&mut self, update: &Update) -> Result<Value, StepError> {
        if self.run.ending.is_some() || self.is_tidying_up() || self.run.is_undoing() {
            let message = "the execution is ending: nothing changes it any more";
            return Err(StepError::new(StepError::REFUSED, message).final_());
        }
        let change = self.plan.update(&update.name, &update.data, self.data())?;
        let added = weight::of_map(&change.set);
        if weight::HEAVIEST < self.run.index.weight + added {
            let message = format!("the execution has no room for what the update `{}` sets", update.name);
            return Err(StepError::new(StepError::TOO_LARGE, message).final_());
        }
        // The answer reads what was set; should it fail, nothing was.
        let before = self.run.ctx.clone();
        self.run.join_ctx(&change.set);
        let result = change.result(Data::new(&self.id, &self.run, self.plan), &update.data);
        match &result {
            Ok(_) => self.tell(Happening::WorkflowUpdated { update: update.name.clone(), id: update.id.clone() }),
            Err(_) => {
                self.run.ctx = before;
                self.run.reindex();
            }
        }
        result
    }
}
