//! The CloudEvent in a message of the log: only what the owner needs of it, since this is done for every entry.

use async_nats::HeaderMap;
use bytes::Bytes;
use sagaline_events::{
    EnvelopeError,
    envelope::{Envelope, STRUCTURED},
};

use crate::ports::Content;

/// Reads either mode. The reason of a failure is for the operator who finds the message in `REJECTED`.
pub(super) fn read(headers: Option<&HeaderMap>, payload: &Bytes) -> Result<Content, String> {
    let found = headers.map(Found::among).unwrap_or_default();
    let content = match found.version {
        Some("1.0") => found.binary(payload),
        Some(other) => Err(EnvelopeError::Version(other.to_owned())),
        None if found.content_type.is_some_and(|content_type| content_type.starts_with(STRUCTURED)) => {
            structured(payload)
        }
        None => Err(EnvelopeError::NotACloudEvent),
    };
    content.map_err(|error| match &error {
        EnvelopeError::Structured(source) => format!("{error}: {source}"),
        EnvelopeError::Missing(_) | EnvelopeError::Version(_) | EnvelopeError::NotACloudEvent => error.to_string(),
    })
}

#[derive(Default)]
struct Found<'a> {
    version: Option<&'a str>,
    id: bool,
    source: bool,
    kind: Option<&'a str>,
    traceparent: Option<&'a str>,
    content_type: Option<&'a str>,
}

impl<'a> Found<'a> {
    fn among(headers: &'a HeaderMap) -> Self {
        let mut found = Self::default();
        for (name, values) in headers.iter() {
            let Some(value) = values.first().map(async_nats::HeaderValue::as_str) else { continue };
            found.take(name.as_ref(), value);
        }
        found
    }

    fn take(&mut self, name: &str, value: &'a str) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match name.len() {
            5 if is("ce-id") => self.id = !value.is_empty(),
            7 if is("ce-type") => self.kind = Some(value).filter(|kind| !kind.is_empty()),
            9 if is("ce-source") => self.source = !value.is_empty(),
            11 if is("traceparent") => self.traceparent = Some(value),
            12 if is("content-type") => self.content_type = Some(value),
            14 if is("ce-specversion") => self.version = Some(value),
            // The distributed-tracing extension; a plain header of the same name is the transport's.
            14 if is("ce-traceparent") => self.traceparent = Some(value),
            _ => {}
        }
    }

    fn binary(&self, payload: &Bytes) -> Result<Content, EnvelopeError> {
        match self.kind {
            Some(kind) if self.id && self.source => Ok(Content {
                kind: kind.to_owned(),
                traceparent: self.traceparent.map(str::to_owned),
                data: payload.clone(),
            }),
            None => Err(EnvelopeError::Missing("type")),
            Some(_) => Err(EnvelopeError::Missing(if self.id { "source" } else { "id" })),
        }
    }
}

fn structured(payload: &Bytes) -> Result<Content, EnvelopeError> {
    let mut event = Envelope::read_structured(payload)?;
    Ok(Content { traceparent: event.extensions.remove("traceparent"), kind: event.kind, data: event.data })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(headers: &[(&str, &str)], payload: &'static str) -> Result<Content, String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, *value);
        }
        read(Some(&map), &Bytes::from_static(payload.as_bytes()))
    }

    #[test]
    fn both_modes_give_the_same_content() {
        let binary = [
            ("ce-specversion", "1.0"),
            ("Ce-Id", "1"),
            ("ce-source", "/s"),
            ("CE-Type", "t.v1"),
            ("ce-traceparent", "00-a"),
        ];
        let expected = Content { kind: "t.v1".into(), traceparent: Some("00-a".into()), data: r#"{"a":1}"#.into() };
        assert_eq!(read_with(&binary, r#"{"a":1}"#), Ok(expected.clone()));
        let json = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t.v1","traceparent":"00-a","data":{"a":1}}"#;
        assert_eq!(read_with(&[("Content-Type", STRUCTURED)], json), Ok(expected));
    }

    #[test]
    fn what_is_missing_is_named() {
        let reason = |headers: &[(&str, &str)], payload| read_with(headers, payload).expect_err("a fault");
        assert!(reason(&[], "").contains("no CloudEvent"));
        assert!(read(None, &Bytes::new()).is_err());
        assert!(reason(&[("ce-specversion", "0.3")], "").contains("`0.3`"));
        assert!(reason(&[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s")], "").contains("no `type`"));
        assert!(reason(&[("ce-specversion", "1.0"), ("ce-type", "t"), ("ce-source", "/s")], "").contains("no `id`"));
        assert!(reason(&[("content-type", STRUCTURED)], "{").contains("EOF"));
    }
}
