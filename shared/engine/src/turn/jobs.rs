//! What is told of a job: in words of its own, and each thing once. That its only step ended is the end of the job.

use sagaline_events::{
    Happening,
    job::{JobEvent, JobHappening},
};
use sagaline_model::{Moment, StepError};

use super::Turn;

impl Turn<'_> {
    pub(crate) fn tell(&mut self, happening: Happening) {
        let told = match self.run.job {
            None => Some(happening),
            Some(_) => self.in_words_of_jobs(happening),
        };
        self.effects.extend(told.map(crate::Effect::Tell));
    }

    /// An attempt was put into its queue; `false` if this is no job.
    pub(super) fn tell_enqueued(&mut self, attempt: u32) -> bool {
        let told = self.of_job(attempt, JobEvent::Enqueued);
        let is_job = told.is_some();
        self.effects.extend(told.map(crate::Effect::Tell));
        is_job
    }

    /// An attempt failed; `false` if this is no job.
    pub(super) fn tell_job_failed(&mut self, attempt: u32, error: &StepError, next_at: Option<Moment>) -> bool {
        if self.run.job.is_none() {
            return false;
        }
        // That there is no time for another attempt is no failure of the one before.
        if next_at.is_some() || self.run.is_job_at_work() {
            let told = self.of_job(attempt, JobEvent::Failed { error: error.clone(), next_at });
            self.effects.extend(told.map(crate::Effect::Tell));
        }
        true
    }

    fn of_job(&self, attempt: u32, what: JobEvent) -> Option<Happening> {
        let job = self.run.job.as_deref()?;
        Some(Happening::Job(JobHappening { activity: job.activity.clone(), queue: job.queue.clone(), attempt, what }))
    }

    fn in_words_of_jobs(&self, happening: Happening) -> Option<Happening> {
        let last = self.run.job_attempt();
        match happening {
            Happening::WorkflowCompleted { duration } => self.of_job(last, JobEvent::Completed { duration }),
            Happening::WorkflowFailed { duration, error, .. } => self.of_job(last, JobEvent::Dead { error, duration }),
            Happening::WorkflowTimedOut { duration } => {
                let error = StepError::new(StepError::TIMEOUT, "its time was over").final_();
                self.of_job(last, JobEvent::Dead { error, duration })
            }
            Happening::WorkflowCancelled { duration, reason } => {
                self.of_job(last, JobEvent::Cancelled { reason, duration })
            }
            Happening::StepStarted { attempt, worker, .. } => self.of_job(attempt, JobEvent::Started { worker }),
            Happening::StepFailed { attempt, error, next_at, .. } => {
                self.of_job(attempt, JobEvent::Failed { error, next_at })
            }
            Happening::WorkflowPending { until: Some(until), .. }
            | Happening::StepWaiting { until: Some(until), .. } => self.of_job(last, JobEvent::Scheduled { until }),
            // What happens to its step happens to the job, and is told of that.
            Happening::WorkflowStarted { .. }
            | Happening::WorkflowPending { until: None, .. }
            | Happening::WorkflowAdmitted
            | Happening::StepScheduled { .. }
            | Happening::StepCompleted { .. }
            | Happening::StepTimedOut { .. }
            | Happening::StepSkipped { .. }
            | Happening::StepCancelled { .. }
            | Happening::StepWaiting { until: None, .. }
            | Happening::StepResumed { .. }
            | Happening::StepExpanded { .. } => None,
            // A job is an execution, too.
            other @ (Happening::WorkflowStartRefused { .. }
            | Happening::WorkflowParked { .. }
            | Happening::WorkflowPaused { .. }
            | Happening::WorkflowResumed
            | Happening::WorkflowRetried { .. }
            | Happening::WorkflowSignalRefused { .. }
            | Happening::WorkflowUpdated { .. }
            | Happening::WorkflowCancelling { .. }
            | Happening::WorkflowRolledBack { .. }
            | Happening::WorkflowStuck { .. }
            | Happening::SagaStarted { .. }
            | Happening::SagaStepCompensated { .. }
            | Happening::SagaStepSkipped { .. }
            | Happening::SagaStuck { .. }
            | Happening::SagaCompleted { .. }
            | Happening::SagaResolved { .. }
            | Happening::SagaRetried { .. }
            | Happening::Job(_)) => Some(other),
        }
    }
}
