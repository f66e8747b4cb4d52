//! The steps inside of a loop, each once: how it stands in the newest item, and in all that are worked on.

use std::{collections::BTreeMap, ops::Bound};

use sagaline_events::{
    FramePath,
    path::visit_of,
    record::{InsideView, StepStatus},
};

use super::{items, step_status};
use crate::{
    compiled::CompiledNode,
    nodes::Nodes,
    state::{Frame, Run, State},
};

/// Nothing, unless the node is a loop at work that is inside of no other.
pub(super) fn views(run: &Run, plan: Nodes<'_>, node: &CompiledNode) -> Vec<InsideView> {
    let is_at_work = matches!(run.frames.get(&node.path).map(|frame| &frame.state), Some(State::Looping(_)));
    if !is_at_work || node.looped {
        return vec![];
    }
    // Steps that steps returned are not in the plan.
    let known = |frame: &Frame| (frame.node as usize) < plan.nodes.len();
    let frames: Vec<(&FramePath, &Frame)> = below(run, &node.path).filter(|(_, frame)| known(frame)).collect();
    let Some(newest) = frames.iter().map(|(path, _)| item(&node.path, path)).max() else { return vec![] };
    let mut views: BTreeMap<usize, (Vec<u32>, InsideView)> = BTreeMap::new();
    for (path, frame) in frames {
        let (id, status) = (frame.node as usize, step_status(Some(frame)));
        let (_, view) = views.entry(id).or_insert_with(|| (vec![], pending(&plan.nodes[id], newest)));
        *view.statuses.entry(status).or_default() += 1;
        let visits = visits(&node.path, path);
        let entry = views.get_mut(&id).expect("it is there by now");
        if visits.first() == Some(&newest) && entry.0 <= visits {
            let view = &mut entry.1;
            (view.status, view.attempt, view.items) = (status, frame.state.attempt(), items(frame));
            entry.0 = visits;
        }
    }
    views.into_values().map(|(_, view)| view).collect()
}

fn pending(node: &CompiledNode, item: u32) -> InsideView {
    let (step, status) = (node.path.to_string(), StepStatus::Pending);
    InsideView { step, item, status, attempt: 0, items: None, statuses: BTreeMap::new() }
}

fn below<'a>(run: &'a Run, path: &FramePath) -> impl Iterator<Item = (&'a FramePath, &'a Frame)> {
    let prefix = format!("{path}/");
    let behind = run.frames.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
    behind.take_while(move |(inner, _)| inner.as_str().starts_with(&prefix))
}

/// The number of the item that a frame in the loop is about.
fn item(outer: &FramePath, inner: &FramePath) -> u32 {
    visits(outer, inner).first().copied().unwrap_or(1)
}

/// Which visit of each node on the way from the loop to the frame it is: the first is the item.
fn visits(outer: &FramePath, inner: &FramePath) -> Vec<u32> {
    let rest = inner.as_str().get(outer.as_str().len() + 1..).unwrap_or_default();
    rest.split('/').map(visit_of).collect()
}
