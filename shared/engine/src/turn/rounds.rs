//! Beginning anew: an execution that failed may be tried again as a whole.

use sagaline_events::{FramePath, Happening};
use sagaline_model::StepError;

use super::{Turn, delay::delay_of, unwind::after};
use crate::{
    data::Failure,
    state::{Between, OpenDag, Outcome},
};

impl Turn<'_> {
    /// Whether another round follows this outcome; everything of this one is given up then.
    pub(super) fn is_tried_again(&mut self, outcome: &mut Outcome) -> bool {
        let Outcome::Failed { error, step, .. } = outcome else { return false };
        match self.next_round(error, step.clone()) {
            Ok(tried) => tried,
            Err(fault) => {
                *error = after(error, fault);
                false
            }
        }
    }

    fn next_round(&mut self, error: &StepError, step: Option<FramePath>) -> Result<bool, StepError> {
        let conduct = &self.plan.conduct;
        let (Some(policy), Some(rounds)) = (&self.plan.plan.conduct.retry_workflow, &self.run.rounds) else {
            return Ok(false);
        };
        let failed = rounds.failed + 1;
        if !policy.retries(failed, error) {
            return Ok(false);
        }
        let failure = Failure { data: self.data(), attempt: failed, error };
        let due = self.at + delay_of(policy, &conduct.retry_workflow, &failure, self.id.as_str(), failed)?;
        self.ready.clear();
        self.part_from_companions();
        let pause = Between { since: self.at, due, error: error.clone(), step: step.clone() };
        self.run.begin_anew(OpenDag::of(&self.plan.root), pause);
        self.tell(Happening::WorkflowRetried { attempt: failed, error: error.clone(), step, next_at: due });
        Ok(true)
    }

    /// The time to begin anew has come.
    pub(super) fn begin_round(&mut self) {
        if self.run.between_rounds().is_some_and(|pause| pause.due <= self.at) {
            self.run.end_of_pause();
            self.open(None, None, 0);
        }
    }
}
