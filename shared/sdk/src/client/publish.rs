//! Publishing something that must arrive once: tried again until the server has said what became of it.

use std::time::Duration;

use bytes::Bytes;
use sagaline_broker::ports::{Message, Outcome, Sequence};
use sagaline_events::{Envelope, Input, envelope::STRUCTURED};
use sagaline_model::ExecutionId;
use tokio::time::{Instant, sleep};

use super::{Client, Error};

/// A restarted server, or a new leader of a stream, answers well within this.
const STORED_WITHIN: Duration = Duration::from_secs(12);
const PAUSE: Duration = Duration::from_millis(50);

/// How a conditional publish ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Stored(Sequence),
    /// Something else is there; perhaps an earlier try of ours, whose ack was lost.
    Conflict,
}

impl Client {
    /// Publishes until it is stored or refused. `attempt` completes "while trying to …". The message must be safe to publish
    /// twice: by its condition, or by its Msg-Id.
    pub(super) async fn publish(&self, message: &Message, attempt: &str) -> Result<Written, Error> {
        let deadline = Instant::now() + STORED_WITHIN;
        loop {
            let attempt = || attempt.to_owned();
            let last = match self.connection.publish(message).await {
                Outcome::Stored { sequence, .. } => return Ok(Written::Stored(sequence)),
                Outcome::Conflict { .. } => return Ok(Written::Conflict),
                Outcome::Full(why) => return Err(Error::Full { attempt: attempt(), why }),
                Outcome::Refused(why) => return Err(self.refused(message, attempt(), why)),
                Outcome::Contended => Error::Contended { attempt: attempt() },
                Outcome::Unknown(why) => Error::NoAnswer { attempt: attempt(), why },
                Outcome::Gone | Outcome::Found(_) => unreachable!("only revocations and look-ups end so"),
            };
            if deadline <= Instant::now() {
                return Err(last);
            }
            sleep(PAUSE).await;
        }
    }

    /// Most refusals are about the size, of which the server tells when it greets.
    fn refused(&self, message: &Message, attempt: String, why: String) -> Error {
        let limit = self.connection.client().server_info().max_payload;
        let headers: usize = message.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let bytes = headers + message.payload.len();
        if limit < bytes { Error::TooLarge { attempt, bytes, limit } } else { Error::Refused { attempt, why } }
    }

    /// An input as a message, its CloudEvent called `id`.
    pub(super) fn input_message(&self, subject: String, execution: &ExecutionId, id: &str, input: &Input) -> Message {
        let envelope = Envelope::new(id, &*self.source, input.kind(), Bytes::new()).about(execution.as_str());
        message(subject, &envelope, input.data().into())
    }
}

/// A CloudEvent as a message in binary mode.
pub(super) fn message(subject: String, envelope: &Envelope, payload: Bytes) -> Message {
    let headers = vec![
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", envelope.id.clone()),
        ("ce-source", envelope.source.clone()),
        ("ce-type", envelope.kind.clone()),
    ];
    let mut message = Message { subject, expected: None, msg_id: None, ttl: None, headers, payload };
    message.headers.extend(envelope.subject.clone().map(|subject| ("ce-subject", subject)));
    message.headers.extend(envelope.time.clone().map(|time| ("ce-time", time)));
    let traceparent = envelope.extensions.get("traceparent").cloned();
    message.headers.extend(traceparent.map(|traceparent| ("ce-traceparent", traceparent)));
    message.headers.extend(envelope.content_type.clone().map(|kind| ("content-type", kind)));
    message
}

/// A CloudEvent with all that it has, as one JSON object.
pub(super) fn structured(subject: String, envelope: &Envelope) -> Message {
    let headers = vec![("content-type", STRUCTURED.to_owned())];
    let payload = envelope.to_json().to_string().into();
    Message { subject, expected: None, msg_id: None, ttl: None, headers, payload }
}
