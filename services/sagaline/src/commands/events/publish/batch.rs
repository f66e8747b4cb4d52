//! `sagaline events publish --batch`: a file of events, one JSON object on each line.

use std::{fs, io::Read, path::Path};

use sagaline_events::Envelope;
use sagaline_sdk::client::Client;
use serde_json::{Map, Value};

use super::{attribute, envelope, kind, send};
use crate::{
    context::Context,
    failure::{Exit, Failure},
};

/// Nothing is published if any line is no event. What the command line says besides counts where a line says nothing.
pub(super) async fn run(
    file: &Path,
    source: Option<&str>,
    subject: Option<String>,
    extensions: Vec<(String, String)>,
    context: &Context,
) -> Result<Exit, Failure> {
    let text = text_of(file)?;
    let client = context.client().await?;
    let mut events = vec![];
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let event = read(&client, line).map_err(|why| {
            let message = format!("{}:{}: {why}; nothing is published", file.display(), number + 1);
            Failure::new(Exit::BadData, message)
                .hint("each line is an event: {\"type\":\"order.created\",\"data\":{…}}")
        })?;
        events.push(event);
    }
    for (mut event, said_source) in events {
        if let (Some(source), false) = (source, said_source) {
            source.clone_into(&mut event.source);
        }
        event.subject = event.subject.or_else(|| subject.clone());
        for (name, value) in &extensions {
            event.extensions.entry(name.clone()).or_insert_with(|| value.clone());
        }
        send(&client, &event, context).await?;
    }
    Ok(Exit::Done)
}

fn text_of(file: &Path) -> Result<String, Failure> {
    let read = match file.to_str() {
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        _ => fs::read_to_string(file),
    };
    read.map_err(|error| Failure::new(Exit::BadData, format!("`{}` cannot be read: {error}", file.display())))
}

/// The event, and whether it says its source.
fn read(client: &Client, line: &str) -> Result<(Envelope, bool), String> {
    let mut given: Map<String, Value> = serde_json::from_str(line).map_err(|fault| fault.to_string())?;
    let mut text = |name: &str| match given.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => attribute(&text).map(Some).map_err(|why| format!("`{name}`: {why}")),
        Some(other) => Err(format!("`{name}` is {other}, and must be text")),
    };
    let of_kind = text("type")?.ok_or("it has no `type`")?;
    let of_kind = kind(&of_kind)?;
    let (id, source, subject, time) = (text("id")?, text("source")?, text("subject")?, text("time")?);
    if let Some(version) = text("specversion")?.filter(|version| version != "1.0") {
        return Err(format!("it has specversion `{version}`; only 1.0 is understood"));
    }
    text("datacontenttype")?;
    let data = given.remove("data").unwrap_or_default();
    let mut event = envelope(client, &of_kind, id, &data);
    let said_source = source.is_some();
    event.source = source.unwrap_or(event.source);
    (event.subject, event.time) = (subject, time);
    for (name, value) in given {
        let value = match value {
            Value::String(text) => text,
            value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => return Err(format!("`{name}` is no attribute: put it into `data`")),
        };
        let (name, value) = super::extension(&format!("{name}={value}"))?;
        event.extensions.insert(name, value);
    }
    Ok((event, said_source))
}
