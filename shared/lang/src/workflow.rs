//! The top of a definition: everything but its steps.

use std::rc::Rc;

use sagaline_model::Plan;
use serde_json::Value;

use crate::{
    expression,
    outline::{Outline, Scope},
    reader::Reader,
    retry::Retry,
    source::Place,
    step,
    tree::{Content, Entry, Node, get},
    trigger, words,
};

/// Reads a document. `None`: it has faults, which are noted.
pub(crate) fn read(reader: &mut Reader, outline: &mut Outline, document: &Rc<Node>) -> Option<Plan> {
    let Content::Map(entries) = &document.content else {
        let message = format!("a definition is a map, not {}", document.described());
        reader.error(document.place, message).hint("start with `workflow: some_name` and `steps:`");
        return None;
    };
    reader.keys(entries, "the workflow", words::WORKFLOW);
    let workflow = required(reader, entries, document, "workflow", "give it a name: `workflow: order_fulfillment`")
        .and_then(|node| reader.name(node, "workflow"));
    let note = optional(entries, "version_note").and_then(|node| reader.text(node, "version_note"));
    let input_schema = optional(entries, "input_schema").and_then(|node| schema(reader, node));
    let triggers = optional(entries, "on").map_or(vec![], |node| trigger::read(reader, outline, node));
    let timeout = optional(entries, "timeout").and_then(|node| reader.positive_span(node, "timeout"));
    let tags = optional(entries, "tags").map_or(vec![], |node| reader.texts(node, "tags"));
    let defaults = optional(entries, "retry").and_then(|node| Retry::read(reader, outline, node, Scope::Backoff(None)));
    let defaults = defaults.unwrap_or_default();
    defaults.check(reader, &Retry::default());
    let root = required(reader, entries, document, "steps", "a workflow needs at least one step")
        .and_then(|node| step::read_all(reader, outline, node, None, &defaults));
    let output = optional(entries, "output").map(|node| {
        expression::template(reader, outline, node, Scope::Output);
        node.json()
    });
    Some(Plan {
        workflow: workflow?,
        note: note.map(|text| text.value.clone()),
        input_schema,
        triggers,
        timeout,
        tags,
        root: root?,
        output,
    })
}

/// A JSON Schema is a map, or `true` or `false`.
fn schema(reader: &mut Reader, node: &Node) -> Option<Value> {
    if !matches!(node.content, Content::Map(_) | Content::Plain(Value::Bool(_), _)) {
        reader
            .wrong_kind(node, "input_schema", "a map")
            .hint("a JSON Schema such as `{ type: object, required: [id] }`");
        return None;
    }
    Some(node.json())
}

fn optional<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Rc<Node>> {
    get(entries, key).map(|entry| &entry.value)
}

fn required<'n>(
    reader: &mut Reader,
    entries: &'n [Entry],
    document: &Node,
    key: &str,
    hint: &str,
) -> Option<&'n Rc<Node>> {
    let node = optional(entries, key);
    if node.is_none() {
        let place = Place { end: document.place.start, ..document.place };
        reader.error(place, format!("the workflow has no `{key}`")).hint(hint);
    }
    node
}
