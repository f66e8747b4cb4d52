//! What steps that a step returned have where they say nothing of their own.
//!
//! It is filled in before they are read: afterwards nobody can tell what was left out. They are kept as they came, beside the defaults, since
//! very many of them would have the same.

use std::borrow::Cow;

use sagaline_model::{Gate, Step, StepDefaults};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A list of nodes with what they leave out, at every depth. What cannot be a node stays as it is: reading it says why.
pub(crate) fn filled<'v>(nodes: &'v Value, defaults: &StepDefaults) -> Cow<'v, Value> {
    let mut nodes = Cow::Borrowed(nodes);
    if !defaults.is_empty() {
        fill(nodes.to_mut(), defaults);
    }
    nodes
}

fn fill(nodes: &mut Value, defaults: &StepDefaults) {
    for node in nodes.as_array_mut().into_iter().flatten() {
        fill_node(node, defaults);
    }
}

fn fill_node(node: &mut Value, defaults: &StepDefaults) {
    let Some(kinds) = node.get_mut("kind").and_then(Value::as_object_mut) else { return };
    for (kind, what) in kinds {
        match kind.as_str() {
            "step" => fill_step(what, defaults),
            "for_each" => at(what, &["body"], |body| fill_node(body, defaults)),
            "switch" => {
                for case in what.get_mut("cases").and_then(Value::as_array_mut).into_iter().flatten() {
                    at(case, &["steps", "nodes"], |nodes| fill(nodes, defaults));
                }
            }
            _ => {
                at(what, &["notify"], |node| fill_node(node, defaults));
                let dags: [&[&str]; 4] =
                    [&["nodes"], &["body", "nodes"], &["catch", "nodes"], &["on_timeout", "steps", "nodes"]];
                for place in dags {
                    at(what, place, |nodes| fill(nodes, defaults));
                }
            }
        }
    }
}

fn fill_step(step: &mut Value, defaults: &StepDefaults) {
    let Some(step) = step.as_object_mut() else { return };
    if let Some(timeout) = &defaults.timeout {
        step.entry("timeout").or_insert_with(|| json!(timeout));
    }
    if let Some(policy) = &defaults.retry {
        let policy = json!(policy);
        match step.get_mut("retry") {
            None => {
                step.insert("retry".to_owned(), policy);
            }
            Some(Value::Object(own)) if says_attempts_only(own) => {
                for (key, value) in policy.as_object().into_iter().flatten() {
                    own.entry(key.as_str()).or_insert_with(|| value.clone());
                }
            }
            Some(_) => {}
        }
    }
    fill_gates(step, defaults);
    if let Some(expand) = step.get_mut("expand").and_then(Value::as_object_mut) {
        expand.entry("defaults").or_insert_with(|| json!(defaults));
    }
}

/// What operators said of its queue comes before what it says of the same names. What cannot be read stays, and is told of when it is read.
fn fill_gates(step: &mut Map<String, Value>, defaults: &StepDefaults) {
    let queue = step.get("queue").and_then(Value::as_str).unwrap_or(Step::DEFAULT_QUEUE);
    let Some(of_queue) = defaults.gates.iter().find(|(name, _)| name.as_str() == queue).map(|(_, gates)| gates) else {
        return;
    };
    if let Value::Array(gates) = step.entry("gates").or_insert_with(|| json!([])) {
        let is_replaced =
            |own: &Value| Gate::deserialize(own).is_ok_and(|own| of_queue.iter().any(|of| of.counts_as(&own)));
        gates.retain(|own| !is_replaced(own));
        gates.extend(of_queue.iter().map(|gate| json!(gate)));
    }
}

/// Whoever says more than how often says all.
fn says_attempts_only(retry: &Map<String, Value>) -> bool {
    retry.keys().all(|key| key == "attempts")
}

fn at(value: &mut Value, place: &[&str], fill: impl FnOnce(&mut Value)) {
    let found = place.iter().try_fold(value, |value, key| value.get_mut(key));
    if let Some(found) = found {
        fill(found);
    }
}

#[cfg(test)]
mod tests {
    use sagaline_model::{Kind, Name, Node, PlacesGate, RateGate, RateRule, RetryPolicy, Span};

    use super::*;

    /// One activity in every place where a node can hold others.
    #[test]
    fn every_step_is_found_wherever_it_stands() {
        let mut names = 0;
        let mut step = || {
            names += 1;
            json!({"name": format!("s{names}"), "kind": {"step": {"activity": "a"}}})
        };
        let dag = |node: Value| json!({"nodes": [node]});
        let late = |node: Value| json!({"steps": {"nodes": [node]}});
        let mut nodes = json!([
            step(),
            {"name": "dag", "kind": {"dag": dag(step())}},
            {"name": "race", "kind": {"race": dag(step())}},
            {"name": "switch", "kind": {"switch": {"cases": [{"steps": dag(step())}, {"steps": dag(step())}]}}},
            {"name": "try", "kind": {"try": {"body": dag(step()), "catch": dag(step())}}},
            {"name": "each", "kind": {"for_each": {"items": [], "as": "item", "concurrency": 1, "body": step()}}},
            {"name": "await", "kind": {"await": {"signal": "go", "on_timeout": late(step())}}},
            {"name": "awaits", "kind": {"await_signals": {"signals": ["go"], "need": "all", "on_timeout": late(step())}}},
            {"name": "approval", "kind": {"approval": {"approvers": null, "notify": step(), "on_timeout": late(step())}}},
            {"name": "deep", "kind": {"dag": dag(json!({"name": "deeper", "kind": {"race": dag(step())}}))}},
        ]);
        let retry = RetryPolicy { attempts: 7, ..RetryPolicy::default() };
        fill(
            &mut nodes,
            &StepDefaults { timeout: Some("5m".to_owned()), retry: Some(retry.clone()), ..StepDefaults::default() },
        );
        let nodes = Vec::<Node>::deserialize(&nodes).expect("nodes");
        let (mut left, mut found): (Vec<&Node>, usize) = (nodes.iter().collect(), 0);
        while let Some(node) = left.pop() {
            left.extend(node.inside());
            if let Kind::Step(step) = &node.kind {
                assert_eq!((step.timeout.as_deref(), &step.retry), (Some("5m"), &retry), "{}", node.name);
                found += 1;
            }
        }
        assert_eq!(found, names);
    }

    #[test]
    fn what_a_step_says_itself_counts() {
        let retry = RetryPolicy { attempts: 7, max: Some("9s".parse().expect("a duration")), ..RetryPolicy::default() };
        let defaults =
            StepDefaults { timeout: Some("5m".to_owned()), retry: Some(retry.clone()), ..StepDefaults::default() };
        let said = |step: Value| {
            let mut nodes = json!([{"name": "s", "kind": {"step": step}}]);
            fill(&mut nodes, &defaults);
            let Kind::Step(step) = Node::deserialize(&nodes[0]).expect("a node").kind else { panic!("a step") };
            step
        };
        assert_eq!(said(json!({"activity": "a", "timeout": "1s"})).timeout.as_deref(), Some("1s"));
        let often = said(json!({"activity": "a", "retry": {"attempts": 2}})).retry;
        assert_eq!(often, RetryPolicy { attempts: 2, ..retry });
        let own = said(json!({"activity": "a", "retry": RetryPolicy::default()})).retry;
        assert_eq!(own, RetryPolicy::default());
        let expand = said(json!({"activity": "a", "expand": {"concurrency": 3}})).expand.expect("it expands");
        assert_eq!(expand.defaults, defaults);
    }

    #[test]
    fn what_operators_said_of_a_queue_comes_before_what_a_step_says() {
        let name = |text: &str| Name::new(text).expect("a name");
        let places = |of: &str, limit| Gate::Places(PlacesGate { name: name(of), key: None, limit });
        let rule = RateRule { limit: 3, per: Span::from_secs(1), burst: None };
        let rate = Gate::Rate(RateGate { name: name("gpu"), key: None, rule });
        let gates = [(name("gpu"), vec![rate.clone(), places("gpu", 2)])].into();
        let defaults = StepDefaults { gates, ..StepDefaults::default() };
        let gates_of = |step: Value| {
            let mut nodes = json!([{"name": "s", "kind": {"step": step}}]);
            fill(&mut nodes, &defaults);
            let Kind::Step(step) = Node::deserialize(&nodes[0]).expect("a node").kind else { panic!("a step") };
            step.gates
        };
        assert_eq!(gates_of(json!({"activity": "a"})), [], "it is of another queue");
        let own = json!([places("gpu", 50), places("api", 7)]);
        let both = gates_of(json!({"activity": "a", "queue": "gpu", "gates": own}));
        assert_eq!(both, [places("api", 7), rate, places("gpu", 2)]);
    }
}
