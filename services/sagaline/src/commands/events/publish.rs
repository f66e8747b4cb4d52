//! `sagaline events publish`: a CloudEvent into the system.

mod batch;

use std::path::PathBuf;

use sagaline_events::Envelope;
use sagaline_sdk::client::{Client, fresh_id};
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
};

const EXAMPLES: &str = "\
Examples:
  sagaline events publish order.created --data '{\"order_id\":\"A-1\"}'
  sagaline events publish order.created --data @a.json --source /shop --id A-1
  sagaline events publish order.created --extension tenant=acme
  sagaline events publish --batch events.jsonl

With `--batch` each line of the file (`-` is standard input) is an event as one
JSON object: `type`, and `data`, `source`, `id`, `subject` and extensions as
they are wanted. The same source and id again is the same event: it starts
nothing a second time.";

/// Publish a CloudEvent; it starts the workflows that have a trigger for its type
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Its type, such as order.created
    #[arg(value_name = "TYPE", value_parser = kind, required_unless_present = "batch")]
    kind: Option<String>,
    /// Its data: JSON, or @FILE for a file of JSON
    #[arg(long, value_name = "JSON|@FILE", conflicts_with = "batch")]
    data: Option<String>,
    /// Who says so
    #[arg(long, value_parser = attribute)]
    source: Option<String>,
    /// What tells it from other events of this source; one is made up if it is left out
    #[arg(long, value_parser = attribute, conflicts_with = "batch")]
    id: Option<String>,
    /// What it is about
    #[arg(long, value_parser = attribute)]
    subject: Option<String>,
    /// An extension attribute; as often as there are some
    #[arg(long, value_name = "NAME=VALUE", value_parser = extension)]
    extension: Vec<(String, String)>,
    /// A file of events, one JSON object on each line
    #[arg(long, value_name = "FILE", conflicts_with = "kind")]
    batch: Option<PathBuf>,
}

pub(super) async fn run(publish: Args, context: &Context) -> Result<Exit, Failure> {
    let Args { kind, data, source, id, subject, extension, batch } = publish;
    let Some(kind) = kind else {
        return batch::run(&batch.unwrap_or_default(), source.as_deref(), subject, extension, context).await;
    };
    let data = files::data("--data", data.as_deref())?;
    let client = context.client().await?;
    let mut event = envelope(&client, &kind, id, &data);
    event.source = source.unwrap_or(event.source);
    event.subject = subject;
    event.extensions.extend(extension);
    send(&client, &event, context).await
}

async fn send(client: &Client, event: &Envelope, context: &Context) -> Result<Exit, Failure> {
    let sent = client.publish_event(event).await?;
    let output = &context.output;
    if output.is_json() {
        let (id, source, kind) = (&event.id, &event.source, &event.kind);
        output.json(&json!({ "id": id, "source": source, "type": kind, "sequence": sent.sequence }))?;
    } else {
        output.line(&format!("event {} published as {}", event.kind, event.id))?;
    }
    Ok(Exit::Done)
}

/// An event from this program.
pub(crate) fn envelope(client: &Client, kind: &str, id: Option<String>, data: &Value) -> Envelope {
    let payload = if data.is_null() { vec![] } else { data.to_string().into_bytes() };
    let mut event = Envelope::new(id.unwrap_or_else(|| fresh_id().to_string()), client.source(), kind, payload);
    event.content_type = (!data.is_null()).then(|| "application/json".to_owned());
    event
}

/// A type becomes tokens of a subject.
pub(super) fn kind(text: &str) -> Result<String, String> {
    let plain =
        |token: &str| !token.is_empty() && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if text.len() <= 200 && text.split('.').all(plain) {
        return Ok(text.to_owned());
    }
    Err("a type is words of letters, digits, `_` and `-` with single dots between them, such as order.created"
        .to_owned())
}

/// What stands in a header.
fn attribute(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.len() <= 1000 && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned()).ok_or_else(|| "write it on one line of at most 1000 bytes".to_owned())
}

/// The name of an attribute, and what it is.
fn extension(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE, such as tenant=acme")?;
    let own = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data"];
    let plain = !name.is_empty() && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !plain || (own.contains(&name) && name != "dataschema") {
        return Err(format!(
            "`{name}` is not the name of an extension: small letters and digits, and no attribute that every event has"
        ));
    }
    Ok((name.to_owned(), attribute(value)?))
}
