//! Steps that return further steps: `expand`, and what comes after those.

use std::rc::Rc;

use sagaline_model::{Expand, Name, StepDefaults};

use super::control::AT_ONCE;
use crate::{
    outline::Outline,
    reader::Reader,
    syntax::shown,
    tree::{Content, Entry, Node, get},
    words,
};

/// `expand: true`, or a map.
pub(super) fn expand(reader: &mut Reader, node: &Rc<Node>) -> Option<Box<Expand>> {
    let all = Expand { concurrency: AT_ONCE, queues: vec![], defaults: StepDefaults::default() };
    let Content::Map(entries) = &node.content else {
        return reader.boolean(node, "expand")?.then_some(Box::new(all));
    };
    reader.keys(entries, "`expand`", words::EXPAND);
    let concurrency = get(entries, "concurrency").map_or(Some(AT_ONCE), |entry| {
        reader.count(&entry.value, "concurrency", "it counts the steps that are worked on at once")
    });
    let queues = get(entries, "queues").map_or(vec![], |entry| {
        let items = reader.one_or_more(&entry.value);
        items.iter().filter_map(|item| reader.name(item, "queues")).collect()
    });
    Some(Box::new(Expand { concurrency: concurrency?, queues, defaults: StepDefaults::default() }))
}

/// `after_graft` is `after`, of steps that may return others.
pub(super) fn after_graft(
    reader: &mut Reader,
    outline: &mut Outline,
    entry: &Entry,
    index: usize,
    after: &mut Vec<Name>,
) {
    for item in reader.one_or_more(&entry.value) {
        let Some(text) = reader.text(item, "after_graft") else { continue };
        let other = outline.find(&text.value).map(|other| &outline.steps[other]);
        if other.is_some_and(|other| !other.expands) {
            let message = format!("`{}` returns no steps", shown(&text.value));
            reader.error(item.place, message).hint("use `after`, or write `expand: true` beside its `activity`");
        }
        // That there is such a step beside this one is for the check of the order.
        outline.steps[index].after.push((text.value.clone(), item.place));
        after.extend(Name::new(text.value.as_str()).ok().filter(|name| !after.contains(name)));
    }
}
