//! A CloudEvent made of a message that is none, as the operator says. No I/O.

use bytes::Bytes;
use sagaline_events::Envelope;
use sagaline_expr::Template;
use sagaline_model::{EventShape, Moment};
use serde_json::{Map, Value, json};

/// How an event is made of a message, compiled.
#[derive(Debug)]
pub(crate) struct Shape {
    kind: Template,
    source: Option<Template>,
    id: Option<Template>,
    subject: Option<Template>,
    data: Option<Template>,
    extensions: Vec<(String, Template)>,
}

/// A message of somebody else's.
pub(crate) struct Bare<'a> {
    pub(crate) stream: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) sequence: u64,
    pub(crate) stored: Moment,
    /// The first value of each.
    pub(crate) headers: Map<String, Value>,
    pub(crate) payload: &'a Bytes,
}

impl Shape {
    pub(crate) fn compile(given: &EventShape) -> Result<Self, String> {
        let template = |what: &str, json: &Value| {
            Template::compile(json).map_err(|faults| {
                let faults: Vec<String> = faults.into_iter().map(|fault| fault.to_string()).collect();
                format!("`{what}` of its event: {}", faults.join("; "))
            })
        };
        let text = |what: &str, text: &str| template(what, &text.into());
        let optional = |what: &str, given: &Option<String>| given.as_deref().map(|given| text(what, given)).transpose();
        let extensions = given.extensions.iter().map(|(name, value)| Ok((name.clone(), text(name, value)?)));
        Ok(Self {
            kind: text("type", &given.kind)?,
            source: optional("source", &given.source)?,
            id: optional("id", &given.id)?,
            subject: optional("subject", &given.subject)?,
            data: given.data.as_ref().map(|data| template("data", data)).transpose()?,
            extensions: extensions.collect::<Result<_, String>>()?,
        })
    }

    /// The event, or why there can be none.
    pub(crate) fn make(&self, message: &Bare<'_>) -> Result<Envelope, String> {
        let scope = Map::from_iter([("message".to_owned(), message.to_json())]);
        let text = |what: &str, template: &Template| match template.render(&scope) {
            Ok(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Ok(Value::Null | Value::String(_)) => Ok(None),
            Ok(other) => Ok(Some(other.to_string())),
            Err(fault) => Err(format!("the `{what}` of the event cannot be made: {fault}")),
        };
        let optional = |what: &str, template: &Option<Template>| match template {
            Some(template) => text(what, template),
            None => Ok(None),
        };
        let kind = text("type", &self.kind)?.ok_or("the `type` of the event would be empty")?;
        // The same however often the message is delivered, and another if the stream is made anew.
        let by_place = || format!("{}-{}-{}", message.stream, message.sequence, message.stored.as_millis());
        let id = match &self.id {
            Some(template) => text("id", template)?.ok_or("the `id` of the event would be empty")?,
            None => by_place(),
        };
        let source = optional("source", &self.source)?.unwrap_or_else(|| format!("/nats/{}", message.stream));
        let mut event = Envelope::new(id, source, kind, message.payload.clone());
        event.subject = optional("subject", &self.subject)?;
        event.time = Some(message.stored.to_string());
        for (name, template) in &self.extensions {
            event.extensions.extend(text(name, template)?.map(|value| (name.clone(), value)));
        }
        if let Some(template) = &self.data {
            let data = template.render(&scope).map_err(|fault| format!("the event's data cannot be made: {fault}"))?;
            event.data = data.to_string().into();
            event.content_type = Some("application/json".to_owned());
        }
        Ok(event)
    }
}

impl Bare<'_> {
    /// As expressions see it.
    fn to_json(&self) -> Value {
        let text = || Value::String(String::from_utf8_lossy(self.payload).into_owned());
        let data = match self.payload.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(self.payload).unwrap_or_else(|_| text()),
        };
        let tokens: Vec<&str> = self.subject.split('.').collect();
        json!({
            "stream": self.stream,
            "subject": self.subject,
            "tokens": tokens,
            "sequence": self.sequence,
            "time": self.stored,
            "headers": self.headers,
            "data": data,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(shape: Value, payload: &str) -> Result<Envelope, String> {
        let shape: EventShape = serde_json::from_value(shape).expect("a shape");
        let headers = Map::from_iter([("Region".to_owned(), "eu".into())]);
        let payload = Bytes::from(payload.to_owned());
        let (subject, stored) = ("shop.7.paid", Moment::from_millis(5));
        Shape::compile(&shape)?.make(&Bare { stream: "SHOP", subject, sequence: 3, stored, headers, payload: &payload })
    }

    #[test]
    fn a_type_is_enough() {
        let event = made(json!({ "type": "order.paid" }), r#"{"total":3}"#).expect("an event");
        assert_eq!(
            (event.kind.as_str(), event.source.as_str(), event.id.as_str()),
            ("order.paid", "/nats/SHOP", "SHOP-3-5")
        );
        assert_eq!(event.to_json()["data"], json!({ "total": 3 }));
    }

    #[test]
    fn everything_may_be_made_of_the_message() {
        let shape = json!({
            "type": "order.${ message.tokens[2] }",
            "source": "/shops/${ message.tokens[1] }",
            "id": "${ message.data.id }",
            "subject": "order-${ message.data.id }",
            "data": { "order": "${ message.data.id }", "at": "${ message.sequence }" },
            "extensions": { "region": "${ message.headers[\"Region\"] }", "nothing": "${ message.headers[\"Other\"] }" },
        });
        let event = made(shape, r#"{"id":17}"#).expect("an event").to_json();
        let expected = json!({
            "specversion": "1.0", "type": "order.paid", "source": "/shops/7", "id": "17", "subject": "order-17",
            "region": "eu", "data": { "order": 17, "at": 3 }, "datacontenttype": "application/json",
            "time": Moment::from_millis(5),
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn what_is_no_event_says_why() {
        let why = made(json!({ "type": "${ message.data.kind }" }), "{}").expect_err("a fault");
        assert_eq!(why, "the `type` of the event would be empty");
        let why = made(json!({ "type": "${ message.data.kind }" }), "no JSON").expect_err("a fault");
        assert!(why.starts_with("the `type` of the event cannot be made: "), "{why}");
        let why = made(json!({ "type": "a", "id": "${ message.data.id }" }), "{}").expect_err("a fault");
        assert_eq!(why, "the `id` of the event would be empty");
        let why = made(json!({ "type": "${" }), "{}").expect_err("a fault");
        assert!(why.starts_with("`type` of its event"), "{why}");
    }
}
