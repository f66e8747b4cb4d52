//! Requests to JetStream's API, and what it answers.

use std::time::Duration;

use async_nats::{Request, RequestErrorKind};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use sagaline_model::Moment;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::Connection;
use crate::ports::{Failure, Sequence};

pub(super) const API: &str = "$JS.API";
/// How long an answer is waited for before the question is asked again. What is asked while a leader dies is never answered, so
/// one long wait would outlast the election.
pub(super) const TRIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(2)];

/// A cluster is about to elect a leader.
pub(super) const TEMPORARILY_UNAVAILABLE: u64 = 10008;
pub(super) const CONSUMER_NOT_FOUND: u64 = 10014;
pub(super) const NO_MESSAGE_FOUND: u64 = 10037;
pub(super) const JETSTREAM_NOT_ENABLED_FOR_ACCOUNT: u64 = 10039;
pub(super) const SEQUENCE_NOT_FOUND: u64 = 10043;
pub(super) const DELETE_FAILED: u64 = 10057;
pub(super) const STREAM_NAME_TAKEN: u64 = 10058;
pub(super) const STREAM_NOT_FOUND: u64 = 10059;
pub(super) const JETSTREAM_NOT_ENABLED: u64 = 10076;

/// Why a request gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiError {
    #[error("no answer")]
    NoAnswer,
    #[error("nobody is there to answer")]
    NobodyThere,
    #[error("{description} (code {code})")]
    Refused { code: u64, description: String },
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

impl ApiError {
    /// As the owner sees it. `attempt` completes "while trying to …".
    pub(super) fn into_failure(self, attempt: impl Into<String>) -> Failure {
        let what = attempt.into();
        match self {
            Self::NoAnswer | Self::NobodyThere => Failure::NoAnswer(what),
            Self::Refused { .. } | Self::Unreadable(_) => Failure::Refused { what, why: self.to_string() },
        }
    }

    pub(super) fn code(&self) -> Option<u64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::NoAnswer | Self::NobodyThere | Self::Unreadable(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct Reply {
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

/// Reads an answer.
pub(super) fn read_reply<T: DeserializeOwned>(payload: &[u8]) -> Result<T, ApiError> {
    let unreadable = |error: serde_json::Error| ApiError::Unreadable(error.to_string());
    match serde_json::from_slice::<Reply>(payload).map_err(unreadable)?.error {
        Some(fault) => Err(ApiError::Refused { code: fault.err_code, description: fault.description }),
        None => serde_json::from_slice(payload).map_err(unreadable),
    }
}

impl Connection {
    /// Asks `$JS.API.<verb>`, and again if there is no answer: what is asked here may be done twice.
    pub(super) async fn api<T: DeserializeOwned>(&self, verb: &str, body: &impl Serialize) -> Result<T, ApiError> {
        let body = Bytes::from(serde_json::to_vec(body).expect("requests have string keys only"));
        let mut answer = Err(ApiError::NoAnswer);
        for within in TRIES {
            answer = self.ask(verb, body.clone(), within).await;
            if !matches!(answer, Err(ApiError::NoAnswer)) {
                break;
            }
        }
        answer.and_then(|payload| read_reply(&payload))
    }

    async fn ask(&self, verb: &str, body: Bytes, within: Duration) -> Result<Bytes, ApiError> {
        let request = Request::new().payload(body).timeout(Some(within));
        match self.client().send_request(format!("{API}.{verb}"), request).await {
            Ok(message) => Ok(message.payload),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => ApiError::NobodyThere,
                RequestErrorKind::TimedOut | RequestErrorKind::Other => ApiError::NoAnswer,
                RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                    ApiError::Unreadable(error.to_string())
                }
            }),
        }
    }

    /// The message that `which` names, read from the leader of the stream.
    pub(super) async fn stored(&self, stream: &str, which: &impl Serialize) -> Result<Option<StoredMessage>, ApiError> {
        match self.api::<StoredReply>(&format!("STREAM.MSG.GET.{stream}"), which).await {
            Ok(reply) => Ok(Some(reply.message)),
            Err(error) if error.code() == Some(NO_MESSAGE_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes what is on `subject`; with `below` only what stands below that sequence. Answers how many messages went.
    pub(super) async fn purge_subject(
        &self,
        stream: &str,
        subject: &str,
        below: Option<Sequence>,
    ) -> Result<u64, ApiError> {
        #[derive(Deserialize)]
        struct Purged {
            #[serde(default)]
            purged: u64,
        }
        let request = match below {
            Some(below) => json!({ "filter": subject, "seq": below }),
            None => json!({ "filter": subject }),
        };
        let Purged { purged } = self.api(&format!("STREAM.PURGE.{stream}"), &request).await?;
        Ok(purged)
    }

    /// The last message on `subject`, a marker of a deleted or expired value included, as the leader has it.
    pub(super) async fn last_on(&self, stream: &str, subject: &str) -> Result<Option<StoredMessage>, ApiError> {
        self.stored(stream, &last_by_subject(subject)).await
    }
}

pub(super) fn last_by_subject(subject: &str) -> serde_json::Value {
    json!({ "last_by_subj": subject })
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[derive(Deserialize)]
pub(super) struct StoredReply {
    pub(super) message: StoredMessage,
}

/// A stored message as the API writes it.
#[derive(Debug, Deserialize)]
pub(super) struct StoredMessage {
    pub(super) seq: Sequence,
    #[serde(default)]
    hdrs: Option<String>,
    #[serde(default)]
    data: Option<String>,
    pub(super) time: Moment,
}

impl StoredMessage {
    pub(super) fn payload(&self) -> Result<Bytes, ApiError> {
        decode(self.data.as_deref())
    }

    /// The value of a bucket; a marker of a deleted or expired one is none.
    pub(super) fn value(&self) -> Result<Option<(Sequence, Bytes)>, ApiError> {
        let headers = decode(self.hdrs.as_deref())?;
        if is_marker(&String::from_utf8_lossy(&headers)) {
            return Ok(None);
        }
        Ok(Some((self.seq, self.payload()?)))
    }
}

pub(super) fn decode(base64: Option<&str>) -> Result<Bytes, ApiError> {
    let bytes = BASE64_STANDARD.decode(base64.unwrap_or_default());
    bytes.map(Bytes::from).map_err(|error| ApiError::Unreadable(error.to_string()))
}

fn is_marker(headers: &str) -> bool {
    headers.lines().filter_map(|line| line.split_once(": ")).any(|(name, value)| marks_absence(name, value))
}

/// Whether a header says that the message stands for a value that is no more.
pub(super) fn marks_absence(name: &str, value: &str) -> bool {
    name == "Nats-Marker-Reason" || (name == "KV-Operation" && matches!(value, "DEL" | "PURGE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_from_an_answer() {
        let refused = read_reply::<StoredReply>(
            br#"{"type":"x","error":{"code":404,"err_code":10037,"description":"no message found"}}"#,
        );
        assert_eq!(refused.err().and_then(|error| error.code()), Some(NO_MESSAGE_FOUND));
        let stored: StoredReply =
            read_reply(br#"{"message":{"subject":"a","seq":7,"data":"aGk=","time":"2026-11-20T06:00:00.000000001Z"}}"#)
                .expect("an answer");
        assert_eq!(stored.message.value(), Ok(Some((7, Bytes::from_static(b"hi")))));
        assert_eq!(stored.message.time, "2026-11-20T06:00:00.000000001Z".parse().expect("a time"));
    }

    #[test]
    fn markers_are_no_values() {
        assert!(is_marker("NATS/1.0\r\nKV-Operation: DEL\r\n\r\n"));
        assert!(is_marker("NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\n\r\n"));
        assert!(!is_marker("NATS/1.0\r\nNats-TTL: 3s\r\nKV-Operation: PUT\r\n\r\n"));
    }
}
