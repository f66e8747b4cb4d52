//! Waits for events: `await: { event: order.paid, match: { order_id: "${ workflow.input.id }" } }`.

use std::rc::Rc;

use sagaline_model::{AwaitEvent, EventRule, OnTimeout};
use serde_json::{Map, Value};

use crate::{
    expression,
    outline::{Outline, Scope},
    reader::Reader,
    tree::{Entry, Node, get},
    trigger::event_type,
    words,
};

/// All of the wait but its patience. `node` is the type of the event.
pub(super) fn read(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    entries: &[Entry],
    index: usize,
) -> Option<AwaitEvent> {
    let kind = event_type(reader, node, "event");
    let keys = keys(reader, outline, entries, index);
    let when = match get(entries, "when") {
        Some(entry) => Some(expression::condition(reader, outline, &entry.value, Scope::Event)?),
        None => None,
    };
    let keep = get(entries, "keep").map_or(Some(AwaitEvent::KEPT), |entry| {
        let keep = reader.span(&entry.value, "keep")?;
        if AwaitEvent::KEPT_MAX < keep {
            let message = format!("`keep`: an event is kept for {} at most", AwaitEvent::KEPT_MAX);
            reader.error(entry.value.place, message).hint("let the step wait before the event is published");
        }
        Some(keep)
    });
    let (key, with) = keys?;
    let rule = EventRule { kind: kind?, key, when };
    Some(AwaitEvent { rule, with, keep: keep?, timeout: None, on_timeout: OnTimeout::Fail })
}

/// What of the event is looked at, and what of the execution it is compared with.
fn keys(reader: &mut Reader, outline: &mut Outline, entries: &[Entry], index: usize) -> Option<(Value, Value)> {
    match (get(entries, "match"), get(entries, "correlate")) {
        (Some(_), Some(second)) => {
            let hint = "`match` compares fields of the event's data; `correlate` compares what you compute";
            reader.error(second.key.place, "the `await` has both `match` and `correlate`").hint(hint);
            None
        }
        (Some(fields), None) => matched(reader, outline, &fields.value, index),
        (None, Some(both)) => correlated(reader, outline, &both.value, index),
        (None, None) => Some((Value::Null, Value::Null)),
    }
}

/// Fields of the event's data, each with what it must be.
fn matched(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, index: usize) -> Option<(Value, Value)> {
    let entries = reader.map(node, "match")?;
    if entries.is_empty() {
        let hint = "for example `match: { order_id: \"${ workflow.input.order_id }\" }`; without `match` any event of the type will do";
        reader.error(node.place, "`match` is empty").hint(hint);
        return None;
    }
    expression::template(reader, outline, node, Scope::Body(index));
    let key: Map<String, Value> =
        entries.iter().map(|entry| (entry.key.text.clone(), Value::from(of_event(&entry.key.text)))).collect();
    Some((Value::Object(key), node.json()))
}

/// What reads a field of the event's data.
pub(crate) fn of_event(field: &str) -> String {
    format!("${{ trigger.data[{}] }}", Value::from(field))
}

fn correlated(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, index: usize) -> Option<(Value, Value)> {
    let entries = reader.map(node, "correlate")?;
    reader.keys(entries, "`correlate`", words::CORRELATE);
    let (Some(event), Some(with)) = (get(entries, "event"), get(entries, "with")) else {
        let hint =
            "for example `correlate: { event: \"${ trigger.subject }\", with: \"${ workflow.input.order_id }\" }`";
        reader.error(node.place, "`correlate` needs both `event` and `with`").hint(hint);
        return None;
    };
    expression::template(reader, outline, &event.value, Scope::Event);
    expression::template(reader, outline, &with.value, Scope::Body(index));
    let key = event.value.json();
    if key.is_null() {
        reader
            .error(event.value.place, "`event` is empty")
            .hint("say what of the event is looked at: `${ trigger.subject }`");
        return None;
    }
    Some((key, with.value.json()))
}
