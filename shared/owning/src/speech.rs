//! What an owner says, as messages: tasks, notices to workers, lifecycle events.

use sagaline_broker::{
    machine::{Act, QueuedTask},
    names::Names,
    ports::Message,
};
use sagaline_events::{FramePath, Lifecycle, Task, input::StepFailed, lifecycle::Refs, task::TASK_TYPE};
use sagaline_model::{ActivityName, ExecutionId, StepError};
use serde_json::json;

/// Who speaks.
#[derive(Debug)]
pub struct Speech {
    names: Names,
    source: String,
}

impl Speech {
    /// `service`: as which it speaks.
    pub fn new(names: Names, service: &str) -> Self {
        Self { source: format!("/sagaline/{}/{service}", names.namespace()), names }
    }

    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The attributes of a CloudEvent.
    pub fn headers(
        &self,
        id: String,
        kind: String,
        subject: &str,
        traceparent: Option<String>,
    ) -> Vec<(&'static str, String)> {
        let mut headers = Vec::with_capacity(6);
        headers.push(("ce-specversion", "1.0".to_owned()));
        headers.push(("ce-id", id));
        headers.push(("ce-source", self.source.clone()));
        headers.push(("ce-type", kind));
        headers.push(("ce-subject", subject.to_owned()));
        headers.extend(traceparent.map(|parent| ("ce-traceparent", parent)));
        headers
    }

    /// Its subject is its name: what is still queued cannot be queued again.
    pub fn task(&self, task: &Task, traceparent: Option<String>) -> QueuedTask {
        let Task { execution, path, attempt, queue, activity, .. } = task;
        let name = format!("{execution}/{path}/{attempt}");
        let message = Message {
            subject: self.names.task(queue.as_str(), activity, execution.as_str(), path.as_str(), *attempt),
            expected: Some(0),
            headers: self.headers(name.clone(), TASK_TYPE.to_owned(), execution.as_str(), traceparent),
            msg_id: Some(name),
            ttl: None,
            payload: serde_json::to_vec(task).expect("a task has text keys only").into(),
        };
        QueuedTask { queue: queue.to_string(), message }
    }

    /// Takes a task back. `word`: what its worker is told, `revoked` or `cleanup`.
    pub fn take_back(
        &self,
        word: &str,
        execution: &str,
        path: &FramePath,
        attempt: u32,
        queue: &str,
        activity: &ActivityName,
    ) -> Act {
        Act::Revoke {
            subject: self.names.task(queue, activity, execution, path.as_str(), attempt),
            queue: queue.to_owned(),
            execution: execution.to_owned(),
            notice: json!({word: {"path": path, "attempt": attempt}}).to_string().into(),
        }
    }

    /// The answer in the place of a worker when the server takes no such task: too large, usually. With whom it goes to.
    pub fn task_refused(task: &QueuedTask, why: &str) -> Option<(ExecutionId, StepFailed)> {
        let Task { execution, path, attempt, queue, .. } = serde_json::from_slice(&task.message.payload).ok()?;
        let message = format!("the task could not be handed to the queue `{queue}`: {why}");
        let error = StepError::new("TaskRefused", message).final_();
        Some((execution, StepFailed { path, attempt, error, worker: None }))
    }

    /// `id`: the name of the event, by which consumers know one that they have seen.
    pub fn lifecycle(&self, event: &Lifecycle, id: String, refs: Refs<'_>, traceparent: Option<String>) -> Message {
        let (kind, what) = event.happening.name();
        let execution = event.execution.as_str();
        Message {
            subject: self.names.lifecycle(kind, what, event.workflow.as_str(), execution),
            expected: None,
            msg_id: None,
            ttl: None,
            payload: event.data(refs).into(),
            headers: self.headers(id, event.happening.kind(), execution, traceparent),
        }
    }
}
