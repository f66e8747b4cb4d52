//! CloudEvents as NATS messages: binary mode (attributes in `ce-` headers, data as payload) and structured mode (all in one JSON).
//!
//! [`Envelope`] is what the hot path uses; it converts to and from the SDK's `Event` at the edges, where other people's events come in.

use std::collections::BTreeMap;

use bytes::Bytes;
use cloudevents::{AttributesReader, Data, Event};

/// The content type that marks structured mode.
pub const STRUCTURED: &str = "application/cloudevents+json";

/// A CloudEvent, version 1.0.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    pub id: String,
    pub source: String,
    pub kind: String,
    pub subject: Option<String>,
    /// RFC 3339, as its maker wrote it.
    pub time: Option<String>,
    pub content_type: Option<String>,
    /// Extension attributes, `traceparent` among them.
    pub extensions: BTreeMap<String, String>,
    pub data: Bytes,
}

/// Why a message is no CloudEvent.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    #[error("the CloudEvent has no `{0}`; every event needs specversion, id, source and type")]
    Missing(&'static str),
    #[error("the CloudEvent has specversion `{0}`; only 1.0 is understood")]
    Version(String),
    #[error("the message is marked `{STRUCTURED}` but is no CloudEvent in JSON")]
    Structured(#[source] serde_json::Error),
    #[error("the message has neither `ce-` headers nor the content type `{STRUCTURED}`, so it is no CloudEvent")]
    NotACloudEvent,
}

impl Envelope {
    pub fn new(
        id: impl Into<String>,
        source: impl Into<String>,
        kind: impl Into<String>,
        data: impl Into<Bytes>,
    ) -> Self {
        Self {
            id: id.into(),
            source: source.into(),
            kind: kind.into(),
            subject: None,
            time: None,
            content_type: None,
            extensions: BTreeMap::new(),
            data: data.into(),
        }
    }

    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The headers of binary mode.
    pub fn for_each_header(&self, mut each: impl FnMut(&str, &str)) {
        each("ce-specversion", "1.0");
        each("ce-id", &self.id);
        each("ce-source", &self.source);
        each("ce-type", &self.kind);
        if let Some(subject) = &self.subject {
            each("ce-subject", subject);
        }
        if let Some(time) = &self.time {
            each("ce-time", time);
        }
        if let Some(content_type) = &self.content_type {
            each("content-type", content_type);
        }
        for (name, value) in &self.extensions {
            each(&format!("ce-{name}"), value);
        }
    }

    /// Reads a message in either mode. `headers` gives every header in lower case.
    pub fn read<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>, payload: Bytes) -> Result<Self, EnvelopeError> {
        let mut envelope = Self::new("", "", "", payload);
        let mut version = None;
        for (name, value) in headers {
            let Some(attribute) = strip_prefix_ignoring_case(name, "ce-") else {
                if name.eq_ignore_ascii_case("content-type") {
                    envelope.content_type = Some(value.to_owned());
                }
                continue;
            };
            match attribute.to_ascii_lowercase().as_str() {
                "specversion" => version = Some(value.to_owned()),
                "id" => value.clone_into(&mut envelope.id),
                "source" => value.clone_into(&mut envelope.source),
                "type" => value.clone_into(&mut envelope.kind),
                "subject" => envelope.subject = Some(value.to_owned()),
                "time" => envelope.time = Some(value.to_owned()),
                "datacontenttype" => envelope.content_type = Some(value.to_owned()),
                other => {
                    envelope.extensions.insert(other.to_owned(), value.to_owned());
                }
            }
        }
        let structured = envelope.content_type.as_deref().is_some_and(|content| content.starts_with(STRUCTURED));
        match version {
            None if structured => Self::read_structured(&envelope.data),
            None => Err(EnvelopeError::NotACloudEvent),
            Some(version) if version != "1.0" => Err(EnvelopeError::Version(version)),
            Some(_) => envelope.complete(),
        }
    }

    /// Reads a whole event in one JSON object.
    pub fn read_structured(json: &[u8]) -> Result<Self, EnvelopeError> {
        let event: Event = serde_json::from_slice(json).map_err(EnvelopeError::Structured)?;
        Self::from(event).complete()
    }

    fn complete(self) -> Result<Self, EnvelopeError> {
        match &self {
            _ if self.id.is_empty() => Err(EnvelopeError::Missing("id")),
            _ if self.source.is_empty() => Err(EnvelopeError::Missing("source")),
            _ if self.kind.is_empty() => Err(EnvelopeError::Missing("type")),
            _ => Ok(self),
        }
    }

    /// The event as one JSON value, as expressions see it (`trigger`).
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::Map::new();
        let mut put = |name: &str, value: &str| json.insert(name.to_owned(), value.into());
        put("specversion", "1.0");
        put("id", &self.id);
        put("source", &self.source);
        put("type", &self.kind);
        for (name, value) in [("subject", &self.subject), ("time", &self.time), ("datacontenttype", &self.content_type)]
        {
            if let Some(value) = value {
                put(name, value);
            }
        }
        for (name, value) in &self.extensions {
            put(name, value);
        }
        if !self.data.is_empty() {
            let text = || String::from_utf8_lossy(&self.data).into_owned().into();
            json.insert("data".into(), serde_json::from_slice(&self.data).unwrap_or_else(|_| text()));
        }
        json.into()
    }
}

impl From<Event> for Envelope {
    fn from(event: Event) -> Self {
        let data = match event.data() {
            Some(Data::Binary(bytes)) => Bytes::from(bytes.clone()),
            Some(Data::String(text)) => Bytes::from(text.clone()),
            Some(Data::Json(json)) => Bytes::from(json.to_string()),
            None => Bytes::new(),
        };
        let mut envelope = Self::new(event.id(), event.source().to_string(), event.ty(), data);
        envelope.subject = event.subject().map(str::to_owned);
        envelope.time = event.time().map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
        envelope.content_type = event.datacontenttype().map(str::to_owned);
        envelope.extensions =
            event.iter_extensions().map(|(name, value)| (name.to_owned(), value.to_string())).collect();
        envelope
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &Envelope) -> Vec<(String, String)> {
        let mut all = vec![];
        of.for_each_header(|name, value| all.push((name.to_owned(), value.to_owned())));
        all
    }

    fn read_back(headers: &[(String, String)], data: &Bytes) -> Result<Envelope, EnvelopeError> {
        Envelope::read(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())), data.clone())
    }

    #[test]
    fn binary_mode_is_read_as_it_was_written() {
        let mut event = Envelope::new("1", "/shop", "order.created", r#"{"total":3}"#).about("order-1");
        event.extensions.insert("traceparent".into(), "00-1-2-01".into());
        event.content_type = Some("application/json".into());
        assert_eq!(read_back(&headers(&event), &event.data).expect("an event"), event);
    }

    #[test]
    fn structured_mode_gives_the_same_event() {
        let json = Bytes::from_static(
            br#"{"specversion":"1.0","id":"1","source":"/shop","type":"order.created","region":"eu","data":{"total":3}}"#,
        );
        let event = read_back(&[("Content-Type".into(), STRUCTURED.into())], &json).expect("an event");
        assert_eq!((event.id.as_str(), event.source.as_str(), event.kind.as_str()), ("1", "/shop", "order.created"));
        assert_eq!(event.extensions["region"], "eu");
        assert_eq!(event.to_json()["data"]["total"], 3);
    }

    #[test]
    fn what_is_no_cloudevent_is_told_apart() {
        let ce = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            read_back(&pairs, &Bytes::new()).expect_err("a fault").to_string()
        };
        assert!(ce(&[]).contains("no CloudEvent"));
        assert!(ce(&[("ce-specversion", "0.3")]).contains("`0.3`"));
        assert!(ce(&[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s")]).contains("no `type`"));
        assert!(ce(&[("content-type", STRUCTURED)]).contains("no CloudEvent in JSON"));
    }
}
