//! `source.<name>`: messages of others, and what event is made of each.

use std::collections::BTreeMap;

use sagaline_model::{EventShape, EventSource};

use super::read_map;
use crate::{
    expression,
    fault::{Fault, Faults},
    outline::{Outline, Scope},
    reader::Reader,
    syntax::shown,
    tree::{Entry, Node, get},
    words,
};

const HINT: &str = "for example `{ stream: ORDERS, event: { type: order.created } }`";

/// Reads where events come from. `from` is the name of the text, for the places of faults. Gives what is doubtful about it too.
pub fn read_event_source(text: &str, from: &str) -> Result<(EventSource, Vec<Fault>), Faults> {
    read_map(text, from, "a source of events", HINT, "message", |reader, outline, document, entries| {
        reader.keys(entries, "the source", words::EVENT_SOURCE);
        let stream = get(entries, "stream").and_then(|entry| stream(reader, &entry.value));
        let subject = get(entries, "subject").and_then(|entry| subject(reader, &entry.value));
        if get(entries, "stream").is_none() && get(entries, "subject").is_none() {
            reader.error(document.place, "the source has neither a `stream` nor a `subject`").hint(HINT);
        }
        let from_beginning = get(entries, "from_beginning");
        if let (Some(entry), None) = (from_beginning, &stream) {
            let hint = "what is captured begins now; a stream that is there may have a past";
            reader.error(entry.key.place, "`from_beginning` belongs to a `stream`").hint(hint);
        }
        let from_beginning = from_beginning.and_then(|entry| reader.boolean(&entry.value, "from_beginning"));
        let event = get(entries, "event").and_then(|entry| shape(reader, outline, &entry.value));
        Some(EventSource { stream, subject, event, from_beginning: from_beginning.unwrap_or(false) })
    })
}

/// As NATS takes it.
fn stream(reader: &mut Reader, node: &Node) -> Option<String> {
    let text = &reader.text(node, "stream")?.value;
    let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '.' | '*' | '>' | '/' | '\\');
    if text.is_empty() || text.contains(bad) {
        reader.error(node.place, format!("`{}` is not the name of a stream", shown(text)));
        return None;
    }
    Some(text.clone())
}

fn subject(reader: &mut Reader, node: &Node) -> Option<String> {
    let text = &reader.text(node, "subject")?.value;
    let words: Vec<&str> = text.split('.').collect();
    let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '>');
    let fits = words.iter().enumerate().all(|(place, word)| match *word {
        "*" => true,
        ">" => place + 1 == words.len(),
        word => !word.is_empty() && !word.contains(bad),
    });
    if !fits {
        let message = format!("`{}` is not a subject", shown(text));
        reader.error(node.place, message).hint("words with dots between them; `*` is any word, a last `>` any rest");
        return None;
    }
    Some(text.clone())
}

fn shape(reader: &mut Reader, outline: &mut Outline, node: &Node) -> Option<EventShape> {
    let entries = reader.map(node, "event")?;
    reader.keys(entries, "`event`", words::EVENT_SHAPE);
    let mut text = |reader: &mut Reader, entry: &Entry| {
        expression::template(reader, outline, &entry.value, Scope::Trigger);
        reader.text(&entry.value, &entry.key.text).map(|text| text.value.clone())
    };
    let kind = match get(entries, "type") {
        Some(entry) => text(reader, entry),
        None => {
            let hint = "for example `type: order.created`, or \"order.${ message.tokens[1] }\"";
            reader.error(node.place, "the `event` has no `type`").hint(hint);
            None
        }
    };
    let [source, id, subject] =
        ["source", "id", "subject"].map(|key| get(entries, key).and_then(|entry| text(reader, entry)));
    let mut extensions = BTreeMap::new();
    if let Some(given) = get(entries, "extensions") {
        for entry in reader.map(&given.value, "extensions").unwrap_or_default() {
            let name = entry.key.text.as_str();
            let plain = !name.is_empty() && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            if !plain || words::ATTRIBUTES.contains(&name) {
                let message = format!("`{}` is not the name of an extension attribute", shown(name));
                reader.error(entry.key.place, message).hint("small letters and digits, such as `tenant`");
            } else if let Some(value) = text(reader, entry) {
                extensions.insert(name.to_owned(), value);
            }
        }
    }
    let data = get(entries, "data").map(|entry| {
        expression::template(reader, outline, &entry.value, Scope::Trigger);
        entry.value.json()
    });
    Some(EventShape { kind: kind?, source, id, subject, data, extensions })
}
