//! Jobs: submitted once, however often that takes; listed, looked at, cancelled and tried again.

mod job;
mod pace;
mod recurring;
mod verdict;

use futures::{Stream, StreamExt, stream};
use sagaline_broker::ports::Bucket;
use sagaline_events::Start;
use sagaline_model::{ExecutionId, Gate, JobSpec, Moment, Name, QueueSettings};
use serde_json::Value;

pub use self::job::{Job, JobTime};
use super::{Client, Error, RetryOptions, Started, id};
pub(super) use pace::QueueGates;

/// So many submits are on their way at once: an answer takes a millisecond or so, and the server stores others meanwhile.
const AT_ONCE: usize = 256;

impl Client {
    /// Submits a job. It will be done when this returns, whatever dies then.
    ///
    /// Under an id that was given before, with the same payload, it is no second one. One with a unique key is waited for until it is
    /// known whether it has it; if another has, that is [`Error::NotUnique`].
    pub async fn submit(&self, job: Job) -> Result<Started, Error> {
        let (spec, given) = job.taken_apart()?;
        let execution = given.id.unwrap_or_else(id::generate);
        if let Some(fill) = self.no_room_for(&spec.queue, &execution).await?
            && self.stored_start(&execution).await?.is_none()
        {
            return Err(Error::NoRoom { execution, fill });
        }
        let start = Start {
            version: Some(0),
            input: self.payload(&execution, given.payload).await?,
            tags: given.tags,
            begin_at: given.time.map(|time| time.moment()),
            job: Some(Box::new(self.with_gates(spec).await?)),
            ..Start::of(given.workflow)
        };
        let key = start.job.as_ref().and_then(|job| job.unique.as_ref()).map(|unique| unique.key.clone());
        let started = self.publish_start(execution, start, given.traceparent).await?;
        if let Some(key) = key {
            self.verdict(&started.execution, &key).await?;
        }
        Ok(started)
    }

    /// Submits many, a few hundred at once, and tells of each when it is stored; not in their order.
    pub fn submit_all<J>(&self, jobs: J) -> impl Stream<Item = Result<Started, Error>>
    where
        J: IntoIterator<Item = Job>,
    {
        stream::iter(jobs).map(|job| self.submit(job)).buffer_unordered(AT_ONCE)
    }

    /// Has a job that is dead done anew, as another one under the idempotency key of the first.
    pub async fn retry_job(&self, job: &ExecutionId) -> Result<Started, Error> {
        self.retry(job, RetryOptions::default()).await
    }

    async fn no_room_for(
        &self,
        queue: &Name,
        execution: &ExecutionId,
    ) -> Result<Option<sagaline_broker::room::Fill>, Error> {
        if let Some(fill) = self.gate.refusal(self.partition(execution)).await {
            return Ok(Some(fill));
        }
        if !self.gate.minds_queues().await {
            return Ok(None);
        }
        Ok(self.gate.refusal_of_queues([queue.as_str()]).await)
    }

    /// Small ones, which most are, go as they are: nothing of them is looked up.
    async fn payload(&self, execution: &ExecutionId, payload: Value) -> Result<Value, Error> {
        match payload {
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(payload),
            other => self.offload(execution, other).await,
        }
    }

    /// With what the settings of its queue ask for. A queue that is met for the first time is made, if it is not there.
    async fn with_gates(&self, mut spec: JobSpec) -> Result<JobSpec, Error> {
        spec.gates.extend(self.gates_of(&spec.queue).await?);
        Ok(spec)
    }

    async fn gates_of(&self, queue: &Name) -> Result<Vec<Gate>, Error> {
        if let Some(gates) = self.queue_gates.fresh(queue) {
            return Ok(gates);
        }
        if !self.queue_gates.has_met(queue) {
            self.ensure_queue(queue).await?;
        }
        let key = format!("queue.{queue}");
        let settings = match self.connection.value(Bucket::Settings, &key).await? {
            None => QueueSettings::default(),
            Some((_, value)) => serde_json::from_slice(&value)
                .map_err(|source| Error::Unreadable { what: format!("`{key}` of bucket `settings`"), source })?,
        };
        let gates = settings.gates(queue);
        self.queue_gates.learn(queue, &gates);
        Ok(gates)
    }
}

impl JobTime {
    fn moment(self) -> Moment {
        match self {
            Self::At(moment) => moment,
            Self::After(span) => now() + span,
        }
    }
}

/// By the clock of this machine.
fn now() -> Moment {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Moment::from_nanos(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX))
}
