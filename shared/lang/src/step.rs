//! Steps: what each does, and what it comes after.

mod awaited;
mod company;
mod compensate;
mod control;
mod event;
mod expand;

pub(crate) use self::{
    control::{AT_ONCE, ITEM},
    event::of_event,
};

use sagaline_model::{ActivityName, Dag, Kind, Name, Node as Planned, OnError, Step, StepLimits, Wait};
use serde_json::Value;

use crate::{
    expression, gate, limit,
    outline::{Listed, Outline, Part, Scope},
    reader::Reader,
    retry::Retry,
    suggest::{meant, nearest},
    syntax::shown,
    tree::{Content, Entry, Node, get},
    words,
};

/// Steps inside steps go at most this deep: a plan nests four levels for each, and JSON readers stop at 128.
const DEEPEST_STEPS: usize = 16;

/// Reads a map of steps, in its order. `parent` is the step it stands in.
pub(crate) fn read_all(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Node,
    parent: Option<usize>,
    part: Part,
    defaults: &Retry,
) -> Option<Dag> {
    let Content::Map(entries) = &node.content else {
        reader.wrong_kind(node, "steps", "a map").hint("write each step as `name: { activity: … }`");
        return None;
    };
    if entries.is_empty() {
        reader.error(node.place, "`steps` is empty").hint("give it at least one step: `name: { activity: … }`");
    }
    if outline.depth(parent) >= DEEPEST_STEPS {
        reader.error(node.place, format!("steps stand more than {DEEPEST_STEPS} deep inside steps"));
        return None;
    }
    let level = outline.new_level(part);
    // All names of a level come before what is inside its steps: a name is known by where it stands highest.
    let indexes: Vec<usize> = entries.iter().map(|entry| list(reader, outline, entry, parent, level)).collect();
    let nodes = entries.iter().zip(indexes).map(|(entry, index)| read(reader, outline, entry, index, defaults));
    let nodes: Vec<Option<Planned>> = nodes.collect();
    Some(Dag { nodes: nodes.into_iter().flatten().collect() })
}

/// Reads what is done once it is known how an execution ends: `on_failure: { activity: … }`.
pub(crate) fn handler(
    reader: &mut Reader,
    outline: &mut Outline,
    entry: &Entry,
    defaults: &Retry,
) -> Option<Box<Planned>> {
    let level = outline.new_level(Part::Handler);
    let index = list(reader, outline, entry, None, level);
    read(reader, outline, entry, index, defaults).map(Box::new)
}

/// Takes the step up in the outline; its name must be the only one of its kind in the whole workflow.
fn list(reader: &mut Reader, outline: &mut Outline, entry: &Entry, parent: Option<usize>, level: usize) -> usize {
    let name = entry.key.text.clone();
    let own = match &entry.value.content {
        Content::Map(entries) => entries.as_slice(),
        Content::Text(_) | Content::Plain(..) | Content::List(_) => &[],
    };
    // What others go by must be known before any of them is read.
    let text = |key| match get(own, key).map(|entry| &entry.value.content) {
        Some(Content::Text(text)) => Some(text.value.clone()),
        Some(_) | None => None,
    };
    let (index, first) = outline.list(Listed {
        name,
        place: entry.key.place,
        parent,
        level,
        after: vec![],
        group: text("group"),
        after_groups: vec![],
        item: get(own, "for_each").map(|entry| control::item_name(&entry.value)),
        expands: get(own, "expand").is_some(),
    });
    // Two of one map are noted where the map is read.
    if let Some(first) = first.filter(|first| first.level != level) {
        let message = format!("a second step is called `{}`", shown(&entry.key.text));
        let hint =
            format!("names are unique in the whole workflow; the other step is on line {}", first.place.start.line);
        reader.error(entry.key.place, message).hint(hint);
    }
    index
}

fn read(reader: &mut Reader, outline: &mut Outline, entry: &Entry, index: usize, defaults: &Retry) -> Option<Planned> {
    let shown_name = shown(&entry.key.text);
    let name = match Name::new(entry.key.text.as_str()) {
        Ok(name) => Some(name),
        Err(error) => {
            let hint = error.nearest().map(|near| format!("write `{near}`"));
            reader.error(entry.key.place, format!("this cannot name a step: {error}")).maybe_hint(hint);
            None
        }
    };
    let Content::Map(entries) = &entry.value.content else {
        let hint = format!("for example `{shown_name}: {{ activity: orders.validate }}`");
        // A step without anything is found by its name: nothing stands where its value would.
        if entry.value.is_null() {
            reader.error(entry.key.place, format!("step `{shown_name}` is empty")).hint(hint);
        } else {
            reader.wrong_kind(&entry.value, &shown_name, "a map").hint(hint);
        }
        return None;
    };
    reader.keys(entries, &format!("step `{shown_name}`"), words::STEP);
    let scope = Scope::Step(index);
    let mut after = get(entries, "after").map_or(vec![], |entry| named(reader, outline, entry, index));
    let after_any = get(entries, "after_any").map_or(vec![], |entry| named(reader, outline, entry, index));
    let group = get(entries, "group").and_then(|entry| reader.name(&entry.value, "group"));
    if let Some(entry) = get(entries, "after_group") {
        after_groups(reader, outline, entry, index, &mut after);
    }
    if let Some(entry) = get(entries, "after_graft") {
        expand::after_graft(reader, outline, entry, index, &mut after);
    }
    let when = get(entries, "when").and_then(|entry| expression::condition(reader, outline, &entry.value, scope));
    let on_error = get(entries, "on_error").map_or(OnError::Fail, |entry| on_error(reader, entry, &ON_ERROR));
    let kind = kind(reader, outline, entry, entries, index, defaults);
    if let (OnError::Pause, Some(kind), Some(entry)) = (on_error, &kind, get(entries, "on_error")) {
        check_pause(reader, outline, &entry.value, index, kind);
    }
    let context_key = get(entries, "context_key").and_then(|entry| reader.name(&entry.value, "context_key"));
    Some(Planned { name: name?, after, after_any, group, when, on_error, kind: kind?, context_key })
}

/// The steps that an `after` or `after_any` names.
fn named(reader: &mut Reader, outline: &mut Outline, entry: &Entry, index: usize) -> Vec<Name> {
    let mut names: Vec<Name> = vec![];
    for item in reader.one_or_more(&entry.value) {
        let Some(text) = reader.text(item, &entry.key.text) else { continue };
        if names.iter().any(|name| name.as_str() == text.value) {
            reader.warning(item.place, format!("`{}` is named twice", shown(&text.value)));
            continue;
        }
        outline.steps[index].after.push((text.value.clone(), item.place));
        // A text that cannot be a name is no step's; the check of the order says so.
        names.extend(Name::new(text.value.as_str()).ok());
    }
    names
}

/// All steps of a group come before: those are the same words as to name each.
fn after_groups(reader: &mut Reader, outline: &mut Outline, entry: &Entry, index: usize, after: &mut Vec<Name>) {
    let level = outline.steps[index].level;
    for item in reader.one_or_more(&entry.value) {
        let Some(text) = reader.text(item, "after_group") else { continue };
        let members: Vec<String> = outline.members(level, &text.value).map(|step| step.name.clone()).collect();
        if members.is_empty() {
            let groups: Vec<&str> = outline.steps.iter().filter_map(|step| step.group.as_deref()).collect();
            let suggestion =
                nearest(&text.value, groups.iter().copied()).map(|group| format!("did you mean `{group}`?"));
            let message = format!("no step beside this one belongs to a group `{}`", shown(&text.value));
            reader.error(item.place, message).maybe_hint(suggestion);
            continue;
        }
        outline.steps[index].after_groups.push((text.value.clone(), item.place));
        for name in members.iter().filter_map(|name| Name::new(name.as_str()).ok()) {
            if !after.contains(&name) {
                after.push(name);
            }
        }
    }
}

/// What a failure of a step may mean; of an item of a loop, one less.
const ON_ERROR: [&str; 4] = ["fail", "skip", "continue", "pause"];
const ON_ITEM_ERROR: [&str; 3] = ["fail", "skip", "continue"];

fn on_error(reader: &mut Reader, entry: &Entry, words: &[&'static str]) -> OnError {
    match reader.choice(&entry.value, &entry.key.text, words) {
        Some("skip") => OnError::Skip,
        Some("pause") => OnError::Pause,
        Some("continue") => OnError::Continue,
        _ => OnError::Fail,
    }
}

/// Only what is tried again as a whole can wait for somebody to say so, and only while it is open how the execution ends.
fn check_pause(reader: &mut Reader, outline: &Outline, node: &Node, index: usize, kind: &Kind) {
    if !matches!(kind, Kind::Step(_)) {
        reader
            .error(node.place, "`on_error: pause` belongs to an `activity`")
            .hint("give it to the steps inside: each waits where it failed");
    } else if outline.ancestry(index).into_iter().any(|step| outline.part(step) == Part::Handler) {
        reader.error(node.place, "`on_error: pause` cannot stand in a handler: nothing is paused any more then");
    }
}

/// What a step does; for each item, if it is a loop.
fn kind(
    reader: &mut Reader,
    outline: &mut Outline,
    step: &Entry,
    entries: &[Entry],
    index: usize,
    defaults: &Retry,
) -> Option<Kind> {
    let once = once(reader, outline, step, entries, index, defaults);
    match get(entries, "for_each") {
        None => once,
        Some(each) => control::for_each(reader, outline, &each.value, index, once),
    }
}

fn once(
    reader: &mut Reader,
    outline: &mut Outline,
    step: &Entry,
    entries: &[Entry],
    index: usize,
    defaults: &Retry,
) -> Option<Kind> {
    let given: Vec<&Entry> = words::KINDS.iter().filter_map(|word| get(entries, word)).collect();
    let [one] = given.as_slice() else {
        not_one_kind(reader, step, entries, &given);
        return None;
    };
    let word = one.key.text.as_str();
    if let Some(catch) = get(entries, "catch").filter(|_| word != "try") {
        reader.error(catch.key.place, format!("`catch` belongs to a `try`; this step has `{word}`"));
    }
    if word != "activity" {
        for entry in entries.iter().filter(|entry| words::OF_ACTIVITIES.contains(&entry.key.text.as_str())) {
            let message = format!("`{}` belongs to an `activity`; this step has `{word}`", entry.key.text);
            let hint = match (word, entry.key.text.as_str()) {
                ("await", "timeout") => Some("put it into the `await`: `await: { signal: …, timeout: 1h }`"),
                ("child", "timeout" | "input" | "queue") => {
                    Some("put it into the `child`: `child: { workflow: …, input: … }`")
                }
                ("child", "compensate") => Some("a child is undone by what its own steps say: give it to those"),
                ("steps" | "race" | "switch" | "try", "compensate") => {
                    Some("give it to the steps inside: each is undone by itself")
                }
                (_, "compensate") => Some("it does nothing that would have to be undone"),
                _ => None,
            };
            reader.error(entry.key.place, message).maybe_hint(hint);
        }
    }
    match word {
        "activity" => activity(reader, outline, &one.value, entries, index, defaults).map(Kind::Step),
        "wait" => {
            let duration = expression::duration(reader, outline, &one.value, "wait", Scope::Body(index))?;
            Some(Kind::Wait(Wait { duration }))
        }
        "await" => awaited::read(reader, outline, &one.value, index, defaults),
        "steps" => read_all(reader, outline, &one.value, Some(index), Part::Steps, defaults).map(Kind::Dag),
        "race" => read_all(reader, outline, &one.value, Some(index), Part::Race, defaults).map(Kind::Race),
        "switch" => control::switch(reader, outline, &one.value, index, defaults),
        "try" => control::attempt(reader, outline, one, entries, index, defaults),
        "set" => control::set(reader, outline, &one.value, index),
        "child" => company::child(reader, outline, &one.value, index),
        "emit" => company::emit(reader, outline, &one.value, index),
        _ => control::raise(reader, outline, &one.value, index),
    }
}

/// Notes that a step does nothing, or more than one thing; unless it was meant to do one that is noted already.
fn not_one_kind(reader: &mut Reader, step: &Entry, entries: &[Entry], given: &[&Entry]) {
    let name = shown(&step.key.text);
    if let [first, second, ..] = given {
        let message = format!("step `{name}` has both `{}` and `{}`", first.key.text, second.key.text);
        reader.error(second.key.place, message).hint("a step does one thing; make two steps of it");
        return;
    }
    let is_meant = |entry: &Entry| {
        let key = entry.key.text.as_str();
        !words::STEP.known.contains(&key)
            && (meant(key, words::STEP.known.iter().copied()).is_some_and(|word| words::KINDS.contains(&word))
                || key == "parallel")
    };
    if !entries.iter().any(is_meant) {
        let message = format!("step `{name}` has no `activity`");
        reader.error(step.key.place, message).hint(format!("give it one of: {}", words::KINDS.join(", ")));
    }
}

fn activity(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Node,
    entries: &[Entry],
    index: usize,
    defaults: &Retry,
) -> Option<Step> {
    let scope = Scope::Body(index);
    let value = |key| get(entries, key).map(|entry| &entry.value);
    let activity = reader.text(node, "activity").map(|text| ActivityName::new(text.value.as_str()));
    let activity = activity.and_then(|name| reader.checked(name, node.place, "activity"));
    let input = value("input").map_or(Value::Null, |node| {
        expression::template(reader, outline, node, scope);
        node.json()
    });
    let queue = match value("queue") {
        Some(node) => reader.name(node, "queue"),
        None => Some(Name::new("default").expect("`default` may be a name")),
    };
    let timeout = value("timeout").and_then(|node| expression::timeout(reader, outline, node, "timeout", scope));
    let limits = limits(reader, outline, entries, scope);
    let metadata = value("metadata").map_or(Value::Null, |node| node.json());
    let retry = value("retry").and_then(|node| Retry::read(reader, outline, node, Scope::Backoff(Some(index))));
    let retry = retry.unwrap_or_default();
    retry.check(reader, defaults);
    let expand = value("expand").and_then(|node| expand::expand(reader, node));
    let breaker = value("breaker").and_then(|node| limit::breaker(reader, node)).map(Box::new);
    let gates = gate::gates(reader, outline, entries, activity.as_ref(), scope);
    let retry = retry.policy(defaults);
    let compensate = get(entries, "compensate").and_then(|entry| compensate::compensate(reader, outline, entry, index));
    Some(Step {
        activity: activity?,
        queue: queue?,
        input,
        timeout,
        limits,
        retry,
        metadata,
        expand,
        breaker,
        compensate,
        gates,
    })
}

/// What limits the time of a step besides its `timeout`.
fn limits(reader: &mut Reader, outline: &mut Outline, entries: &[Entry], scope: Scope) -> StepLimits {
    let mut limit = |key| {
        let entry = get(entries, key)?;
        expression::timeout(reader, outline, &entry.value, key, scope)
    };
    let (schedule_timeout, total_timeout) = (limit("schedule_timeout"), limit("total_timeout"));
    let heartbeat = limit("heartbeat");
    let deadline =
        get(entries, "deadline").and_then(|entry| expression::moment(reader, outline, &entry.value, "deadline", scope));
    StepLimits { schedule_timeout, total_timeout, heartbeat, deadline }
}
