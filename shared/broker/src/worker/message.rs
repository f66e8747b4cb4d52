//! The messages of the task protocol: a task as it is read, an answer and a rejection as they are written.

use sagaline_events::{
    Input, Task,
    input::{StepAwaits, StepExpanded, StepFailed, StepSkipped, StepSnoozed, StepStarted, StepSucceeded},
    task::TASK_TYPE,
};
use sagaline_model::Span;

use super::{Delivery, Ended};
use crate::{names::Names, ports::Message};

/// The CloudEvent type of a rejected message.
const REJECTED_TYPE: &str = "sagaline.rejected.v1";
/// What is kept of a rejected payload: the reason must find room beside it in a message.
const KEPT_BYTES_MAX: usize = 512 * 1024;
const WHY_CHARS_MAX: usize = 1000;

/// The task in a delivery, or why there is none; for the operator who finds it in `REJECTED`.
pub(super) fn read(delivery: &Delivery) -> Result<Task, String> {
    let content = delivery.content.as_ref().map_err(String::clone)?;
    if content.kind != TASK_TYPE {
        return Err(format!("its type is `{}`, not `{TASK_TYPE}`", content.kind));
    }
    let task: Task = serde_json::from_slice(&content.data).map_err(|error| format!("its data is no task: {error}"))?;
    for (field, subject) in [("reply", &task.reply), ("ask", &task.ask)] {
        if !is_subject(subject) {
            return Err(format!("its `{field}` is `{subject}`, which is no subject to publish to"));
        }
    }
    Ok(task)
}

fn is_subject(text: &str) -> bool {
    let bad = |byte: u8| byte.is_ascii_whitespace() || byte.is_ascii_control() || byte == b'*' || byte == b'>';
    !text.bytes().any(bad) && text.split('.').all(|token| !token.is_empty())
}

/// The input that says how an attempt ended.
pub(super) fn result(task: &Task, ended: Ended, worker: &str) -> Input {
    let (path, attempt, worker) = (task.path.clone(), task.attempt, Some(worker.to_owned()));
    match ended {
        Ended::Succeeded(output) => {
            Input::StepSucceeded(StepSucceeded { path, attempt, output, worker, claimed: task.claim })
        }
        Ended::Skipped(reason) => Input::StepSkipped(StepSkipped { path, attempt, reason, worker }),
        Ended::Snoozed { delay, reason } => {
            Input::StepSnoozed(StepSnoozed { path, attempt, delay, reason, worker, late: false })
        }
        Ended::Failed(error) => Input::StepFailed(StepFailed { path, attempt, error, worker }),
        Ended::Awaits { approvers, timeout, on_timeout } => {
            Input::StepAwaits(StepAwaits { path, attempt, approvers, timeout, on_timeout, worker })
        }
        Ended::Expanded(steps) => Input::StepExpanded(StepExpanded { path, attempt, steps, worker }),
        Ended::Late => {
            let reason = "its turn was over when it came to a worker".to_owned();
            Input::StepSnoozed(StepSnoozed { path, attempt, delay: Span::ZERO, reason, worker, late: true })
        }
    }
}

/// The input that says that an attempt begins.
pub(super) fn started(task: &Task, worker: &str) -> Input {
    let (path, attempt) = (task.path.clone(), task.attempt);
    Input::StepStarted(StepStarted { path, attempt, worker: Some(worker.to_owned()) })
}

/// An input for whoever wants the task done. There is no Msg-Id: a second copy changes nothing there, and the memory of ids is not worth it.
pub(super) fn answer(names: &Names, task: &Task, input: &Input, data: Vec<u8>, traceparent: Option<&str>) -> Message {
    let what = if matches!(input, Input::StepStarted(_)) { "started" } else { "ended" };
    let mut headers = Vec::with_capacity(6);
    headers.push(("ce-specversion", "1.0".to_owned()));
    headers.push(("ce-id", format!("{}/{}/{}/{what}", task.execution, task.path, task.attempt)));
    headers.push(("ce-source", source(names)));
    headers.push(("ce-type", input.kind().to_owned()));
    headers.push(("ce-subject", task.execution.to_string()));
    headers.extend(traceparent.map(|parent| ("ce-traceparent", parent.to_owned())));
    Message { subject: task.reply.clone(), expected: None, msg_id: None, ttl: None, headers, payload: data.into() }
}

/// A delivery that no worker can ever serve, for `REJECTED`. Publishing it twice stores it once.
pub(super) fn rejected(names: &Names, delivery: &Delivery, why: &str) -> Message {
    let id = format!("rejected-{}-{}", one_line(&delivery.subject), delivery.sequence);
    let kept = delivery.payload.len().min(KEPT_BYTES_MAX);
    let mut headers = vec![
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", id.clone()),
        ("ce-source", source(names)),
        ("ce-type", REJECTED_TYPE.to_owned()),
        ("ce-time", delivery.stored.to_string()),
        ("Sagaline-Reason", one_line(why)),
        ("Sagaline-Sequence", delivery.sequence.to_string()),
        ("Sagaline-Subject", one_line(&delivery.subject)),
    ];
    if kept < delivery.payload.len() {
        headers.push(("Sagaline-Truncated-From", delivery.payload.len().to_string()));
    }
    Message {
        subject: names.rejected("bad_task"),
        expected: None,
        msg_id: Some(id),
        ttl: None,
        headers,
        payload: delivery.payload.slice(..kept),
    }
}

fn source(names: &Names) -> String {
    ["/sagaline/", names.namespace(), "/executor"].concat()
}

/// Headers are lines; what others wrote may hold several.
pub(super) fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ").chars().take(WHY_CHARS_MAX).collect()
}
