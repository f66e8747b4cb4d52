//! What an execution has to do with others, as messages: children and parents on their logs, events for whoever follows.

use std::time::Duration;

use sagaline_broker::{
    machine::{Act, Origin, Starting},
    names::LogKind,
    ports::{Bucket, Message},
};
use sagaline_engine::{Execution, recalled};
use sagaline_events::{
    DeadLetter, Input, Parent, Start,
    dead::DEAD_LETTER_TYPE,
    hops,
    input::{ChildEnded, ChildUnknown, ParentAsks, ParentGone, Recalled},
    record::{ExecutionView, Status},
};
use sagaline_model::{ExecutionId, Name, StepError};
use serde::Deserialize;
use serde_json::Value;

use super::acts::Wire;

/// An event that a step emits.
pub(super) struct Emitted<'a> {
    pub(super) id: String,
    pub(super) kind: &'a str,
    pub(super) source: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) data: &'a Value,
    /// How many executions led to it.
    pub(super) hops: u32,
}

impl Wire {
    /// Its start is stored once. Where it is stored already, the child is asked: this may be another try of what was done long ago.
    pub(super) fn start_child(&self, child: &ExecutionId, start: Start, traceparent: Option<String>) -> Act {
        let Some(parent) = start.parent.clone() else { unreachable!("the engine names the parent of a child") };
        let (workflow, is_again) = (start.workflow.clone(), start.again);
        let input = Input::Start(start.clone());
        let name = format!("{}/{}", parent.execution, parent.path);
        let first = Message {
            subject: self.names().start(child.as_str(), self.partitions()),
            expected: Some(0),
            msg_id: None,
            ttl: None,
            headers: self.headers(name, input.kind().to_owned(), child.as_str(), traceparent),
            payload: input.data().into(),
        };
        let again = Message { payload: Input::Start(Start { again: true, ..start }).data().into(), ..first.clone() };
        let refused = ChildEnded {
            path: parent.path.clone(),
            child: child.clone(),
            status: Status::Failed,
            output: Value::Null,
            error: Some(refusal(&workflow)),
            reason: None,
            undo: vec![],
        };
        let if_refused = self.child_ended(&parent.execution, refused, false);
        let start = if is_again { again.clone() } else { first };
        // It is made again because nobody knew of it. If it is there all the same, it says so when it ends, and is asked in time; to
        // ask it now could go on for ever, where a start is kept of what is lost.
        let if_there = (!is_again).then(|| self.ask_child(child, parent));
        Act::Start(Box::new(Starting { start, again, if_there, if_refused }))
    }

    pub(super) fn ask_child(&self, child: &ExecutionId, parent: Parent) -> Message {
        self.input(child, &Input::ParentAsks(ParentAsks { parent }), "parent")
    }

    pub(super) fn cancel_child(&self, child: &ExecutionId, parent: Parent, reason: String, rollback: bool) -> Message {
        let name = format!("{}/{}/gone", parent.execution, parent.path);
        let gone = Input::ParentGone(ParentGone { parent, reason: Some(reason), rollback });
        Message { msg_id: Some(name), ..self.input(child, &gone, "parent-gone") }
    }

    /// `again`: somebody asked, so what was told before may be lost, though the server knows that it was stored.
    pub(super) fn child_ended(&self, parent: &ExecutionId, ended: ChildEnded, again: bool) -> Message {
        let name = (!again).then(|| format!("{parent}/{}/{}", ended.path, ended.child));
        Message { msg_id: name, ..self.input(parent, &Input::ChildEnded(ended), "child") }
    }

    /// The record says how it ended.
    pub(super) fn recall(&self, id: &ExecutionId) -> Act {
        Act::LookUp { bucket: Bucket::Results, key: LogKind::Runs.record_key(id.as_str()) }
    }

    /// Whether a start that may be a second one is: how the first one ended, or nothing.
    pub(super) fn recalled_to_itself(&self, id: &ExecutionId, start: &Start, record: Option<&[u8]>) -> Act {
        let ended = record.zip(start.parent.as_ref()).map(|(json, asks)| ended_by(id, json, asks));
        let there = record.is_some() && start.parent.is_none();
        Act::Send(self.input(id, &Input::Recalled(Recalled { ended, there }), "recalled"))
    }

    /// What the record of an execution, or that there is none, says to those who asked for it.
    pub(super) fn recalled(&self, state: &Execution, record: Option<&[u8]>) -> Vec<Act> {
        let answer = |asks: &Parent| match record {
            Some(json) => self.child_ended(&asks.execution, ended_by(&state.id, json, asks), true),
            None => {
                let unknown = ChildUnknown { path: asks.path.clone(), child: state.id.clone() };
                self.input(&asks.execution, &Input::ChildUnknown(unknown), "child-unknown")
            }
        };
        let schedules =
            state.asked_by_schedules().map(|schedule| self.recalled_for(schedule, &state.id, record.is_some()));
        state.asked_by().map(|asks| Act::Send(answer(asks))).chain(schedules.map(Act::Send)).collect()
    }

    /// An execution that failed is kept for somebody to look at.
    pub(super) fn bury(&self, letter: &DeadLetter, ttl: Duration, origin: &Origin) -> Message {
        let execution = letter.execution.as_str();
        let name = format!("{execution}-{}-dead", origin.sequence);
        Message {
            subject: self.names().dead(execution),
            expected: None,
            msg_id: Some(name.clone()),
            // The server counts in seconds.
            ttl: Some(ttl.max(Duration::from_secs(1))),
            headers: self.headers(name, DEAD_LETTER_TYPE.to_owned(), execution, None),
            payload: serde_json::to_vec(letter).expect("a dead letter has text keys only").into(),
        }
    }

    pub(super) fn emitted(
        &self,
        execution: &ExecutionId,
        workflow: &Name,
        event: Emitted<'_>,
        traceparent: Option<String>,
    ) -> Message {
        let source =
            event.source.unwrap_or_else(|| format!("/sagaline/{}/workflow/{workflow}", self.names().namespace()));
        let subject = event.subject.unwrap_or_else(|| execution.to_string());
        let payload = if event.data.is_null() { vec![] } else { event.data.to_string().into_bytes() };
        let mut headers = vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", event.id.clone()),
            ("ce-source", source.clone()),
            ("ce-type", event.kind.to_owned()),
            ("ce-subject", subject),
            ("content-type", "application/json".to_owned()),
        ];
        headers.push((hops::HEADER, event.hops.to_string()));
        headers.extend(traceparent.map(|parent| ("ce-traceparent", parent)));
        Message {
            subject: self.names().event(event.kind),
            expected: None,
            msg_id: Some(format!("{source} {}", event.id)),
            ttl: None,
            headers,
            payload: payload.into(),
        }
    }
}

/// The value of a record: the view, and where on the log it ended.
#[derive(Deserialize)]
struct Record {
    state: ExecutionView,
}

/// What a record tells who asks. One that cannot be read is an end too: nothing that may have been done is done again.
fn ended_by(id: &ExecutionId, json: &[u8], asks: &Parent) -> ChildEnded {
    match serde_json::from_slice::<Record>(json) {
        Ok(record) => recalled(&record.state, asks),
        Err(fault) => {
            let message = format!("the execution `{id}` has ended, but its record cannot be read: {fault}");
            ChildEnded {
                path: asks.path.clone(),
                child: id.clone(),
                status: Status::Failed,
                output: Value::Null,
                error: Some(StepError::new(StepError::UNTYPED, message).final_()),
                reason: None,
                undo: vec![],
            }
        }
    }
}

fn refusal(workflow: &Name) -> StepError {
    let message =
        format!("NATS refuses the start of the workflow `{workflow}`: its input may be too large for a message");
    StepError::new(StepError::TOO_LARGE, message).final_()
}
