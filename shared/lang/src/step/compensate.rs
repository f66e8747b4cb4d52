//! How a step is undone: `compensate`.

use std::rc::Rc;

use sagaline_model::{ActivityName, Backoff, Compensate, CompensateOn, Compensation};
use serde_json::Value;

use crate::{
    expression,
    outline::{Outline, Part, Scope},
    reader::Reader,
    retry::Retry,
    tree::{Content, Entry, Node, get},
    words,
};

/// The name of an activity, an activity with what it gets, or several of these; or a map with `actions`, which may say more.
pub(super) fn compensate(
    reader: &mut Reader,
    outline: &mut Outline,
    entry: &Entry,
    index: usize,
) -> Option<Box<Compensate>> {
    let node = &entry.value;
    if outline.ancestry(index).into_iter().any(|step| outline.part(step) == Part::Handler) {
        reader
            .error(entry.key.place, "`compensate` cannot stand in a handler: what handles an end is not undone")
            .hint("what it does itself may be undone by another step of it");
        return None;
    }
    let (actions, on) = match &node.content {
        Content::Map(entries) if get(entries, "actions").is_some() => {
            reader.keys(entries, "`compensate`", words::COMPENSATE);
            let actions = get(entries, "actions").map(|entry| &entry.value)?;
            let on = get(entries, "on").and_then(|entry| reader.choice(&entry.value, "on", &["effected", "attempted"]));
            (actions, on)
        }
        Content::Map(entries) if get(entries, "on").is_some() && get(entries, "activity").is_none() => {
            reader
                .error(node.place, "the `compensate` has no `actions`")
                .hint("for example `compensate: { on: attempted, actions: [stock.release] }`");
            return None;
        }
        _ => (node, None),
    };
    let nodes = reader.one_or_more(actions);
    if nodes.is_empty() {
        reader
            .error(actions.place, "`compensate` names no activity")
            .hint("name what undoes the step: `compensate: stock.release`");
        return None;
    }
    let nodes: Vec<Rc<Node>> = nodes.to_vec();
    let actions: Vec<Option<Compensation>> = nodes.iter().map(|node| action(reader, outline, node, index)).collect();
    let on = match on {
        Some("attempted") => CompensateOn::Attempted,
        _ => CompensateOn::Effected,
    };
    Some(Box::new(Compensate { actions: actions.into_iter().collect::<Option<_>>()?, on }))
}

fn action(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, index: usize) -> Option<Compensation> {
    let scope = Scope::Undo(index);
    let entries: &[Entry] = match &node.content {
        Content::Text(_) => &[],
        _ => {
            let entries = reader.map(node, "compensate")?;
            reader.keys(entries, "`compensate`", words::COMPENSATION);
            entries
        }
    };
    let value = |key| get(entries, key).map(|entry| &entry.value);
    let named = match (&node.content, value("activity")) {
        (Content::Text(_), _) => Some(node),
        (_, Some(activity)) => Some(activity),
        (_, None) => {
            reader
                .error(node.place, "the `compensate` has no `activity`")
                .hint("for example `compensate: { activity: stock.release }`");
            None
        }
    };
    let activity = named.and_then(|node| {
        let name = ActivityName::new(reader.text(node, "activity")?.value.as_str());
        reader.checked(name, node.place, "activity")
    });
    let input = value("input").map_or(Value::Null, |node| {
        expression::template(reader, outline, node, scope);
        node.json()
    });
    let queue = value("queue").and_then(|node| reader.name(node, "queue"));
    let timeout = value("timeout").and_then(|node| expression::timeout(reader, outline, node, "timeout", scope));
    let retry =
        value("retry").and_then(|node| Some((Retry::read(reader, outline, node, Scope::Backoff(Some(index)))?, node)));
    let policy = match retry {
        Some((retry, node)) => {
            retry.check(reader, &Retry::default());
            let policy = retry.policy_over(Compensation::patience());
            if matches!(policy.backoff, Backoff::Custom { .. }) || policy.has_computed_delays() {
                reader
                    .error(node.place, "the `retry` of a `compensate` cannot be computed")
                    .hint("when it is undone nothing is left of the execution that it could be computed from");
            }
            policy
        }
        None => Compensation::patience(),
    };
    let allow_skip = value("allow_skip").and_then(|node| reader.boolean(node, "allow_skip")).unwrap_or(false);
    let metadata = value("metadata").map_or(Value::Null, |node| node.json());
    Some(Compensation { activity: activity?, queue, input, timeout, retry: policy, allow_skip, metadata })
}
