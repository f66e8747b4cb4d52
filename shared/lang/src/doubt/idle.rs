//! Steps and cases that never run.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_model::{Case, Dag, Kind, Name, Node as Planned, OnError, Try};

use super::Looked;
use crate::{outline::Outline, reader::Reader, syntax::shown};

pub(super) fn tell(reader: &mut Reader, looked: &Looked) {
    look_at(reader, looked.outline, &looked.plan.root.nodes);
    for handler in looked.plan.handlers.all() {
        look_at(reader, looked.outline, std::slice::from_ref(handler));
    }
}

/// The steps of one map, and those inside of them.
fn look_at(reader: &mut Reader, outline: &Outline, nodes: &[Planned]) {
    let failing: BTreeSet<&Name> = nodes.iter().filter(|node| always_fails(node)).map(|node| &node.name).collect();
    for node in nodes {
        if is(node.when.as_deref(), "false") {
            warn(reader, outline, &node.name, format!("`{}` never runs: its condition never holds", name(node)));
        }
        // Of two that always fail, one is enough to tell.
        if let Some(fails) = node.after.iter().find(|before| failing.contains(before)) {
            let message = format!("`{}` never runs: `{}` always fails before it", name(node), shown(fails.as_str()));
            warn(reader, outline, &node.name, message);
        }
        if let Kind::Switch { cases } = &node.kind {
            look_at_cases(reader, outline, node, cases);
        }
        for dag in dags(body(node)) {
            look_at(reader, outline, &dag.nodes);
        }
    }
}

/// Of a loop, what is done for each item.
fn body(node: &Planned) -> &Planned {
    match &node.kind {
        Kind::ForEach(each) => &each.body,
        _ => node,
    }
}

fn dags(node: &Planned) -> Vec<&Dag> {
    match &node.kind {
        Kind::Dag(dag) | Kind::Race(dag) => vec![dag],
        Kind::Switch { cases } => cases.iter().map(|case| &case.steps).collect(),
        Kind::Try(Try { body, catch, .. }) => vec![body, catch],
        Kind::Await(what) => what.on_timeout.steps().into_iter().collect(),
        Kind::AwaitSignals(what) => what.on_timeout.steps().into_iter().collect(),
        Kind::AwaitEvent(what) => what.on_timeout.steps().into_iter().collect(),
        Kind::Approval(what) => what.on_timeout.steps().into_iter().collect(),
        Kind::ForEach(_)
        | Kind::Step(_)
        | Kind::Wait(_)
        | Kind::Set { .. }
        | Kind::Raise(_)
        | Kind::Child(_)
        | Kind::Emit(_) => vec![],
    }
}

fn look_at_cases(reader: &mut Reader, outline: &Outline, node: &Planned, cases: &[Case]) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, case) in cases.iter().enumerate() {
        let when = case.when.as_deref().map(str::trim);
        let why = match when.and_then(|when| seen.get(when)) {
            _ if when == Some("false") => "its condition never holds".to_owned(),
            _ if seen.contains_key("true") => format!("case {} always applies", seen["true"] + 1),
            Some(same) => format!("case {} has the same condition", same + 1),
            None => {
                seen.extend(when.map(|when| (when, place)));
                continue;
            }
        };
        let message = format!("case {} of `{}` never runs: {why}", place + 1, name(node));
        warn(reader, outline, &node.name, message);
    }
}

fn always_fails(node: &Planned) -> bool {
    let runs = node.when.is_none() || is(node.when.as_deref(), "true");
    matches!(node.kind, Kind::Raise(_)) && node.on_error == OnError::Fail && runs
}

fn is(when: Option<&str>, word: &str) -> bool {
    when.is_some_and(|when| when.trim() == word)
}

fn name(node: &Planned) -> String {
    shown(node.name.as_str())
}

fn warn(reader: &mut Reader, outline: &Outline, step: &Name, message: String) {
    if let Some(step) = outline.find(step.as_str()) {
        reader.warning(outline.steps[step].place, message).hint("remove it, or mend what keeps it from running");
    }
}
