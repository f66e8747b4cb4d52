//! Steps that wait for people and programs: for a signal, for several, for an approval, for an event.

use std::rc::Rc;

use sagaline_model::{
    Approval, Await, AwaitEvent, AwaitSignals, Kind, Name, Need, Node as Planned, OnError, OnTimeout,
};
use serde_json::Value;

use super::{activity, company, event, read_all};
use crate::{
    expression,
    outline::{Outline, Part, Scope},
    reader::Reader,
    retry::Retry,
    syntax::shown,
    tree::{Content, Entry, Node, get},
    words,
};

/// What is waited for.
enum For {
    Signal(Name),
    Signals(Vec<Name>),
    Approval { approvers: Value, notify: Option<Box<Planned>> },
    Event(Box<AwaitEvent>),
}

/// `await: name`, or a map.
pub(super) fn read(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    index: usize,
    defaults: &Retry,
) -> Option<Kind> {
    if let Content::Text(_) = &node.content {
        let signal = reader.name(node, "await")?;
        return Some(Kind::Await(Await { signal, timeout: None, on_timeout: OnTimeout::Fail }));
    }
    let entries = reader.map(node, "await")?;
    if let Some(schema) = get(entries, "schema") {
        let message = "what a signal must look like is said for the whole workflow, not for one step that waits for it";
        let hint = "write `signals: { NAME: { schema: … } }` at the top of the file, beside `steps`";
        reader.error(schema.key.place, message).hint(hint);
        return None;
    }
    reader.keys(entries, "`await`", words::AWAIT);
    let scope = Scope::Body(index);
    let timeout =
        get(entries, "timeout").and_then(|entry| expression::timeout(reader, outline, &entry.value, "timeout", scope));
    let what = what(reader, outline, node, entries, index, defaults);
    let on_timeout = match get(entries, "on_timeout") {
        Some(entry) => on_timeout(reader, outline, &entry.value, index, defaults),
        None => Some(OnTimeout::Fail),
    };
    let need = need(reader, entries);
    let on_timeout = on_timeout?;
    Some(match what? {
        For::Signal(signal) => Kind::Await(Await { signal, timeout, on_timeout }),
        For::Signals(signals) => Kind::AwaitSignals(AwaitSignals { signals, need, timeout, on_timeout }),
        For::Approval { approvers, notify } => {
            if let Some(taken) = on_timeout.steps().and_then(|dag| dag.nodes.iter().find(|node| is_notify(node))) {
                let message = format!("a step of the `on_timeout` of an approval cannot be called `{}`", taken.name);
                reader.error(node.place, message).hint("that is the name of what tells the approvers; choose another");
            }
            Kind::Approval(Approval { approvers, notify, timeout, on_timeout })
        }
        For::Event(what) => Kind::AwaitEvent(AwaitEvent { timeout, on_timeout, ..*what }),
    })
}

fn is_notify(node: &Planned) -> bool {
    node.name.as_str() == Approval::NOTIFY
}

fn what(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    entries: &[Entry],
    index: usize,
    defaults: &Retry,
) -> Option<For> {
    let kinds = ["signal", "signals", "approval", "event"];
    let given: Vec<&Entry> = kinds.iter().filter_map(|word| get(entries, word)).collect();
    if get(entries, "event").is_none() {
        for entry in entries.iter().filter(|entry| words::OF_EVENTS.contains(&entry.key.text.as_str())) {
            let message = format!("`{}` belongs to a wait for an event", entry.key.text);
            reader.error(entry.key.place, message).hint("for example `await: { event: order.paid, match: { … } }`");
        }
    }
    match given.as_slice() {
        [one] => match one.key.text.as_str() {
            "signal" => reader.name(&one.value, "signal").map(For::Signal),
            "signals" => signals(reader, &one.value).map(For::Signals),
            "event" => event::read(reader, outline, &one.value, entries, index).map(|what| For::Event(Box::new(what))),
            _ => approval(reader, outline, &one.value, index, defaults),
        },
        [] => {
            if !entries.iter().any(|entry| words::OF_EVENTS.contains(&entry.key.text.as_str())) {
                reader.error(node.place, "the `await` has no `signal`").hint(
                    "for example `await: { signal: approved }`; or give it `signals`, an `approval`, or an `event`",
                );
            }
            None
        }
        [first, second, ..] => {
            let message = format!("the `await` has both `{}` and `{}`", first.key.text, second.key.text);
            reader.error(second.key.place, message).hint("a step waits for one thing; make two steps of it");
            None
        }
    }
}

fn signals(reader: &mut Reader, node: &Rc<Node>) -> Option<Vec<Name>> {
    let mut names: Vec<Name> = vec![];
    for item in reader.one_or_more(node) {
        let name = reader.name(item, "signals")?;
        if names.contains(&name) {
            reader.error(item.place, format!("the signal `{}` is named twice", shown(name.as_str())));
            return None;
        }
        names.push(name);
    }
    if names.is_empty() {
        reader.error(node.place, "`signals` is empty").hint("name what is waited for: `signals: [paid, packed]`");
        return None;
    }
    Some(names)
}

fn need(reader: &mut Reader, entries: &[Entry]) -> Need {
    let Some(entry) = get(entries, "need") else { return Need::All };
    if get(entries, "signals").is_none() {
        reader.error(entry.key.place, "`need` belongs to `signals`: it says how many of them are enough");
    }
    match reader.choice(&entry.value, "need", &["all", "any"]) {
        Some("any") => Need::Any,
        _ => Need::All,
    }
}

/// `approval: {}`, or with who may, and what tells them.
fn approval(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    index: usize,
    defaults: &Retry,
) -> Option<For> {
    let entries = reader.map(node, "approval")?;
    reader.keys(entries, "`approval`", words::APPROVAL);
    let approvers = match get(entries, "approvers") {
        Some(entry) => {
            let is_empty = match &entry.value.content {
                Content::List(items) => items.is_empty(),
                Content::Text(text) => text.value.is_empty(),
                Content::Plain(..) | Content::Map(_) => true,
            };
            if is_empty {
                let hint = "for example `approvers: [ann, bob]`; without `approvers` anybody may";
                reader.error(entry.value.place, "`approvers` must be a name or a list of names").hint(hint);
                return None;
            }
            expression::template(reader, outline, &entry.value, Scope::Body(index));
            entry.value.json()
        }
        None => Value::Null,
    };
    let notify = match get(entries, "notify") {
        Some(entry) => Some(Box::new(notify(reader, outline, &entry.value, index, defaults)?)),
        None => None,
    };
    Some(For::Approval { approvers, notify })
}

/// An activity that tells the approvers, or an event that does. Nothing waits for it, and nothing comes of its failure.
fn notify(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    index: usize,
    defaults: &Retry,
) -> Option<Planned> {
    let entries = reader.map(node, "notify")?;
    reader.keys(entries, "`notify`", words::NOTIFY);
    let kind = match (get(entries, "activity"), get(entries, "event")) {
        (Some(what), None) => {
            if let Some(data) = get(entries, "data") {
                let message = "`data` belongs to an `event`; what an activity gets is its `input`";
                reader.error(data.key.place, message);
            }
            Kind::Step(activity(reader, outline, &what.value, entries, index, defaults)?)
        }
        (None, Some(event)) => {
            for entry in entries.iter().filter(|entry| !["event", "data"].contains(&entry.key.text.as_str())) {
                let message = format!("`{}` belongs to an `activity`; this `notify` has an `event`", entry.key.text);
                reader.error(entry.key.place, message);
            }
            company::notice(reader, outline, &event.value, get(entries, "data").map(|entry| &entry.value), index)?
        }
        (Some(_), Some(event)) => {
            reader
                .error(event.key.place, "the `notify` has both `activity` and `event`")
                .hint("an event may start a workflow that does the rest");
            return None;
        }
        (None, None) => {
            reader
                .error(node.place, "the `notify` has no `activity`")
                .hint("for example `notify: { activity: mail.send }`, or `notify: { event: approval.wanted }`");
            return None;
        }
    };
    let name = Name::new(Approval::NOTIFY).expect("`notify` may be a name");
    Some(Planned { on_error: OnError::Continue, ..Planned::new(name, kind) })
}

/// `fail`, `skip`, or steps that are done instead.
fn on_timeout(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    index: usize,
    defaults: &Retry,
) -> Option<OnTimeout> {
    let Content::Map(entries) = &node.content else {
        return match reader.choice(node, "on_timeout", &["fail", "skip"]) {
            Some("skip") => Some(OnTimeout::Skip),
            _ => Some(OnTimeout::Fail),
        };
    };
    reader.keys(entries, "`on_timeout`", words::ON_TIMEOUT);
    let Some(steps) = get(entries, "steps") else {
        reader.error(node.place, "the `on_timeout` has no `steps`").hint("write `fail`, `skip`, or `{ steps: { … } }`");
        return None;
    };
    read_all(reader, outline, &steps.value, Some(index), Part::Steps, defaults).map(OnTimeout::Steps)
}
