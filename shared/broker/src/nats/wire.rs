//! Our messages as the client takes them.

use std::time::Duration;

use async_nats::{
    HeaderMap, HeaderName, HeaderValue, Subject,
    header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID, NATS_MESSAGE_TTL},
    message::OutboundMessage,
};
use bytes::Bytes;

use crate::ports::Message;

/// The message for the wire, or why it can never be one.
pub(super) fn outbound(message: &Message, reply: Option<String>) -> Result<OutboundMessage, String> {
    let subject = subject(&message.subject)?;
    let headers = headers(message)?;
    Ok(OutboundMessage { subject, reply: reply.map(Subject::from), payload: message.payload.clone(), headers })
}

/// A message without headers.
pub(super) fn plain(
    subject: &str,
    reply: Option<String>,
    payload: impl Into<Bytes>,
) -> Result<OutboundMessage, String> {
    let subject = self::subject(subject)?;
    Ok(OutboundMessage { subject, reply: reply.map(Subject::from), payload: payload.into(), headers: None })
}

/// White space in a subject would break the protocol's lines.
fn subject(text: &str) -> Result<Subject, String> {
    if text.is_empty() || text.bytes().any(|byte| byte.is_ascii_whitespace() || byte == 0) {
        return Err(format!("`{text}` is not a subject"));
    }
    Ok(Subject::from(text))
}

pub(super) fn headers(message: &Message) -> Result<Option<HeaderMap>, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        headers.insert(HeaderName::from_static(name), header_value(name, value)?);
    }
    if let Some(sequence) = message.expected {
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(sequence));
    }
    if let Some(id) = &message.msg_id {
        headers.insert(NATS_MESSAGE_ID, header_value("Nats-Msg-Id", id)?);
    }
    if let Some(ttl) = message.ttl {
        headers.insert(NATS_MESSAGE_TTL, HeaderValue::from(ttl_text(ttl)));
    }
    Ok((!headers.is_empty()).then_some(headers))
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, String> {
    value.parse().map_err(|_| format!("the header `{name}` has a line break in its value"))
}

/// As Go writes durations. The server refuses less than a second.
fn ttl_text(ttl: Duration) -> String {
    format!("{}ms", ttl.max(Duration::from_secs(1)).as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str) -> Message {
        let payload = Bytes::from_static(b"x");
        Message { subject: subject.into(), expected: None, msg_id: None, ttl: None, headers: vec![], payload }
    }

    #[test]
    fn conditions_become_headers() {
        let message = Message {
            expected: Some(0),
            msg_id: Some("m".into()),
            ttl: Some(Duration::from_millis(2500)),
            headers: vec![("ce-type", "t".into())],
            ..message("a.b")
        };
        let headers = outbound(&message, None).expect("a message").headers.expect("headers");
        let value = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
        assert_eq!(value("Nats-Expected-Last-Subject-Sequence").as_deref(), Some("0"));
        assert_eq!((value("Nats-Msg-Id").as_deref(), value("ce-type").as_deref()), (Some("m"), Some("t")));
        assert_eq!(value("Nats-TTL").as_deref(), Some("2500ms"));
    }

    #[test]
    fn what_would_break_the_protocol_is_refused() {
        assert!(outbound(&message("a b"), None).is_err());
        assert!(outbound(&message(""), None).is_err());
        assert!(outbound(&Message { headers: vec![("ce-id", "a\r\nb".into())], ..message("a") }, None).is_err());
        assert!(outbound(&message("a"), None).expect("a message").headers.is_none());
    }
}
