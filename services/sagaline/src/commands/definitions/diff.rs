//! What changed between two plans: keys of the workflow, steps that came and went, keys of steps.

use std::collections::BTreeMap;

use sagaline_model::{Approval, Await, AwaitEvent, AwaitSignals, Dag, Kind, Node, OnTimeout, Plan};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::words;

/// Everything in which two plans differ, each part in the order of the names.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Diff {
    pub(super) workflow: Vec<Key>,
    pub(super) added: Vec<Summary>,
    pub(super) removed: Vec<Summary>,
    pub(super) changed: Vec<Changed>,
}

/// A step that only one of them has.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) name: String,
    pub(super) what: String,
}

/// A step that is different.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Changed {
    pub(super) step: String,
    pub(super) keys: Vec<Key>,
}

/// A key that is different; nothing where it is missing.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Key {
    pub(super) key: String,
    pub(super) old: Option<Value>,
    pub(super) new: Option<Value>,
}

type Keys = BTreeMap<String, Value>;

impl Diff {
    pub(super) fn between(old: &Plan, new: &Plan) -> Self {
        let (before, after) = (steps(&old.root), steps(&new.root));
        let only = |mine: &BTreeMap<String, Keys>, others: &BTreeMap<String, Keys>| {
            let mine = mine.iter().filter(|(name, _)| !others.contains_key(*name));
            mine.map(|(name, keys)| Summary { name: name.clone(), what: summary(keys) }).collect()
        };
        let both = before.iter().filter_map(|(name, keys)| Some((name, keys, after.get(name)?)));
        let changed = both.map(|(name, old, new)| Changed { step: name.clone(), keys: keys_between(old, new) });
        Self {
            workflow: keys_between(&of_workflow(old), &of_workflow(new)),
            added: only(&after, &before),
            removed: only(&before, &after),
            changed: changed.filter(|changed| !changed.keys.is_empty()).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.workflow.is_empty() && self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// A value in a line.
pub(super) fn text(value: &Value) -> String {
    words::short(&match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

fn keys_between(old: &Keys, new: &Keys) -> Vec<Key> {
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let differing = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    differing.map(|key| Key { key: key.clone(), old: old.get(key).cloned(), new: new.get(key).cloned() }).collect()
}

/// The keys as a definition names them.
fn of_workflow(plan: &Plan) -> Keys {
    let mut keys = Keys::new();
    let mut json = json!(plan);
    let fields = json.as_object_mut().map(std::mem::take).unwrap_or_default();
    for (name, value) in fields {
        match name.as_str() {
            "workflow" | "root" => {}
            "exchange" => flatten("", value, &mut keys),
            "note" => flatten("version_note", value, &mut keys),
            "triggers" => flatten("on", value, &mut keys),
            _ => flatten(&name, value, &mut keys),
        }
    }
    keys
}

/// By name, which is unique in the whole plan.
fn steps(root: &Dag) -> BTreeMap<String, Keys> {
    fn visit(node: &Node, parent: Option<&Node>, into: &mut BTreeMap<String, Keys>) {
        into.insert(node.name.to_string(), of_step(node, parent));
        let does = match &node.kind {
            Kind::ForEach(each) => &*each.body,
            _ => node,
        };
        // What tells approvers is part of the approval.
        let is_step =
            |inner: &&Node| !matches!(does.kind, Kind::Approval(_)) || inner.name.as_str() != Approval::NOTIFY;
        does.inside().into_iter().filter(is_step).for_each(|inner| visit(inner, Some(node), into));
    }
    let mut steps = BTreeMap::new();
    root.nodes.iter().for_each(|node| visit(node, None, &mut steps));
    steps
}

fn of_step(node: &Node, parent: Option<&Node>) -> Keys {
    let mut keys = Keys::new();
    if let Some(parent) = parent {
        keys.insert("inside".to_owned(), json!(parent.name));
    }
    for (key, names) in [("after", &node.after), ("after_any", &node.after_any)] {
        if !names.is_empty() {
            // As a set: their order means nothing.
            let mut names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            names.sort_unstable();
            keys.insert(key.to_owned(), json!(names));
        }
    }
    if let Some(group) = &node.group {
        keys.insert("group".to_owned(), json!(group));
    }
    if let Some(when) = &node.when {
        keys.insert("when".to_owned(), json!(when));
    }
    keys.insert("on_error".to_owned(), json!(node.on_error));
    does(&node.kind, &mut keys);
    keys
}

/// What a step does. The steps inside of it are compared by themselves.
fn does(kind: &Kind, keys: &mut Keys) {
    match kind {
        Kind::Step(step) => flatten("", json!(step), keys),
        Kind::Wait(wait) => flatten("wait", json!(wait.duration), keys),
        Kind::Await(what) => {
            let what = Await { on_timeout: without_steps(&what.on_timeout), ..what.clone() };
            flatten("await", json!(what), keys);
        }
        Kind::AwaitSignals(what) => {
            let what = AwaitSignals { on_timeout: without_steps(&what.on_timeout), ..what.clone() };
            flatten("await", json!(what), keys);
        }
        Kind::AwaitEvent(what) => {
            let what = AwaitEvent { on_timeout: without_steps(&what.on_timeout), ..what.clone() };
            flatten("await", json!(what), keys);
        }
        Kind::Approval(what) => {
            let notify = what.notify.as_ref().map(|node| &node.kind);
            let shape = json!({ "approvers": what.approvers, "notify": notify, "timeout": what.timeout, "on_timeout": without_steps(&what.on_timeout) });
            flatten("await.approval", shape, keys);
        }
        Kind::Dag(_) => flatten("steps", json!("inside"), keys),
        Kind::Race(_) => flatten("race", json!("inside"), keys),
        Kind::Switch { cases } => {
            let conditions: Vec<_> = cases.iter().map(|case| json!(case.when)).collect();
            flatten("switch", json!(conditions), keys);
        }
        Kind::Try(what) => flatten("catch", json!(what.errors), keys),
        Kind::Set { values } => flatten("set", values.clone(), keys),
        Kind::Raise(raise) => flatten("raise", json!(raise), keys),
        Kind::Child(child) => flatten("child", json!(child), keys),
        Kind::Emit(emit) => flatten("emit", json!(emit), keys),
        Kind::ForEach(each) => {
            let shape = json!({
                "items": each.items,
                "as": each.item,
                "concurrency": each.concurrency,
                "on_item_error": each.body.on_error,
            });
            flatten("for_each", shape, keys);
            does(&each.body.kind, keys);
        }
    }
}

/// The steps inside are compared by themselves.
fn without_steps(on_timeout: &OnTimeout) -> OnTimeout {
    match on_timeout {
        OnTimeout::Steps(_) => OnTimeout::Steps(Dag { nodes: vec![] }),
        OnTimeout::Fail | OnTimeout::Skip => on_timeout.clone(),
    }
}

/// What a step does, in a few words.
fn summary(keys: &Keys) -> String {
    let first =
        ["activity", "wait", "await.signal", "await.signals", "await.event", "await.approval.approvers", "steps"]
            .into_iter()
            .find_map(|key| Some((key, keys.get(key)?)));
    let what = first.map_or(String::new(), |(key, value)| format!("{key} {}", text(value)));
    match keys.get("after").and_then(Value::as_array) {
        Some(after) => {
            let after: Vec<&str> = after.iter().filter_map(Value::as_str).collect();
            format!("{what}, after {}", after.join(", "))
        }
        None => what,
    }
}

/// Maps become keys with dots, all else is a value.
fn flatten(prefix: &str, value: Value, into: &mut Keys) {
    let fields: Map<String, Value> = match value {
        Value::Object(fields) if !fields.is_empty() => fields,
        other => {
            into.insert(prefix.to_owned(), other);
            return;
        }
    };
    for (name, value) in fields {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        flatten(&key, value, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        sagaline_lang::read(&format!("workflow: order\n{text}"), "order.yaml").expect("a definition").plan
    }

    #[test]
    fn what_came_what_went_and_what_is_different() {
        let old = plan(
            "timeout: 1h\nsteps:\n  a: { activity: one, timeout: 30s, input: { x: { y: 1 }, z: 2 } }\n  b: { after: a, wait: 1h }\n",
        );
        let new = plan(
            "timeout: 2h\ntags: [eu]\nsteps:\n  a: { activity: one, timeout: 1m, input: { x: { y: 3 }, z: 2 }, retry: 3 }\n  c: { after: a, await: go }\n",
        );
        let diff = Diff::between(&old, &new);
        let keys = |keys: &[Key]| keys.iter().map(|key| key.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&diff.workflow), ["rules", "tags", "timeout"]);
        assert_eq!(
            (diff.workflow[2].old.clone(), diff.workflow[2].new.clone()),
            (Some(json!("1h")), Some(json!("2h")))
        );
        assert_eq!(diff.added, [Summary { name: "c".into(), what: "await.signal go, after a".into() }]);
        assert_eq!(diff.removed, [Summary { name: "b".into(), what: "wait 1h, after a".into() }]);
        assert_eq!(keys(&diff.changed[0].keys), ["input.x.y", "retry.attempts", "timeout"]);
        assert_eq!((&*diff.changed[0].step, diff.changed.len()), ("a", 1));
    }

    #[test]
    fn a_step_that_moves_inside_of_another_is_changed_and_the_same_plan_is_not() {
        let old = plan(
            "steps:\n  a: { activity: one }\n  b: { activity: two, after: a }\n  c: { activity: noop, after: [a, b] }\n",
        );
        let new = plan("steps:\n  a: { steps: { b: { activity: two } } }\n");
        let diff = Diff::between(&old, &new);
        let moved = diff.changed.iter().find(|changed| changed.step == "b").expect("it changed");
        assert!(moved.keys.contains(&Key { key: "inside".into(), old: None, new: Some(json!("a")) }));
        let same = plan(
            "steps:\n  c: { after: [b, a], activity: noop }\n  a: { activity: one }\n  b: { activity: two, after: a }\n",
        );
        assert!(Diff::between(&old, &same).is_empty());
    }
}
