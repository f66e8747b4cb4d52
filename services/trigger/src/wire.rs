//! What the trigger publishes: starts, lifecycle events, rejected messages. The one place where they get their subjects and ids.

use sagaline_broker::{names::Names, ports::Message};
use sagaline_events::{EntityInput, EntityKey, Envelope, Input, Start, input::Signal};
use sagaline_model::{ExecutionId, Name, event_wait::mark_of};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{event::Received, handler::Meant};

/// The CloudEvent type of a rejected message, whoever rejects it.
const REJECTED_TYPE: &str = "sagaline.rejected.v1";
/// Of an id, so much stands for the workflow; the rest is a hash.
const WORKFLOW_IN_ID_MAX: usize = 95;
/// What is kept of the payload of a rejected message: the reason must find room beside it.
const KEPT_BYTES_MAX: usize = 512 * 1024;
/// What is kept of its headers; the server takes 64 KiB in all.
const KEPT_HEADER_BYTES_MAX: usize = 16 * 1024;

/// The id of the execution that an event starts: the same for the same workflow, source and id, on every replica.
pub fn execution_of(workflow: &Name, source: &str, id: &str) -> ExecutionId {
    let hash = hash_of(&[workflow.as_str(), source, id]);
    let workflow: String = workflow.as_str().chars().take(WORKFLOW_IN_ID_MAX).collect();
    ExecutionId::new(format!("{workflow}-{hash}")).expect("a name and a hash are an id")
}

/// 128 bits in hexadecimal.
fn hash_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // Lengths keep `a` + `bc` apart from `ab` + `c`.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the messages of one installation.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    names: Names,
    partitions: u32,
    source: String,
}

/// Why an event, or what it should have started, is set aside.
pub(crate) struct Rejection<'a> {
    /// A token of the subject.
    pub(crate) reason: &'static str,
    pub(crate) why: &'a str,
    /// The event, if it is one.
    pub(crate) event: Option<&'a Envelope>,
    /// What it should have started, if it came so far.
    pub(crate) meant: Option<&'a Meant>,
}

impl Meant {
    fn signal_id(&self, cause: &Envelope) -> String {
        let signal = self.signal.as_ref().map_or("", Name::as_str);
        let (workflow, execution) = (self.workflow.as_str(), self.execution.as_str());
        format!("signal-{}", hash_of(&[workflow, signal, execution, &cause.source, &cause.id]))
    }
}

impl Wire {
    pub(crate) fn new(names: Names, partitions: u32) -> Self {
        let source = format!("/sagaline/{}/trigger", names.namespace());
        Self { names, partitions, source }
    }

    /// Stored only if the execution has no start yet.
    pub(crate) fn start(&self, meant: &Meant, input: Value, trigger: &Value, event: &Received) -> Message {
        let (version, trigger) = (Some(meant.version), Some(trigger.clone()));
        self.start_of(meant, Start { version, input, trigger, ..Start::of(meant.workflow.clone()) }, event)
    }

    /// The same, of whatever is to begin.
    pub(crate) fn start_of(&self, meant: &Meant, start: Start, event: &Received) -> Message {
        let execution = meant.execution.as_str();
        let start = Input::Start(start);
        let id = format!("{execution}-start");
        Message {
            subject: self.names.start(execution, self.partitions),
            expected: Some(0),
            payload: start.data().into(),
            ..self.message(id, start.kind(), execution, event, meant.traceparent.as_deref())
        }
    }

    /// Stored once for an event, a workflow, an execution and a signal, within the memory that the log has for ids. Nothing if no
    /// signal is meant.
    pub(crate) fn signal(&self, meant: &Meant, data: Value, cause: &Envelope, event: &Received) -> Option<Message> {
        let execution = meant.execution.as_str();
        let signal = Input::Signal(Signal { name: meant.signal.clone()?, data });
        let id = meant.signal_id(cause);
        Some(Message {
            subject: self.names.input(execution, self.partitions),
            msg_id: Some(id.clone()),
            payload: signal.data().into(),
            ..self.message(id, signal.kind(), execution, event, meant.traceparent.as_deref())
        })
    }

    /// `sagaline.trigger.matched.v1`: an event started this execution, or is a signal to it.
    pub(crate) fn matched(&self, meant: &Meant, cause: &Envelope, event: &Received) -> Message {
        let (workflow, execution) = (meant.workflow.as_str(), meant.execution.as_str());
        let mut data = json!({
            "workflow": workflow,
            "version": meant.version,
            "execution": execution,
            "at": event.stored,
            "event": { "id": cause.id, "source": cause.source, "type": cause.kind },
        });
        if let Some(signal) = &meant.signal {
            data["signal"] = signal.as_str().into();
        }
        let id = match &meant.signal {
            Some(_) => format!("{}-matched", meant.signal_id(cause)),
            None => format!("{execution}-matched"),
        };
        Message {
            subject: self.names.lifecycle("trigger", "matched", workflow, execution),
            payload: data.to_string().into(),
            ..self.message(id, "sagaline.trigger.matched.v1", execution, event, meant.traceparent.as_deref())
        }
    }

    /// `sagaline.trigger.rejected.v1`: an event that could not be read, or could not start what it should have.
    pub(crate) fn rejected_event(&self, rejection: &Rejection<'_>, event: &Received) -> Message {
        let token = match rejection.event {
            Some(cause) => ExecutionId::encoded(&cause.id),
            None => ExecutionId::encoded(&format!("{}-{}", event.origin.stream, event.sequence)),
        };
        let workflow = rejection.meant.map(|meant| meant.workflow.as_str());
        let data = json!({
            "workflow": workflow,
            "version": rejection.meant.map(|meant| meant.version),
            "execution": rejection.meant.map(|meant| meant.execution.as_str()),
            "at": event.stored,
            "event": rejection.event.map(|cause| json!({ "id": cause.id, "source": cause.source, "type": cause.kind })),
            "message": { "stream": event.origin.stream, "sequence": event.sequence },
            "reason": rejection.reason,
            "why": rejection.why,
        });
        let id = Self::rejected_id(rejection, event);
        Message {
            subject: self.names.lifecycle("trigger", "rejected", workflow.unwrap_or("_"), token.as_str()),
            payload: data.to_string().into(),
            ..self.message(id, "sagaline.trigger.rejected.v1", token.as_str(), event, None)
        }
    }

    /// The message as it came, for `REJECTED`, with the reason in its headers. Publishing it twice stores it once.
    pub(crate) fn rejected(&self, rejection: &Rejection<'_>, event: &Received) -> Message {
        let id = Self::rejected_id(rejection, event);
        let payload = &event.message.payload;
        let kept = payload.len().min(KEPT_BYTES_MAX);
        let subject = format!("{}/{}", event.origin.stream, event.sequence);
        let mut message = Message {
            subject: self.names.rejected(rejection.reason),
            msg_id: Some(id.clone()),
            payload: payload.slice(..kept),
            ..self.message(id, REJECTED_TYPE, &subject, event, None)
        };
        message.headers.extend([
            ("Sagaline-Reason", one_line(rejection.why)),
            ("Sagaline-Stream", event.origin.stream.clone()),
            ("Sagaline-Sequence", event.sequence.to_string()),
            ("Sagaline-Subject", one_line(event.message.subject.as_str())),
        ]);
        message.headers.extend(headers_of(event).map(|headers| ("Sagaline-Headers", headers)));
        if kept < payload.len() {
            message.headers.push(("Sagaline-Truncated-From", payload.len().to_string()));
        }
        message
    }

    /// The event for those who may wait for it. It has the same name whoever passes it on, and however often.
    pub(crate) fn passed_on(
        &self,
        entity: &EntityKey,
        input: &EntityInput,
        event: &Envelope,
        received: &Received,
    ) -> Message {
        let name = format!("{entity}/{:016x}", mark_of(&event.source, &event.id));
        Message {
            subject: self.names.input(entity.as_str(), self.partitions),
            msg_id: Some(name.clone()),
            payload: input.data().into(),
            ..self.message(name, input.kind(), entity.as_str(), received, None)
        }
    }

    fn rejected_id(rejection: &Rejection<'_>, event: &Received) -> String {
        let meant = rejection.meant.map(|meant| match &meant.signal {
            Some(signal) => format!("-{}-{signal}", meant.workflow),
            None => format!("-{}", meant.workflow),
        });
        format!("rejected-{}-{}{}", event.origin.stream, event.sequence, meant.unwrap_or_default())
    }

    fn message(&self, id: String, kind: &str, subject: &str, event: &Received, traceparent: Option<&str>) -> Message {
        let mut headers = vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", id),
            ("ce-source", self.source.clone()),
            ("ce-type", kind.to_owned()),
            ("ce-subject", subject.to_owned()),
            ("ce-time", event.stored.to_string()),
        ];
        headers.extend(traceparent.map(|parent| ("ce-traceparent", parent.to_owned())));
        Message {
            subject: String::new(),
            expected: None,
            msg_id: None,
            ttl: None,
            headers,
            payload: bytes::Bytes::new(),
        }
    }
}

/// The headers of a message as JSON, because in binary mode the event's attributes are there; nothing if there are none, or too many.
fn headers_of(event: &Received) -> Option<String> {
    let headers = event.message.headers.as_ref()?;
    let value = |values: &[async_nats::HeaderValue]| -> Value {
        let values: Vec<&str> = values.iter().map(async_nats::HeaderValue::as_str).collect();
        match values[..] {
            [value] => value.into(),
            _ => values.into(),
        }
    };
    let headers = headers.iter().map(|(name, values)| (name.to_string(), value(values))).collect();
    // JSON escapes line breaks, so that this is one line.
    Some(Value::Object(headers).to_string()).filter(|headers| headers.len() <= KEPT_HEADER_BYTES_MAX)
}

/// Headers are lines; what others wrote may hold several.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ").chars().take(1000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    /// Replicas of different versions run at the same time: this never changes.
    #[test]
    fn golden_ids() {
        let id = execution_of(&name("order"), "/shop", "A-100");
        assert_eq!(id.as_str(), "order-48685dce4adf621d0cd5df0d7a903f3e");
    }

    #[test]
    fn what_differs_has_another_id() {
        let ids = [("order", "/shop", "1"), ("order", "/sho", "p1"), ("order2", "/shop", "1"), ("order", "/shop", "2")];
        let ids = ids.map(|(workflow, source, id)| execution_of(&name(workflow), source, id));
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    }

    #[test]
    fn the_longest_name_gives_an_id_too() {
        let long = execution_of(&name(&"x".repeat(128)), "/shop", "1");
        assert_eq!(long.as_str().len(), 128);
        assert_ne!(long, execution_of(&name(&"x".repeat(127)), "/shop", "1"));
    }
}
