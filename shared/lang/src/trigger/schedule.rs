//! `{ cron: … }` and the like: when executions start by themselves.

use std::rc::Rc;

use sagaline_model::{Every, Moment, Name, Overlap, PlannedSchedule, When};
use sagaline_schedule::{Fault, Part, Pattern};

use crate::{
    fault::Severity,
    reader::Reader,
    syntax::shown,
    tree::{Content, Entry, Node, get},
    words,
};

const OVERLAPS: [(&str, Overlap); 4] = [
    ("allow", Overlap::Allow),
    ("skip", Overlap::Skip),
    ("queue_one", Overlap::QueueOne),
    ("cancel_running", Overlap::CancelRunning),
];

pub(super) fn read(reader: &mut Reader, node: &Rc<Node>, entries: &[Entry]) -> Option<PlannedSchedule> {
    let value = |key: &str| get(entries, key).map(|entry| &entry.value);
    // Without a zone that can be read, the rest can still be looked at.
    let timezone = value("timezone").and_then(|node| Some(reader.text(node, "timezone")?.value.clone()));
    let before = reader.errors();
    reader.keys(entries, "the schedule", words::SCHEDULED);
    let when = When {
        cron: value("cron").map(|node| reader.texts(node, "cron")).unwrap_or_default(),
        every: value("every").and_then(|node| every(reader, node)),
        at: value("at").map(|node| moments(reader, node, "at")).unwrap_or_default(),
        after: value("in").and_then(|node| reader.positive_span(node, "in")),
        start_at: value("start_at").and_then(|node| moment(reader, node, "start_at")),
        end_at: value("end_at").and_then(|node| moment(reader, node, "end_at")),
        timezone,
        jitter: value("jitter").and_then(|node| reader.positive_span(node, "jitter")),
    };
    // What could not be read is noted already, and would only be noted once more.
    if reader.errors() == before {
        let name = Name::new("schedule").expect("a name");
        for fault in Pattern::new(&name, &when, Moment::EPOCH).err().unwrap_or_default() {
            note(reader, node, entries, &fault);
        }
    }
    let overlap = value("overlap").and_then(|node| {
        let word = reader.choice(node, "overlap", &OVERLAPS.map(|(word, _)| word))?;
        OVERLAPS.iter().find(|(known, _)| *known == word).map(|(_, overlap)| *overlap)
    });
    let catch_up = value("catch_up").and_then(|node| reader.span(node, "catch_up"));
    let limit = value("limit").and_then(|node| reader.count(node, "limit", "how many executions it starts in all"));
    let input = value("input").map(|node| fixed(reader, node)).unwrap_or_default();
    let overlap = overlap.unwrap_or_default();
    Some(PlannedSchedule { when, input, overlap, catch_up, limit: limit.map(u64::from) })
}

/// Where a fault stands in the file, to the column.
fn note(reader: &mut Reader, node: &Rc<Node>, entries: &[Entry], fault: &Fault) {
    let of = |key: &str| get(entries, key).map_or(node, |entry| &entry.value);
    let nth = |key: &str, place: usize| reader.one_or_more(of(key)).get(place).unwrap_or(of(key));
    let at = match fault.part {
        Part::Whole => node,
        Part::Cron(place) => nth("cron", place),
        Part::At(place) => nth("at", place),
        Part::Every => of("every"),
        Part::In => of("in"),
        Part::EndAt => of("end_at"),
        Part::Timezone => of("timezone"),
        Part::Jitter => of("jitter"),
    };
    let place = match &fault.within {
        Some(within) => reader.inside(Severity::Error, at, within.start, within.len().max(1)),
        None => at.place,
    };
    let part = match fault.part {
        Part::Cron(_) if !matches!(of("cron").content, Content::List(_)) => "cron".to_owned(),
        part => part.to_string(),
    };
    reader.error(place, format!("`{part}`: {}", fault.what)).hint(fault.hint.clone());
}

/// A period, or one with the moment that it is counted from.
fn every(reader: &mut Reader, node: &Rc<Node>) -> Option<Every> {
    let Content::Map(entries) = &node.content else { return reader.positive_span(node, "every").map(Every::of) };
    reader.keys(entries, "`every`", words::EVERY);
    let Some(period) = get(entries, "period") else {
        reader.error(node.place, "`every` has no `period`").hint("for example `every: 5m`");
        return None;
    };
    let period = reader.positive_span(&period.value, "period");
    let anchor = get(entries, "anchor").and_then(|entry| moment(reader, &entry.value, "anchor"));
    let offset = get(entries, "offset").and_then(|entry| reader.span(&entry.value, "offset"));
    Some(Every { anchor, offset, ..Every::of(period?) })
}

fn moments(reader: &mut Reader, node: &Rc<Node>, what: &str) -> Vec<Moment> {
    let mut moments = vec![];
    for item in reader.one_or_more(node) {
        moments.extend(moment(reader, item, what));
    }
    moments
}

fn moment(reader: &mut Reader, node: &Node, what: &str) -> Option<Moment> {
    let text = &reader.text(node, what)?.value;
    let parsed = text.parse();
    if parsed.is_err() {
        let hint = "for example `2026-12-24T18:00:00Z`, or `2026-12-24T18:00:00+01:00`";
        reader.error(node.place, format!("`{what}`: `{}` is not a time", shown(text))).hint(hint);
    }
    parsed.ok()
}

/// Nothing is known yet that an expression could speak of.
fn fixed(reader: &mut Reader, node: &Rc<Node>) -> serde_json::Value {
    let input = node.json();
    if has_expression(&input) {
        let hint = "steps see the tick as `trigger.data.scheduled_at`";
        reader.error(node.place, "the input of a schedule is fixed: it may hold no `${…}`").hint(hint);
    }
    input
}

fn has_expression(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains("${"),
        Value::Array(items) => items.iter().any(has_expression),
        Value::Object(map) => map.values().any(has_expression),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
