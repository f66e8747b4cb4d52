//! A job as a program writes it.

use std::{collections::BTreeMap, time::Duration};

use sagaline_model::{ActivityName, ExecutionId, JobSpec, Moment, Name, RetryPolicy, Span, Unique, UniqueUntil};
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::Error;

/// What is to be done. [`Client::submit`](crate::client::Client::submit) hands it over.
///
/// ```no_run
/// use std::time::Duration;
///
/// use sagaline_sdk::client::{Client, Job};
/// use serde_json::json;
///
/// # async fn submit(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
/// let report = Job::new("reports.daily")
///     .payload(json!({ "report_type": "sales", "format": "pdf" }))
///     .queue("low")
///     .max_retries(5)
///     .timeout(Duration::from_secs(10 * 60))
///     .retention(Duration::from_secs(24 * 60 * 60))
///     .after(Duration::from_secs(2 * 60 * 60));
/// let submitted = client.submit(report).await?;
/// println!("{}", submitted.execution);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a job is nothing until it is submitted"]
pub struct Job {
    activity: String,
    payload: Value,
    queue: Option<String>,
    retry: RetryPolicy,
    timeout: Option<Span>,
    heartbeat: Option<Span>,
    deadline: Option<Moment>,
    retention: Option<Span>,
    unique: Option<Unique>,
    metadata: Map<String, Value>,
    tags: BTreeMap<String, String>,
    time: Option<JobTime>,
    id: Option<ExecutionId>,
    traceparent: Option<String>,
    /// What was given and cannot be written as JSON.
    fault: Option<String>,
}

/// When a job is put into its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobTime {
    At(Moment),
    /// So long after it is submitted.
    After(Span),
}

/// What is said of a job besides what is done.
pub(super) struct Given {
    pub(super) workflow: Name,
    pub(super) payload: Value,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) time: Option<JobTime>,
    pub(super) id: Option<ExecutionId>,
    pub(super) traceparent: Option<String>,
}

impl Job {
    /// A job in the queue `default`, tried four times.
    pub fn new(activity: impl Into<String>) -> Self {
        Self {
            activity: activity.into(),
            payload: Value::Null,
            queue: None,
            retry: JobSpec::default_retry(),
            timeout: None,
            heartbeat: None,
            deadline: None,
            retention: None,
            unique: None,
            metadata: Map::new(),
            tags: BTreeMap::new(),
            time: None,
            id: None,
            traceparent: None,
            fault: None,
        }
    }

    /// The input of the activity.
    pub fn payload(mut self, payload: impl Serialize) -> Self {
        match serde_json::to_value(payload) {
            Ok(payload) => self.payload = payload,
            Err(fault) => self.fault = Some(format!("its payload cannot be written as JSON: {fault}")),
        }
        self
    }

    /// Where it waits for a worker; `low_priority` is `low`.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// How often it is tried again after it failed.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.retry.attempts = retries.saturating_add(1);
        self
    }

    /// How it is tried again; [`Job::max_retries`] says how often.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// From the start of an attempt to its end.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout.into());
        self
    }

    /// From one sign of life of an attempt to the next.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = Some(heartbeat.into());
        self
    }

    /// When the time of all attempts is over.
    pub fn deadline(mut self, deadline: Moment) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// For how long its result is kept.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = Some(retention.into());
        self
    }

    /// Of all jobs with this key one is accepted, until that has ended and at most for so long.
    pub fn unique(mut self, key: impl Into<String>, ttl: Duration) -> Self {
        let until = self.unique.as_ref().map(|unique| unique.until).unwrap_or_default();
        self.unique = Some(Unique { key: key.into(), ttl: ttl.into(), until });
        self
    }

    /// When its key is free again before its time is over. After [`Job::unique`].
    pub fn unique_until(mut self, until: UniqueUntil) -> Self {
        match &mut self.unique {
            Some(unique) => unique.until = until,
            None => self.fault = Some("`unique_until` comes after `unique`, which says the key".to_owned()),
        }
        self
    }

    /// A label to find it by.
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }

    /// Something that the activity is to know besides the payload.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// When it is put into its queue.
    pub fn at(mut self, moment: Moment) -> Self {
        self.time = Some(JobTime::At(moment));
        self
    }

    /// It is put into its queue so long after it is submitted.
    pub fn after(mut self, span: Duration) -> Self {
        self.time = Some(JobTime::After(span.into()));
        self
    }

    /// Submitting again under the same id with the same payload is no second job. Without one it is made up.
    pub fn id(mut self, id: ExecutionId) -> Self {
        self.id = Some(id);
        self
    }

    /// W3C trace context, for its traces to hang on to.
    pub fn traceparent(mut self, traceparent: impl Into<String>) -> Self {
        self.traceparent = Some(traceparent.into());
        self
    }

    /// What is recorded of what is to be done: also what a schedule has that starts such jobs.
    pub fn spec(&self) -> Result<JobSpec, Error> {
        let bad = |why: String| Error::BadJob { activity: self.activity.clone(), why };
        if let Some(fault) = &self.fault {
            return Err(bad(fault.clone()));
        }
        let activity: ActivityName = self.activity.parse().map_err(|fault| bad(format!("{fault}")))?;
        let queue = match self.queue.as_deref() {
            None => JobSpec::of(activity.clone()).queue,
            Some("low_priority") => Name::new("low").map_err(|fault| bad(fault.to_string()))?,
            Some(queue) => Name::new(queue).map_err(|fault| bad(fault.to_string()))?,
        };
        Ok(JobSpec {
            queue,
            retry: self.retry.clone(),
            timeout: self.timeout,
            heartbeat: self.heartbeat,
            deadline: self.deadline,
            retention: self.retention,
            unique: self.unique.clone(),
            metadata: self.metadata.clone(),
            ..JobSpec::of(activity)
        })
    }

    pub(super) fn taken_apart(self) -> Result<(JobSpec, Given), Error> {
        let spec = self.spec()?;
        let Self { payload, tags, time, id, traceparent, .. } = self;
        let workflow = spec.workflow();
        Ok((spec, Given { workflow, payload, tags, time, id, traceparent }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_what_is_recorded() {
        let job = Job::new("reports.daily")
            .queue("low_priority")
            .max_retries(5)
            .timeout(Duration::from_secs(600))
            .unique("sales", Duration::from_secs(3600))
            .unique_until(UniqueUntil::Success)
            .metadata("tenant", "acme");
        let spec = job.spec().expect("a job");
        assert_eq!((spec.activity.as_str(), spec.queue.as_str(), spec.retry.attempts), ("reports.daily", "low", 6));
        assert_eq!(spec.timeout, Some(Span::from_secs(600)));
        let unique = Unique { key: "sales".into(), ttl: Span::from_secs(3600), until: UniqueUntil::Success };
        assert_eq!(spec.unique, Some(unique));
        assert_eq!(spec.workflow().as_str(), "reports-daily");
    }

    #[test]
    fn what_cannot_be_done_is_said_with_its_activity() {
        for (job, why) in [
            (Job::new("no activity!"), "no activity!"),
            (Job::new("a").queue("no queue"), "no queue"),
            (Job::new("a").unique_until(UniqueUntil::End), "comes after `unique`"),
        ] {
            let error = job.spec().expect_err("no job").to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
