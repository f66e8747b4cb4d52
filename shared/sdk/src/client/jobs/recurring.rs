//! Jobs that are done again and again: schedules that start them.

use sagaline_events::ScheduleView;
use sagaline_model::{Name, ScheduleSpec, When};

use super::{Client, Error, Job};
use crate::client::Who;

impl Client {
    /// Makes a new schedule known that submits this job whenever `when` says. What the job says of a time and an id of its own does not
    /// count: each tick has its own.
    pub async fn recur(&self, name: &Name, job: Job, when: When, who: Who) -> Result<ScheduleView, Error> {
        let (spec, given) = job.taken_apart()?;
        let spec = ScheduleSpec {
            input: given.payload,
            tags: given.tags,
            job: Some(Box::new(self.with_gates(spec).await?)),
            ..ScheduleSpec::of(given.workflow, when)
        };
        self.create_schedule(name, spec, who).await
    }
}
