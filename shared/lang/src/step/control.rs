//! Steps that decide what is done: cases, what is tried, loops, values, failures on purpose.

use std::rc::Rc;

use sagaline_model::{Case, ForEach, Kind, Name, Node as Planned, OnError, Raise, StepError, Try};
use serde_json::Value;

use super::read_all;
use crate::{
    expression,
    outline::{MustBe, Outline, Part, Scope},
    reader::Reader,
    references::is_taken,
    retry::Retry,
    syntax::shown,
    tree::{Content, Entry, Node, get},
    words,
};

/// How many items of a loop are worked on at once, unless it says.
pub(crate) const AT_ONCE: u32 = 100;
/// What an item is called, unless it says.
pub(crate) const ITEM: &str = "item";

pub(super) fn switch(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    index: usize,
    defaults: &Retry,
) -> Option<Kind> {
    let Content::List(items) = &node.content else {
        reader
            .wrong_kind(node, "switch", "a list of cases")
            .hint("write each as `- { when: \"${ … }\", steps: { … } }`");
        return None;
    };
    if items.is_empty() {
        reader.error(node.place, "`switch` has no cases").hint("write each as `- { when: \"${ … }\", steps: { … } }`");
    }
    let last = items.len().saturating_sub(1);
    let mut cases = vec![];
    for (place, item) in items.iter().enumerate() {
        let Some(entries) = reader.map(item, "a case") else { continue };
        reader.keys(entries, "a case", words::CASE);
        let when = get(entries, "when")
            .and_then(|entry| expression::condition(reader, outline, &entry.value, Scope::Body(index)));
        if place < last && get(entries, "when").is_none() {
            reader.error(item.place, "a case without `when` always applies, so those behind it never do");
        }
        let Some(steps) = get(entries, "steps") else {
            reader.error(item.place, "the case has no `steps`");
            continue;
        };
        let steps = read_all(reader, outline, &steps.value, Some(index), Part::Case, defaults);
        cases.extend(steps.map(|steps| Case { when, steps }));
    }
    Some(Kind::Switch { cases })
}

/// `try: { … }` with its `catch: { errors: […], steps: { … } }`.
pub(super) fn attempt(
    reader: &mut Reader,
    outline: &mut Outline,
    tried: &Entry,
    entries: &[Entry],
    index: usize,
    defaults: &Retry,
) -> Option<Kind> {
    let body = read_all(reader, outline, &tried.value, Some(index), Part::Body, defaults);
    let Some(catch) = get(entries, "catch") else {
        reader.error(tried.key.place, "the `try` has no `catch`").hint("write `catch: { steps: { … } }` beside it");
        return None;
    };
    let inside = reader.map(&catch.value, "catch")?;
    reader.keys(inside, "`catch`", words::CATCH);
    let errors = get(inside, "errors").map_or(vec![], |entry| reader.texts(&entry.value, "errors"));
    let Some(steps) = get(inside, "steps") else {
        reader.error(catch.key.place, "the `catch` has no `steps`");
        return None;
    };
    let catch = read_all(reader, outline, &steps.value, Some(index), Part::Catch, defaults);
    Some(Kind::Try(Try { body: body?, errors, catch: catch? }))
}

pub(super) fn set(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, index: usize) -> Option<Kind> {
    reader.map(node, "set")?;
    expression::template(reader, outline, node, Scope::Body(index));
    Some(Kind::Set { values: node.json() })
}

/// `raise: Type`, or a map.
pub(super) fn raise(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, index: usize) -> Option<Kind> {
    if let Content::Text(text) = &node.content {
        let message = format!("the workflow raised {}", text.value);
        return Some(Kind::Raise(Raise { kind: text.value.clone(), message, details: Value::Null }));
    }
    let entries = reader.map(node, "raise")?;
    reader.keys(entries, "`raise`", words::RAISE);
    let value = |key| get(entries, key).map(|entry| &entry.value);
    let kind = value("type").and_then(|node| reader.text(node, "type")).map(|text| text.value.clone());
    let kind = kind.unwrap_or_else(|| StepError::UNTYPED.to_owned());
    let message = match value("message") {
        Some(node) => {
            expression::template(reader, outline, node, Scope::Body(index));
            reader.text(node, "message")?.value.clone()
        }
        None => format!("the workflow raised {kind}"),
    };
    let details = value("details").map_or(Value::Null, |node| {
        expression::template(reader, outline, node, Scope::Body(index));
        node.json()
    });
    Some(Kind::Raise(Raise { kind, message, details }))
}

/// What a loop calls its items, as far as that can be read.
pub(super) fn item_name(node: &Node) -> String {
    let given = match &node.content {
        Content::Map(entries) => get(entries, "as").map(|entry| &entry.value.content),
        Content::Text(_) | Content::Plain(..) | Content::List(_) => None,
    };
    match given {
        Some(Content::Text(text)) => text.value.clone(),
        Some(_) | None => ITEM.to_owned(),
    }
}

/// `for_each: "${ a list }"`, a list, or a map. What stands beside it is done for each.
pub(super) fn for_each(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    index: usize,
    once: Option<Kind>,
) -> Option<Kind> {
    let (items, entries) = match &node.content {
        Content::Map(entries) => {
            reader.keys(entries, "`for_each`", words::FOR_EACH);
            let Some(items) = get(entries, "items") else {
                reader.error(node.place, "`for_each` has no `items`").hint("for example `items: \"${ ctx.images }\"`");
                return None;
            };
            (&items.value, entries.as_slice())
        }
        Content::Text(_) | Content::Plain(..) | Content::List(_) => (node, &[] as &[Entry]),
    };
    if !matches!(&items.content, Content::List(_)) {
        expression::whole(reader, outline, items, "items", Scope::Step(index), Some(MustBe::Items))?;
    } else {
        expression::template(reader, outline, items, Scope::Step(index));
    }
    let name = match get(entries, "as") {
        Some(entry) => reader.name(&entry.value, "as").and_then(|name| free(reader, &entry.value, name)),
        None => Name::new(ITEM).ok(),
    };
    let concurrency = match get(entries, "concurrency") {
        Some(entry) => {
            let hint = "it counts the items that are worked on at once";
            expression::count(reader, outline, &entry.value, "concurrency", hint, Scope::Step(index))
        }
        None => Some(AT_ONCE.to_string()),
    };
    let on_item_error = get(entries, "on_item_error")
        .map_or(OnError::Fail, |entry| super::on_error(reader, entry, &super::ON_ITEM_ERROR));
    let body =
        Planned { on_error: on_item_error, ..Planned::new(Name::new(ITEM).expect("`item` may be a name"), once?) };
    let concurrency = concurrency?;
    // What cannot be known yet is noted beside the number that stands for it until then.
    let computed_concurrency = concurrency.parse::<u32>().is_err().then(|| concurrency.clone());
    Some(Kind::ForEach(ForEach {
        items: items.json(),
        item: name?,
        concurrency: concurrency.parse().unwrap_or(AT_ONCE),
        body: Box::new(body),
        computed_concurrency,
    }))
}

/// A name that expressions do not read something else by.
fn free(reader: &mut Reader, node: &Node, name: Name) -> Option<Name> {
    if !is_taken(name.as_str()) {
        return Some(name);
    }
    let message =
        format!("an item cannot be called `{}`: expressions read something else by that name", shown(name.as_str()));
    reader.error(node.place, message);
    None
}
