//! The gates of a step: how many of its attempts begin in a time, and how many are at work at once; and the unique key of a workflow.

use std::rc::Rc;

use sagaline_model::{ActivityName, Gate, JobSpec, Name, PlacesGate, RateGate, RateRule, Unique, UniqueUntil};

use crate::{
    expression,
    outline::{Outline, Scope},
    reader::Reader,
    tree::{Content, Entry, Node, get},
    words,
};

/// `rate_limit` and `limit` of a step; each is one or a list.
pub(crate) fn gates(
    reader: &mut Reader,
    outline: &mut Outline,
    entries: &[Entry],
    activity: Option<&ActivityName>,
    scope: Scope,
) -> Vec<Gate> {
    let mut gates = vec![];
    for (key, read) in
        [("rate_limit", rate as fn(&mut Reader, &mut Gated<'_>, &Rc<Node>) -> Option<Gate>), ("limit", places)]
    {
        let Some(entry) = get(entries, key) else { continue };
        for node in reader.one_or_more(&entry.value) {
            let Some(gate) = read(reader, &mut Gated { outline, activity, scope }, node) else { continue };
            if gates.iter().any(|other| is_the_same(&gate, other)) {
                let hint = "give each a `name` of its own, or leave one out";
                reader.error(node.place, format!("two of `{key}` have one name and key")).hint(hint);
            }
            gates.push(gate);
        }
    }
    gates
}

/// The step whose gates are read.
struct Gated<'o> {
    outline: &'o mut Outline,
    activity: Option<&'o ActivityName>,
    scope: Scope,
}

/// Whether an attempt could not pass both.
fn is_the_same(one: &Gate, other: &Gate) -> bool {
    match (one, other) {
        (Gate::Rate(one), Gate::Rate(other)) => (&one.name, &one.key) == (&other.name, &other.key),
        (Gate::Places(one), Gate::Places(other)) => (&one.name, &one.key) == (&other.name, &other.key),
        (Gate::Rate(_), Gate::Places(_)) | (Gate::Places(_), Gate::Rate(_)) => false,
    }
}

/// `rate_limit: { limit: 10, per: 1s }`
fn rate(reader: &mut Reader, gated: &mut Gated<'_>, node: &Rc<Node>) -> Option<Gate> {
    const EXAMPLE: &str = "for example `rate_limit: { limit: 10, per: 1s }`";
    let Content::Map(entries) = &node.content else {
        reader.wrong_kind(node, "rate_limit", "a map").hint(EXAMPLE);
        return None;
    };
    reader.keys(entries, "`rate_limit`", words::RATE_LIMIT);
    let limit = needed(reader, node, entries, "rate_limit", "limit", EXAMPLE)
        .and_then(|limit| reader.count(limit, "limit", "it counts the attempts that begin in a time"));
    let per =
        needed(reader, node, entries, "rate_limit", "per", EXAMPLE).and_then(|per| reader.positive_span(per, "per"));
    let burst = get(entries, "burst")
        .and_then(|entry| reader.count(&entry.value, "burst", "it counts the attempts that may begin at once"));
    let (name, key) = named(reader, gated, entries);
    Some(Gate::Rate(RateGate { name: name?, key, rule: RateRule { limit: limit?, per: per?, burst } }))
}

/// `limit: 5`, or a map.
fn places(reader: &mut Reader, gated: &mut Gated<'_>, node: &Rc<Node>) -> Option<Gate> {
    const EXAMPLE: &str = "for example `limit: 5`, or `limit: { limit: 5, name: api }`";
    const COUNTS: &str = "it counts the attempts that are at work at once";
    if let Content::Plain(..) = &node.content {
        let limit = reader.count(node, "limit", COUNTS)?;
        return Some(Gate::Places(PlacesGate { name: named(reader, gated, &[]).0?, key: None, limit }));
    }
    let Content::Map(entries) = &node.content else {
        reader.wrong_kind(node, "limit", "a number or a map").hint(EXAMPLE);
        return None;
    };
    reader.keys(entries, "`limit`", words::LIMIT);
    let limit =
        needed(reader, node, entries, "limit", "limit", EXAMPLE).and_then(|limit| reader.count(limit, "limit", COUNTS));
    let (name, key) = named(reader, gated, entries);
    Some(Gate::Places(PlacesGate { name: name?, key, limit: limit? }))
}

/// Whom a gate counts together: without a name, all attempts of the activity.
fn named(reader: &mut Reader, gated: &mut Gated<'_>, entries: &[Entry]) -> (Option<Name>, Option<String>) {
    let name = match get(entries, "name") {
        Some(entry) => reader.name(&entry.value, "name"),
        None => gated.activity.map(|activity| JobSpec::of(activity.clone()).workflow()),
    };
    let key = get(entries, "key").and_then(|entry| {
        let text = reader.text(&entry.value, "key")?.value.clone();
        expression::template(reader, gated.outline, &entry.value, gated.scope);
        Some(text)
    });
    (name, key)
}

fn needed<'n>(
    reader: &mut Reader,
    node: &Node,
    entries: &'n [Entry],
    of: &str,
    key: &str,
    hint: &str,
) -> Option<&'n Rc<Node>> {
    let found = get(entries, key).map(|entry| &entry.value);
    if found.is_none() {
        reader.error(node.place, format!("the `{of}` has no `{key}`")).hint(hint);
    }
    found
}

/// `unique: { key: "${ workflow.input.order }", for: 1h }`
pub(crate) fn unique(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>) -> Option<Unique> {
    const EXAMPLE: &str = "for example `unique: { key: \"order-${ workflow.input.id }\", for: 1h }`";
    let Content::Map(entries) = &node.content else {
        reader.wrong_kind(node, "unique", "a map").hint(EXAMPLE);
        return None;
    };
    reader.keys(entries, "`unique`", words::UNIQUE);
    let key = needed(reader, node, entries, "unique", "key", EXAMPLE).and_then(|node| {
        let text = reader.text(node, "key")?.value.clone();
        expression::template(reader, outline, node, Scope::Whole);
        Some(text)
    });
    let ttl =
        needed(reader, node, entries, "unique", "for", EXAMPLE).and_then(|node| reader.positive_span(node, "for"));
    let until =
        get(entries, "until").and_then(|entry| reader.choice(&entry.value, "until", &["end", "success", "expiry"]));
    let until = match until {
        Some("success") => UniqueUntil::Success,
        Some("expiry") => UniqueUntil::Expiry,
        _ => UniqueUntil::End,
    };
    Some(Unique { key: key?, ttl: ttl?, until })
}
