//! How far attempts say they are.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use sagaline_broker::{
    names::Names,
    nats::Connection,
    ports::{Bucket, Failure},
};
use sagaline_events::{
    job::JobStatus,
    progress::Progress,
    record::{ExecutionView, StepStatus},
};

use super::{Client, Error};

/// Of so many steps at work it is looked up how far they are; of others it is not shown.
const STEPS_MAX: usize = 200;
const AT_ONCE: usize = 32;

/// Where the step of every job stands.
const OF_JOB: &str = "job";

impl Client {
    /// How far the attempts of an execution say that they are, by their steps: of those that are at work and have said something
    /// (`ActivityContext::progress`). That of a job is under `job`. Items of a loop are not among them.
    pub async fn progress(&self, view: &ExecutionView) -> Result<BTreeMap<String, Progress>, Error> {
        let looks = at_work(view).take(STEPS_MAX).map(|(step, attempt)| async move {
            let found = look(self.connection(), &Names::progress_key(view.execution.as_str(), step)).await?;
            // What an earlier attempt said is over.
            let found = found.filter(|said| said.attempt == attempt);
            Ok::<_, Failure>(found.map(|said| (step.to_owned(), said)))
        });
        let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
        let mut all = BTreeMap::new();
        while let Some(found) = looks.next().await {
            all.extend(found?);
        }
        Ok(all)
    }
}

/// The steps of which an attempt may be with a worker, and which one.
fn at_work(view: &ExecutionView) -> impl Iterator<Item = (&str, u32)> {
    let job = view.job.as_deref().filter(|job| match job.status {
        // Without a `timeout` nobody tells of its start.
        JobStatus::Pending | JobStatus::Active => true,
        JobStatus::Scheduled
        | JobStatus::Retrying
        | JobStatus::Completed
        | JobStatus::Dead
        | JobStatus::Failed
        | JobStatus::Cancelled
        | JobStatus::Unknown => false,
    });
    let steps = view.steps.iter().filter(|step| match step.status {
        StepStatus::Running => true,
        StepStatus::Pending
        | StepStatus::Scheduled
        | StepStatus::Waiting
        | StepStatus::BackingOff
        | StepStatus::Completed
        | StepStatus::Failed
        | StepStatus::Skipped
        | StepStatus::Cancelled
        | StepStatus::TimedOut
        | StepStatus::Compensated
        | StepStatus::Unknown => false,
    });
    let steps = steps.map(|step| (step.step.as_str(), step.attempt));
    // What is no attempt, but has steps inside, has no number.
    job.map(|job| (OF_JOB, job.attempt)).into_iter().chain(steps).filter(|(_, attempt)| 0 < *attempt)
}

async fn look(connection: &Connection, key: &str) -> Result<Option<Progress>, Failure> {
    let found = connection.value(Bucket::Heartbeats, key).await?;
    // Whatever else a worker of another make has put there is nothing to show.
    Ok(found.and_then(|(_, said)| serde_json::from_slice(&said).ok()))
}
