//! How an execution goes as a whole: what is said about that is evaluated once, when it starts.

use sagaline_model::{Plan, StepError};

use super::Turn;
use crate::state::{Outcome, Rounds, Slots};

impl Turn<'_> {
    /// Begins with the steps that need nothing, within the limits that the definition gives to the whole.
    pub(crate) fn set_out(&mut self) {
        if let Err(error) = self.set_limits() {
            return self.end(Outcome::Failed { error, step: None, attempts: None });
        }
        // Older plans began all the same.
        let ends_at_once = Plan::RULES_OF_COMPANY <= self.run.rules;
        if ends_at_once && self.run.deadline.is_some_and(|deadline| deadline <= self.at) {
            return self.end(Outcome::TimedOut);
        }
        self.begin_or_ask();
    }

    fn set_limits(&mut self) -> Result<(), StepError> {
        let conduct = &self.plan.conduct;
        let timeout = conduct.timeout.as_ref().map(|timeout| self.span_over(timeout, self.data())).transpose()?;
        let deadline = conduct.deadline.as_ref().map(|deadline| self.moment("deadline", deadline, self.data()));
        let slots = conduct.step_concurrency.as_ref();
        let slots = slots.map(|slots| self.count("step_concurrency", slots, self.data())).transpose()?;
        let timeout = timeout.map(|timeout| self.run.began() + timeout);
        self.run.set_deadline(timeout.into_iter().chain(deadline.transpose()?).min());
        self.run.slots = slots.map(|limit| Slots { limit, tickets: 0 });
        // What goes on where another one failed is not begun anew: that would do again what was done.
        let retries = self.plan.plan.conduct.retry_workflow.as_ref().filter(|_| self.run.frames.is_empty());
        self.run.rounds = retries.map(|_| Rounds::default());
        Ok(())
    }
}
