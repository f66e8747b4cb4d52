//! Steps by which an execution deals with others: children and events.

use std::rc::Rc;

use sagaline_model::{Child, Emit, Kind, OnParentEnd};
use serde_json::Value;

use crate::{
    expression,
    given::Given,
    outline::{Outline, Scope},
    reader::Reader,
    tree::{Content, Entry, Node, get},
    trigger::event_type,
    words,
};

/// `child: workflow`, or a map.
pub(super) fn child(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, index: usize) -> Option<Kind> {
    let scope = Scope::Body(index);
    let entries: &[Entry] = match &node.content {
        Content::Text(_) => &[],
        _ => {
            let entries = reader.map(node, "child")?;
            reader.keys(entries, "`child`", words::CHILD);
            entries
        }
    };
    let value = |key| get(entries, key).map(|entry| &entry.value);
    let workflow = match (&node.content, value("workflow")) {
        (Content::Text(_), _) => reader.name(node, "child"),
        (_, Some(workflow)) => reader.name(workflow, "workflow"),
        (_, None) => {
            reader.error(node.place, "the `child` has no `workflow`").hint("for example `child: { workflow: ship }`");
            None
        }
    };
    let version = value("version").and_then(|node| reader.count(node, "version", "it names a version of the workflow"));
    let id = value("id").and_then(|node| text(reader, outline, node, "id", scope));
    let input = value("input").map_or(Value::Null, |node| {
        expression::template(reader, outline, node, scope);
        node.json()
    });
    let queue = value("queue").and_then(|node| reader.name(node, "queue"));
    let wait = value("wait").and_then(|node| reader.boolean(node, "wait")).unwrap_or(true);
    let timeout = value("timeout").and_then(|node| expression::timeout(reader, outline, node, "timeout", scope));
    if let Some(node) = value("timeout").filter(|_| !wait) {
        reader
            .error(node.place, "nobody waits for this child, so no `timeout` of it can pass")
            .hint("remove `wait: false`, or give the workflow that is started a `timeout` of its own");
    }
    let choices = ["cancel", "abandon"];
    let on_parent_end = value("on_parent_end").and_then(|node| reader.choice(node, "on_parent_end", &choices));
    let on_parent_end = match on_parent_end {
        Some("abandon") => OnParentEnd::Abandon,
        _ => OnParentEnd::Cancel,
    };
    let workflow = workflow?;
    if value("version").is_none() {
        let input = value("input").map(Rc::clone);
        let place = input.as_ref().map_or(node.place, |input| input.place);
        outline.children.push(Given { workflow: workflow.clone(), place, input });
    }
    Some(Kind::Child(Child { workflow, version, id, input, queue, wait, timeout, on_parent_end }))
}

/// `emit: type`, or a map.
pub(super) fn emit(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, index: usize) -> Option<Kind> {
    let scope = Scope::Body(index);
    if let Content::Text(_) = &node.content {
        let kind = event_type(reader, node, "emit")?;
        return Some(Kind::Emit(Emit { kind, source: None, subject: None, data: Value::Null }));
    }
    let entries = reader.map(node, "emit")?;
    reader.keys(entries, "`emit`", words::EMIT);
    let value = |key| get(entries, key).map(|entry| &entry.value);
    let kind = match value("type") {
        Some(node) => event_type(reader, node, "type"),
        None => {
            reader.error(node.place, "the `emit` has no `type`").hint("for example `emit: { type: order.shipped }`");
            None
        }
    };
    let source = value("source").and_then(|node| text(reader, outline, node, "source", scope));
    let subject = value("subject").and_then(|node| text(reader, outline, node, "subject", scope));
    let data = value("data").map_or(Value::Null, |node| {
        expression::template(reader, outline, node, scope);
        node.json()
    });
    Some(Kind::Emit(Emit { kind: kind?, source, subject, data }))
}

/// The event that tells approvers.
pub(super) fn notice(
    reader: &mut Reader,
    outline: &mut Outline,
    event: &Node,
    data: Option<&Rc<Node>>,
    index: usize,
) -> Option<Kind> {
    let kind = event_type(reader, event, "event");
    let data = data.map_or(Value::Null, |node| {
        expression::template(reader, outline, node, Scope::Body(index));
        node.json()
    });
    Some(Kind::Emit(Emit { kind: kind?, source: None, subject: None, data }))
}

/// A text that may hold `${…}`.
fn text(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, what: &str, scope: Scope) -> Option<String> {
    expression::template(reader, outline, node, scope);
    reader.text(node, what).map(|text| text.value.clone())
}
