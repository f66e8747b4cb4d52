//! Jobs that are submitted by an event, for whoever speaks nothing but CloudEvents: once for each source and id.

use std::collections::BTreeMap;

use sagaline_broker::{
    nats::PayloadOf,
    ports::{Bucket, Failure},
};
use sagaline_events::{Envelope, Start};
use sagaline_model::{Gate, JobSpec, Moment, Name, QueueSettings, Span, partition_of};
use serde::Deserialize;
use serde_json::Value;

use super::{Handler, Later, Meant, Stored, Trouble, never};
use crate::{
    event::Received,
    wire::{Rejection, execution_of},
};

/// The type of such events.
pub(crate) const SUBMIT: &str = "sagaline.job.submit.v1";

/// The data of the event: what is to be done, and what is said beside that.
#[derive(Debug, PartialEq, Deserialize)]
struct Submission {
    #[serde(flatten)]
    job: JobSpec,
    #[serde(default)]
    payload: Value,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    at: Option<Moment>,
    #[serde(rename = "in", default)]
    after: Option<Span>,
}

impl Submission {
    /// What the event asks for, or why that cannot be done.
    fn read(event: &Envelope, stored: Moment) -> Result<Self, String> {
        let read: Result<Self, _> = serde_json::from_slice(&event.data);
        let mut read = read.map_err(|fault| format!("its data is no job: {fault}"))?;
        if read.job.queue.as_str() == "low_priority" {
            read.job.queue = Name::new("low").map_err(|fault| fault.to_string())?;
        }
        if read.at.is_some() && read.after.is_some() {
            return Err("it says `at` and `in`; one of them says when it begins".to_owned());
        }
        read.at = read.at.or(read.after.take().map(|after| stored + after));
        Ok(read)
    }
}

impl Handler {
    pub(super) async fn submit_job(&self, received: &Received, event: &Envelope) -> Result<(), Later> {
        let submission = match Submission::read(event, received.stored) {
            Ok(submission) => submission,
            Err(why) => return self.no_job(received, event, &why, None).await,
        };
        let of_jobs = Name::new("job").map_err(|fault| Trouble(fault.to_string()))?;
        let meant = Meant {
            workflow: submission.job.workflow(),
            version: 0,
            execution: execution_of(&of_jobs, &event.source, &event.id),
            signal: None,
            traceparent: received.traceparent(event),
            span: None,
        };
        if received.is_old() && self.was_started(&meant).await? {
            return Ok(());
        }
        self.find_room(&meant, std::slice::from_ref(&submission.job.queue)).await?;
        // A task that no queue takes would be tried for ever, and its partition could not save what lies behind it.
        match self.connection.make_queue(&submission.job.queue).await {
            Ok(()) => {}
            Err(Failure::Refused { what, why }) => {
                let why = format!("NATS refused to {what}: {why}");
                return self.no_job(received, event, &why, Some(&meant)).await;
            }
            Err(failure @ Failure::NoAnswer(_)) => return Err(Trouble(failure.to_string()).into()),
        }
        let start = match self.start_of_job(submission, &meant).await? {
            Ok(start) => start,
            Err(why) => return self.no_job(received, event, &why, Some(&meant)).await,
        };
        match self.store(&self.wire.start_of(&meant, start, received)).await? {
            Stored::Now | Stored::Before => Ok(self.tell(&self.wire.matched(&meant, event, received)).await?),
            Stored::Never(why) => self.no_job(received, event, &why, Some(&meant)).await,
        }
    }

    /// A payload goes with the execution that it was stored for, so whatever the event refers to is stored anew.
    async fn start_of_job(&self, submission: Submission, meant: &Meant) -> Result<Result<Start, String>, Trouble> {
        let Submission { mut job, payload, tags, at, .. } = submission;
        job.gates.extend(self.gates_of(&job.queue).await?);
        let execution = meant.execution.as_str();
        let of = PayloadOf { partition: partition_of(execution, self.partitions), execution };
        let whole = match self.payloads.resolve(payload).await {
            Ok(whole) => whole,
            Err(fault) => return never(fault).map(Err),
        };
        let input = match self.payloads.offload(of, whole).await {
            Ok(input) => input,
            Err(fault) => return never(fault).map(Err),
        };
        Ok(Ok(Start {
            version: Some(0),
            input,
            tags,
            begin_at: at,
            job: Some(Box::new(job)),
            ..Start::of(meant.workflow.clone())
        }))
    }

    /// What the settings of the queue ask of each attempt.
    async fn gates_of(&self, queue: &Name) -> Result<Vec<Gate>, Trouble> {
        let key = format!("queue.{queue}");
        let value = self.connection.value(Bucket::Settings, &key).await;
        let Some((_, value)) = value.map_err(|failure| Trouble(failure.to_string()))? else { return Ok(vec![]) };
        let settings: Result<QueueSettings, _> = serde_json::from_slice(&value);
        let settings = settings.map_err(|fault| Trouble(format!("`{key}` of bucket `settings`: {fault}")))?;
        Ok(settings.gates(queue))
    }

    async fn no_job(
        &self,
        received: &Received,
        event: &Envelope,
        why: &str,
        meant: Option<&Meant>,
    ) -> Result<(), Later> {
        let rejection = Rejection { reason: "bad_job", why, event: Some(event), meant };
        Ok(self.reject(received, &rejection).await?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(data: &Value) -> Result<Submission, String> {
        let event = Envelope::new("1", "/shop", SUBMIT, data.to_string().into_bytes());
        Submission::read(&event, Moment::from_millis(5000))
    }

    #[test]
    fn an_event_says_what_a_start_says_and_when() {
        let read = read(&json!({
            "activity": "mails.send", "queue": "low_priority", "payload": { "to": "ann" }, "in": "2s", "timeout": "1m"
        }))
        .expect("a job");
        assert_eq!((read.job.activity.as_str(), read.job.queue.as_str()), ("mails.send", "low"));
        assert_eq!(read.job.timeout, Some(Span::from_secs(60)));
        assert_eq!((read.payload, read.at), (json!({ "to": "ann" }), Some(Moment::from_millis(7000))));
    }

    #[test]
    fn what_is_no_job_is_said() {
        for (data, why) in [
            (json!({ "payload": 1 }), "missing field `activity`"),
            (json!({ "activity": "a", "in": "2s", "at": "2026-01-01T00:00:00Z" }), "`at` and `in`"),
            (json!({ "activity": "a", "queue": "no queue" }), "queue"),
            (json!(7), "no job"),
        ] {
            let fault = read(&data).expect_err("no job");
            assert!(fault.contains(why), "{fault}");
        }
    }
}
