//! `event.<type>`: the versions of an event, what each looks like, and how it becomes the next.

use std::collections::BTreeMap;

use sagaline_model::{EventType, EventVersion};

use super::read_map;
use crate::{
    expression,
    fault::{Fault, Faults},
    outline::{Outline, Scope},
    reader::Reader,
    schema,
    tree::{Entry, Node, get},
    words,
};

const HINT: &str = "for example `{ schema: { type: object, required: [id] } }`";

/// Reads what events of a type look like: a `schema`, or `versions` of it. `from` is the name of the text, for the places of faults. Gives
/// what is doubtful about it too.
pub fn read_event_type(text: &str, from: &str) -> Result<(EventType, Vec<Fault>), Faults> {
    read_map(text, from, "an event's type", HINT, "trigger", |reader, outline, document, entries| {
        reader.keys(entries, "the event's type", words::EVENT_TYPE);
        let version = get(entries, "version")
            .and_then(|entry| expression::whole(reader, outline, &entry.value, "version", Scope::Trigger, None));
        let versions = match (get(entries, "versions"), get(entries, "schema")) {
            (Some(entry), None) => versions(reader, outline, entry),
            (None, Some(entry)) => {
                let schema = schema::read_as(reader, &entry.value, "schema");
                BTreeMap::from([(1, EventVersion { schema, to_next: None })])
            }
            (Some(_), Some(entry)) => {
                let hint = "put it into the version that it is of: `versions: { 1: { schema: … } }`";
                reader.error(entry.key.place, "there are both `schema` and `versions`").hint(hint);
                BTreeMap::new()
            }
            (None, None) => {
                reader.error(document.place, "there is neither `schema` nor `versions`").hint(HINT);
                BTreeMap::new()
            }
        };
        Some(EventType { version, versions })
    })
}

fn versions(reader: &mut Reader, outline: &mut Outline, entry: &Entry) -> BTreeMap<u32, EventVersion> {
    let mut versions = BTreeMap::new();
    let entries = reader.map(&entry.value, "versions").unwrap_or_default();
    let mut last = None;
    for entry in entries {
        let number = entry.key.text.parse::<u32>().ok().filter(|number| *number > 0);
        let Some(number) = number else {
            reader.error(entry.key.place, "a version is a whole number from 1 on");
            continue;
        };
        if let Some(version) = version(reader, outline, &entry.value) {
            versions.insert(number, version);
        }
        last = last.max(Some(number));
    }
    if entries.is_empty() {
        reader.error(entry.value.place, "`versions` is empty").hint("for example `versions: { 1: { schema: … } }`");
    }
    for entry in entries {
        let Ok(number) = entry.key.text.parse::<u32>() else { continue };
        let has = versions.get(&number).is_some_and(|version| version.to_next.is_some());
        let next = number.checked_add(1).filter(|_| Some(number) < last);
        match next {
            Some(next) if has && !versions.contains_key(&next) => {
                let message = format!("version {number} becomes version {next}, and there is none");
                reader.error(entry.key.place, message).hint("versions follow one another without a gap");
            }
            Some(next) if !has => {
                let hint =
                    format!("say what its data are in version {next}: `to_next: {{ id: \"${{ trigger.data.id }}\" }}`");
                reader.error(entry.key.place, format!("version {number} has no `to_next`")).hint(hint);
            }
            None if has => {
                reader.error(entry.key.place, format!("version {number} is the last, so it has no `to_next`"));
            }
            _ => {}
        }
    }
    versions
}

fn version(reader: &mut Reader, outline: &mut Outline, node: &Node) -> Option<EventVersion> {
    let entries = reader.map(node, "a version")?;
    reader.keys(entries, "a version", words::EVENT_VERSION);
    let schema = get(entries, "schema").and_then(|entry| schema::read_as(reader, &entry.value, "schema"));
    let to_next = get(entries, "to_next").map(|entry| {
        expression::template(reader, outline, &entry.value, Scope::Trigger);
        entry.value.json()
    });
    Some(EventVersion { schema, to_next })
}
