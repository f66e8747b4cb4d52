//! Schemas of inputs, signals and updates: what is wrong with it is told at its place in the file.

use sagaline_schema::{Fault, Schema, Severity, keywords};
use serde_json::Value;

use crate::{
    reader::Reader,
    source::Place,
    suggest::nearest,
    tree::{Content, Node, get},
};

/// A JSON Schema is a map, or `true` or `false`.
pub(crate) fn read(reader: &mut Reader, node: &Node) -> Option<Value> {
    read_as(reader, node, "input_schema")
}

/// The value of the key `what`.
pub(crate) fn read_as(reader: &mut Reader, node: &Node, what: &str) -> Option<Value> {
    if !matches!(node.content, Content::Map(_) | Content::Plain(Value::Bool(_), _)) {
        reader.wrong_kind(node, what, "a map").hint("a JSON Schema such as `{ type: object, required: [id] }`");
        return None;
    }
    let schema = node.json();
    for Fault { at, severity, message, hint } in Schema::faults(&schema) {
        let place = place_of(node, &at);
        let message = format!("`{what}`: {message}");
        match severity {
            Severity::Error => reader.error(place, message).maybe_hint(hint),
            Severity::Warning => reader.warning(place, message).maybe_hint(mistyped(&at)),
        }
    }
    Some(schema)
}

/// Where a JSON Pointer leads: a key, if what stands there is long; as far as it leads, if it leads nowhere.
fn place_of(node: &Node, pointer: &str) -> Place {
    let mut here = (node, Place { end: node.place.start, ..node.place });
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let next = match &here.0.content {
            Content::Map(entries) => get(entries, &token).map(|entry| (&*entry.value, entry.key.place)),
            Content::List(items) => token.parse().ok().and_then(|index: usize| items.get(index)).map(|item| {
                let start = Place { end: item.place.start, ..item.place };
                (&**item, start)
            }),
            Content::Text(_) | Content::Plain(..) => None,
        };
        let Some(next) = next else { break };
        here = next;
    }
    match here.0.content {
        Content::Text(_) | Content::Plain(..) => here.0.place,
        Content::List(_) | Content::Map(_) => here.1,
    }
}

fn mistyped(at: &str) -> Option<String> {
    let word = at.rsplit('/').next()?;
    let near = nearest(word, keywords())?;
    Some(format!("did you mean `{near}`? A key of your own begins with `x-`"))
}
