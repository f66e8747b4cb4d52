//! `{ event: … }`: which events, and what they begin or are told to.

mod gather;

use std::{collections::BTreeMap, rc::Rc};

use sagaline_model::{EventTrigger, SignalTrigger};

use crate::{
    expression,
    outline::{Outline, Scope},
    reader::Reader,
    syntax::shown,
    tree::{Content, Entry, Node, get},
    words,
};

pub(super) fn read(
    reader: &mut Reader,
    outline: &mut Outline,
    entries: &[Entry],
    event: &Rc<Node>,
) -> Option<EventTrigger> {
    let types = types(reader, event);
    let when =
        get(entries, "when").and_then(|entry| expression::condition(reader, outline, &entry.value, Scope::Trigger));
    let mut template = |reader: &mut Reader, entry: &Entry| {
        expression::template(reader, outline, &entry.value, Scope::Trigger);
        entry.value.json()
    };
    let input = get(entries, "input").map(|entry| template(reader, entry));
    let data = get(entries, "data").map(|entry| template(reader, entry));
    let source = get(entries, "source").and_then(|entry| pattern(reader, &entry.value, "source"));
    let subject = get(entries, "subject").and_then(|entry| pattern(reader, &entry.value, "subject"));
    let extensions = get(entries, "extensions").map(|entry| extensions(reader, &entry.value)).unwrap_or_default();
    let signal = match get(entries, "signal") {
        Some(entry) => Some(Box::new(signal(reader, outline, entries, entry, data)?)),
        None => {
            starts_an_execution(reader, entries);
            None
        }
    };
    let gather = gather::read(reader, outline, entries)?;
    Some(EventTrigger { types: types?, when, input, source, subject, extensions, signal, gather })
}

/// `execution` and `data` only mean something with a signal.
fn starts_an_execution(reader: &mut Reader, entries: &[Entry]) {
    for word in ["execution", "data"] {
        let Some(entry) = get(entries, word) else { continue };
        let hint = match word {
            "data" => "the input of what is started is its `input`; for a signal, add `signal: NAME`",
            _ => "add `signal: NAME`; or remove it: what is started gets an id from the event",
        };
        reader.error(entry.key.place, format!("`{word}` belongs to a `signal`, and this trigger has none")).hint(hint);
    }
}

fn signal(
    reader: &mut Reader,
    outline: &mut Outline,
    entries: &[Entry],
    signal: &Entry,
    data: Option<serde_json::Value>,
) -> Option<SignalTrigger> {
    if let Some(input) = get(entries, "input") {
        let message = "a trigger with a `signal` starts nothing, so it has no `input`";
        reader.error(input.key.place, message).hint("what goes with the signal is its `data`");
    }
    let name = reader.name(&signal.value, "signal");
    let Some(execution) = get(entries, "execution") else {
        reader
            .error(signal.key.place, "the trigger has a `signal` and no `execution`")
            .hint("say which one is told: `execution: \"order-${ trigger.data.order_id }\"`");
        return None;
    };
    expression::template(reader, outline, &execution.value, Scope::Trigger);
    let execution = reader.text(&execution.value, "execution")?.value.clone();
    Some(SignalTrigger { name: name?, execution, data })
}

/// One type or a list of them.
fn types(reader: &mut Reader, node: &Rc<Node>) -> Option<Vec<String>> {
    let items = reader.one_or_more(node);
    if items.is_empty() {
        reader.error(node.place, "`event` is empty").hint("name the types: `event: [order.created, order.changed]`");
    }
    let types: Vec<Option<String>> = items.iter().map(|item| type_pattern(reader, item)).collect();
    types.into_iter().collect::<Option<Vec<_>>>().filter(|types| !types.is_empty())
}

/// A type, or with `*` for a word and a last `>` for any rest.
fn type_pattern(reader: &mut Reader, node: &Node) -> Option<String> {
    let text = &reader.text(node, "event")?.value;
    let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '>');
    let words: Vec<&str> = text.split('.').collect();
    let fits = |(place, word): (usize, &&str)| match *word {
        "*" => true,
        ">" => place + 1 == words.len(),
        word => !word.is_empty() && !word.contains(bad),
    };
    if !words.iter().enumerate().all(fits) {
        let message = format!("`{}` is not the type of an event", shown(text));
        reader.error(node.place, message).hint(
            "words with dots between them, such as `order.created`; `*` alone stands for one word, a last `>` for any rest",
        );
        return None;
    }
    Some(text.clone())
}

fn pattern(reader: &mut Reader, node: &Node, what: &str) -> Option<String> {
    let text = &reader.text(node, what)?.value;
    if text.is_empty() || text.contains("${") {
        let message = format!("`{what}` is compared as it is written, and cannot be `{}`", shown(text));
        reader
            .error(node.place, message)
            .hint("`*` in it stands for any text: `/shops/*`; anything else is said by a `when`");
        return None;
    }
    Some(text.clone())
}

/// Attributes of CloudEvents have names of small letters and digits.
fn extensions(reader: &mut Reader, node: &Node) -> BTreeMap<String, String> {
    let mut read = BTreeMap::new();
    for entry in reader.map(node, "extensions").unwrap_or_default() {
        let name = entry.key.text.as_str();
        if words::ATTRIBUTES.contains(&name) {
            let message = format!("`{name}` is an attribute of every event and no extension");
            reader.error(entry.key.place, message).hint(match name {
                "source" | "subject" => format!("put it beside `event`: `{name}: …`"),
                "type" => "it is what `event` says".to_owned(),
                _ => format!("write a condition: `when: \"${{ trigger.{name} == '…' }}\"`"),
            });
        } else if name.is_empty() || !name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) {
            let message = format!("`{}` is not the name of an extension attribute", shown(name));
            reader.error(entry.key.place, message).hint("small letters and digits, such as `tenant`");
        } else if let Some(value) = value(reader, &entry.value, name) {
            read.insert(name.to_owned(), value);
        }
    }
    read
}

/// Numbers and booleans are texts in a header.
fn value(reader: &mut Reader, node: &Node, name: &str) -> Option<String> {
    match &node.content {
        Content::Plain(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_)), _) => {
            Some(value.to_string())
        }
        _ => pattern(reader, node, name),
    }
}
