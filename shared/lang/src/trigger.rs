//! `on`: what starts executions.

mod event;
mod schedule;

use std::rc::Rc;

use sagaline_model::Trigger;

use crate::{
    outline::Outline,
    reader::Reader,
    suggest::nearest,
    syntax::shown,
    tree::{Content, Entry, Node, get},
    words,
};

/// One trigger or a list of them.
pub(crate) fn read(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>) -> Vec<Trigger> {
    let mut triggers = vec![];
    for item in reader.one_or_more(node) {
        triggers.extend(one(reader, outline, item));
    }
    triggers
}

fn one(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>) -> Option<Trigger> {
    match &node.content {
        Content::Text(text) if text.value == "manual" => Some(Trigger::Manual),
        Content::Text(text) => {
            let name = shown(&text.value);
            let hint = format!("`manual`, or for an event `{{ event: {name} }}`");
            reader.error(node.place, format!("there is no trigger `{name}`")).hint(hint);
            None
        }
        Content::Map(entries) => from_map(reader, outline, node, entries),
        Content::Plain(..) | Content::List(_) => {
            reader.wrong_kind(node, "on", "`manual`, a map or a list of them");
            None
        }
    }
}

fn from_map(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, entries: &[Entry]) -> Option<Trigger> {
    if entries.iter().any(|entry| words::SCHEDULE.contains(&entry.key.text.as_str())) {
        return schedule::read(reader, node, entries).map(|schedule| Trigger::Schedule(Box::new(schedule)));
    }
    reader.keys(entries, "the trigger", words::EVENT);
    let Some(event) = get(entries, "event") else {
        // Unless it was meant to have one: that is noted already.
        if !entries.iter().any(|entry| nearest(&entry.key.text, words::EVENT.known.iter().copied()) == Some("event")) {
            reader.error(node.place, "the trigger has no `event`").hint("for example `{ event: order.created }`");
        }
        return None;
    };
    event::read(reader, outline, entries, &event.value).map(Trigger::Event)
}

/// The type is part of a subject: no spaces, no wildcards, no empty part between dots.
pub(crate) fn event_type(reader: &mut Reader, node: &Node, what: &str) -> Option<String> {
    let text = &reader.text(node, what)?.value;
    let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '>');
    if text.split('.').any(|part| part.is_empty() || part.contains(bad)) {
        let message = format!("`{}` is not the type of an event", shown(text));
        reader
            .error(node.place, message)
            .hint("words with dots between them, such as `order.created`; no spaces, no `*` or `>`");
        return None;
    }
    Some(text.clone())
}
