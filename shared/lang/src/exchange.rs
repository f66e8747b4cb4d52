//! What may be sent to an execution at any time, and asked of it: `signals`, `queries`, `updates`.

use std::rc::Rc;

use sagaline_model::{Exchange, Name, SignalRule, UpdateRule};
use serde_json::Value;

use crate::{
    expression,
    outline::{Outline, Scope},
    reader::Reader,
    schema,
    tree::{Content, Entry, Node, get},
    words,
};

pub(crate) fn read(reader: &mut Reader, outline: &mut Outline, entries: &[Entry]) -> Exchange {
    let mut exchange = Exchange::default();
    for (name, node) in named(reader, entries, "signals") {
        let Some(inside) = reader.map(&node, "a signal") else { continue };
        reader.keys(inside, "a signal", words::SIGNAL);
        exchange.signals.insert(name, SignalRule { schema: schema_in(reader, inside) });
    }
    for (name, node) in named(reader, entries, "queries") {
        expression::template(reader, outline, &node, Scope::Output);
        exchange.queries.insert(name, node.json());
    }
    for (name, node) in named(reader, entries, "updates") {
        exchange.updates.extend(update(reader, outline, &node).map(|rule| (name, rule)));
    }
    exchange
}

fn named(reader: &mut Reader, entries: &[Entry], key: &str) -> Vec<(Name, Rc<Node>)> {
    let Some(entry) = get(entries, key) else { return vec![] };
    let Some(inside) = reader.map(&entry.value, key).map(<[Entry]>::to_vec) else { return vec![] };
    let mut all = vec![];
    for entry in inside {
        let name = Name::new(entry.key.text.as_str());
        if let Some(name) = reader.checked(name, entry.key.place, key) {
            all.push((name, entry.value));
        }
    }
    all
}

fn schema_in(reader: &mut Reader, entries: &[Entry]) -> Option<Value> {
    get(entries, "schema").and_then(|entry| schema::read_as(reader, &entry.value, "schema"))
}

fn update(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>) -> Option<UpdateRule> {
    let entries = reader.map(node, "an update")?;
    reader.keys(entries, "an update", words::UPDATE);
    let when =
        get(entries, "when").and_then(|entry| expression::condition(reader, outline, &entry.value, Scope::Update));
    let mut value = |key| {
        get(entries, key).map_or(Value::Null, |entry| {
            expression::template(reader, outline, &entry.value, Scope::Update);
            entry.value.json()
        })
    };
    let (set, result) = (value("set"), value("result"));
    let is_map = |entry: &Entry| matches!(entry.value.content, Content::Map(_));
    if let Some(entry) = get(entries, "set").filter(|entry| !is_map(entry)) {
        let hint = "for example `set: { limit: \"${ update.limit }\" }`";
        reader.wrong_kind(&entry.value, "set", "a map").hint(hint);
    }
    Some(UpdateRule { schema: schema_in(reader, entries), when, set, result })
}
