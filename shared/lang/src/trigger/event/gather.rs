//! `debounce` and `batch`: several events, one execution.

use std::rc::Rc;

use sagaline_model::{Batch, Debounce, Gather, Span};

use crate::{
    expression,
    outline::{Outline, Scope},
    reader::Reader,
    tree::{Entry, Node, get},
    words,
};

/// Nothing if what is written cannot be read; nothing in it if events are not gathered.
#[expect(clippy::option_option, reason = "the outer one is how reading ends everywhere")]
pub(super) fn read(reader: &mut Reader, outline: &mut Outline, entries: &[Entry]) -> Option<Option<Box<Gather>>> {
    let entry = match (get(entries, "debounce"), get(entries, "batch")) {
        (None, None) => return Some(None),
        (Some(_), Some(second)) => {
            let hint = "a `debounce` starts with the last event, a `batch` with all; make two triggers of it";
            reader.error(second.key.place, "the trigger has both `debounce` and `batch`").hint(hint);
            return None;
        }
        (Some(one), None) | (None, Some(one)) => one,
    };
    if get(entries, "signal").is_some() {
        let message = format!("a trigger with a `signal` starts nothing, so it has no `{}`", entry.key.text);
        reader.error(entry.key.place, message);
        return None;
    }
    let gather = match entry.key.text.as_str() {
        "debounce" => debounce(reader, outline, &entry.value).map(Gather::Debounce),
        _ => batch(reader, outline, &entry.value).map(Gather::Batch),
    };
    gather.map(|gather| Some(Box::new(gather)))
}

fn debounce(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>) -> Option<Debounce> {
    let entries = reader.map(node, "debounce")?;
    reader.keys(entries, "`debounce`", words::DEBOUNCE);
    let quiet = span(reader, node, entries, "debounce");
    let key = key(reader, outline, entries);
    let max = match get(entries, "max") {
        Some(entry) => Some(reader.positive_span(&entry.value, "max")?),
        None => None,
    };
    let quiet = quiet?;
    if let (Some(entry), Some(max)) = (get(entries, "max"), max)
        && max < quiet
    {
        let message = format!("`max` is {max}, shorter than `for`, which is {quiet}");
        reader.error(entry.value.place, message).hint("it bounds how often `for` may begin anew");
    }
    Some(Debounce { quiet, key, max })
}

fn batch(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>) -> Option<Batch> {
    let entries = reader.map(node, "batch")?;
    reader.keys(entries, "`batch`", words::BATCH);
    let within = span(reader, node, entries, "batch");
    let key = key(reader, outline, entries);
    let Some(entry) = get(entries, "size") else {
        reader.error(node.place, "the `batch` has no `size`").hint("how many are enough: `{ size: 100, for: 10s }`");
        return None;
    };
    let size = reader.count(&entry.value, "size", "for example `size: 100`")?;
    if Batch::SIZE_MAX < size {
        let message = format!("`size`: a batch has {} events at most", Batch::SIZE_MAX);
        reader.error(entry.value.place, message);
    }
    Some(Batch { size, within: within?, key })
}

/// How long it is waited for others.
fn span(reader: &mut Reader, node: &Rc<Node>, entries: &[Entry], what: &str) -> Option<Span> {
    let Some(entry) = get(entries, "for") else {
        let hint = format!("for how long others are waited for: `{what}: {{ for: 5s, … }}`");
        reader.error(node.place, format!("the `{what}` has no `for`")).hint(hint);
        return None;
    };
    reader.positive_span(&entry.value, "for")
}

fn key(reader: &mut Reader, outline: &mut Outline, entries: &[Entry]) -> Option<String> {
    let entry = get(entries, "key")?;
    expression::template(reader, outline, &entry.value, Scope::Trigger);
    Some(reader.text(&entry.value, "key")?.value.clone())
}
