//! What JetStream's answers mean for what was asked.

use std::borrow::Cow;

use async_nats::{Message, StatusCode};
use serde::Deserialize;

use super::api::{ApiError, DELETE_FAILED, NO_MESSAGE_FOUND, SEQUENCE_NOT_FOUND, StoredReply, read_reply};
use crate::ports::{Outcome, Sequence};

/// The answer to a publish. It is read once per message, so it borrows.
#[derive(Deserialize)]
struct Ack<'a> {
    #[serde(default)]
    seq: Sequence,
    #[serde(default)]
    duplicate: bool,
    #[serde(borrow, default)]
    error: Option<Fault<'a>>,
}

#[derive(Deserialize)]
struct Fault<'a> {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    err_code: u64,
    #[serde(borrow, default)]
    description: Cow<'a, str>,
}

/// How a publish ended.
pub(super) fn of_publish(answer: &Message) -> Outcome {
    if answer.status == Some(StatusCode::NO_RESPONDERS) {
        return Outcome::Unknown("no stream takes this subject, or the stream has no leader".into());
    }
    match serde_json::from_slice::<Ack<'_>>(&answer.payload) {
        Ok(Ack { error: Some(fault), .. }) => of_fault(&fault),
        Ok(Ack { seq: 0, .. }) => Outcome::Unknown("the answer has no sequence".into()),
        Ok(Ack { seq, duplicate, error: None }) => Outcome::Stored { sequence: seq, duplicate },
        Err(error) => Outcome::Unknown(format!("the answer cannot be read: {error}")),
    }
}

fn of_fault(fault: &Fault<'_>) -> Outcome {
    let why = || format!("{} (code {})", fault.description, fault.err_code);
    match fault.err_code {
        // Wrong last sequence, with the number: somebody wrote before us.
        10071 => Outcome::Conflict { last: last_sequence(&fault.description) },
        // Wrong last sequence, without a number: another check of this subject is in flight. A duplicate of one in flight. Too many at once.
        10164 | 10158 | 10167 => Outcome::Contended,
        // The limits of the server, the account, its storage or memory.
        10002 | 10023 | 10028 | 10047 => Outcome::Full(why()),
        // The stream's own limit, or its disk; also said by a stream that is being closed.
        10077 if is_about_room(&fault.description) => Outcome::Full(why()),
        _ if fault.code == 400 => Outcome::Refused(why()),
        _ => Outcome::Unknown(why()),
    }
}

/// The number at the end of `wrong last sequence: 4`.
fn last_sequence(description: &str) -> Option<Sequence> {
    description.rsplit_once(": ").and_then(|(_, number)| number.trim().parse().ok())
}

fn is_about_room(description: &str) -> bool {
    ["maximum", "no space", "resource"].iter().any(|word| description.contains(word))
}

/// The sequence of the message that a revocation looked for.
pub(super) fn of_search(answer: &Message) -> Result<Sequence, Outcome> {
    match stored(answer) {
        Ok(reply) => Ok(reply.message.seq),
        Err(ApiError::Refused { code: NO_MESSAGE_FOUND, .. }) => Err(Outcome::Gone),
        Err(error) => Err(of_error(&error)),
    }
}

/// How the removal of a message ended. What is not there need not be removed.
pub(super) fn of_removal(answer: &Message) -> Outcome {
    #[derive(Deserialize)]
    struct Removed {}
    match read::<Removed>(answer) {
        Ok(Removed {}) => Outcome::Gone,
        Err(ApiError::Refused { code: NO_MESSAGE_FOUND | SEQUENCE_NOT_FOUND, .. }) => Outcome::Gone,
        Err(ApiError::Refused { code: DELETE_FAILED, description }) if description.contains("found") => Outcome::Gone,
        Err(error) => of_error(&error),
    }
}

/// What a look-up found.
pub(super) fn of_look_up(answer: &Message) -> Outcome {
    match stored(answer).and_then(|reply| reply.message.value()) {
        Ok(value) => Outcome::Found(value),
        Err(ApiError::Refused { code: NO_MESSAGE_FOUND, .. }) => Outcome::Found(None),
        Err(error) => of_error(&error),
    }
}

fn of_error(error: &ApiError) -> Outcome {
    Outcome::Unknown(error.to_string())
}

fn stored(answer: &Message) -> Result<StoredReply, ApiError> {
    read(answer)
}

fn read<T: serde::de::DeserializeOwned>(answer: &Message) -> Result<T, ApiError> {
    if answer.status == Some(StatusCode::NO_RESPONDERS) {
        return Err(ApiError::NobodyThere);
    }
    read_reply(&answer.payload)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn outcome(payload: &'static str) -> Outcome {
        of_publish(&answer(payload, None))
    }

    fn answer(payload: &'static str, status: Option<StatusCode>) -> Message {
        let payload = Bytes::from_static(payload.as_bytes());
        Message { subject: "i".into(), reply: None, payload, headers: None, status, description: None, length: 0 }
    }

    fn refused(code: u16, err_code: u64, description: &str) -> Outcome {
        of_fault(&Fault { code, err_code, description: description.into() })
    }

    #[test]
    fn an_ack_says_where_the_message_is() {
        assert_eq!(outcome(r#"{"stream":"S","seq":12}"#), Outcome::Stored { sequence: 12, duplicate: false });
        let duplicate = r#"{"stream":"S","domain":"d","seq":3,"duplicate":true}"#;
        assert_eq!(outcome(duplicate), Outcome::Stored { sequence: 3, duplicate: true });
    }

    #[test]
    fn errors_tell_what_may_be_done_next() {
        let lost =
            r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 4"},"stream":"S","seq":0}"#;
        assert_eq!(outcome(lost), Outcome::Conflict { last: Some(4) });
        assert_eq!(refused(400, 10071, "wrong last sequence"), Outcome::Conflict { last: None });
        assert_eq!(refused(400, 10164, "wrong last sequence"), Outcome::Contended);
        assert_eq!(refused(409, 10158, "duplicate"), Outcome::Contended);
        assert!(matches!(refused(503, 10023, "insufficient resources"), Outcome::Full(_)));
        assert!(matches!(refused(503, 10077, "maximum bytes exceeded"), Outcome::Full(_)));
        assert!(matches!(refused(503, 10077, "stream closed"), Outcome::Unknown(_)));
        assert!(matches!(refused(400, 10054, "message size exceeds maximum allowed"), Outcome::Refused(_)));
        assert!(matches!(refused(503, 10008, "temporarily unavailable"), Outcome::Unknown(_)));
    }

    #[test]
    fn no_stream_is_not_known_to_be_a_loss() {
        assert!(matches!(of_publish(&answer("", Some(StatusCode::NO_RESPONDERS))), Outcome::Unknown(_)));
        assert!(matches!(outcome("{"), Outcome::Unknown(_)));
    }

    #[test]
    fn revoking_what_is_not_there_is_done() {
        let none = r#"{"error":{"code":404,"err_code":10037,"description":"no message found"}}"#;
        assert_eq!(of_search(&answer(none, None)), Err(Outcome::Gone));
        let gone = r#"{"error":{"code":400,"err_code":10043,"description":"sequence 4 not found"},"success":false}"#;
        assert_eq!(of_removal(&answer(gone, None)), Outcome::Gone);
        assert_eq!(of_look_up(&answer(none, None)), Outcome::Found(None));
    }
}
