//! The steps inside of a loop, each once: how it stands in the newest item, in all that are worked on, and in those that are done.

use std::collections::BTreeMap;

use sagaline_events::{
    FramePath,
    path::visit_of,
    record::{InsideView, StepStatus},
};

use super::{items, step_status};
use crate::{
    compiled::{CompiledKind, CompiledNode},
    nodes::Nodes,
    state::{Ended, Frame, Run, State, Tally, item_of},
};

/// Nothing, unless the node is a loop that is inside of no other.
pub(super) fn views(run: &Run, plan: Nodes<'_>, node: &CompiledNode) -> Vec<InsideView> {
    let Some(frame) = run.frames.get(&node.path) else { return vec![] };
    if node.looped || !matches!(node.kind, CompiledKind::ForEach { .. }) {
        return vec![];
    }
    // Steps that steps returned are not in the plan.
    let known = |frame: &Frame| (frame.node as usize) < plan.nodes.len();
    let frames = run.frames_below(Some(&node.path)).filter(|(_, frame)| known(frame));
    let frames: Vec<(&FramePath, &Frame)> = frames.collect();
    let tally = run.tallies.get(&node.path);
    match &frame.state {
        State::Looping(_) => at_work(&node.path, &frames, tally, plan),
        _ => over(&node.path, &frames, tally, plan),
    }
}

fn at_work(
    path: &FramePath,
    frames: &[(&FramePath, &Frame)],
    tally: Option<&Tally>,
    plan: Nodes<'_>,
) -> Vec<InsideView> {
    let newest = frames.iter().map(|(inner, _)| item_of(path, inner)).max().unwrap_or(0);
    let mut views: BTreeMap<usize, (Vec<u32>, InsideView)> = BTreeMap::new();
    let pending = |id: usize| (vec![], blank(&plan.nodes[id], newest));
    for (inner, frame) in frames {
        let (id, status) = (frame.node as usize, step_status(Some(frame)));
        let entry = views.entry(id).or_insert_with(|| pending(id));
        *entry.1.statuses.entry(status).or_default() += 1;
        let visits = visits(path, inner);
        if visits.first() == Some(&newest) && entry.0 <= visits {
            let view = &mut entry.1;
            (view.status, view.attempt, view.items) = (status, frame.state.attempt(), items(frame));
            entry.0 = visits;
        }
    }
    for (node, ended) in tally.into_iter().flat_map(Tally::steps) {
        let (_, view) = views.entry(node as usize).or_insert_with(|| pending(node as usize));
        (view.ended, view.failed) = (ended.statuses.clone(), ended.failed.clone());
    }
    views.into_values().map(|(_, view)| view).collect()
}

/// Nothing is worked on any more: the frames that are left are those of items that failed, or were given up.
fn over(path: &FramePath, frames: &[(&FramePath, &Frame)], tally: Option<&Tally>, plan: Nodes<'_>) -> Vec<InsideView> {
    // Without it, what was done before is not known, and what is left is only a part.
    let Some(mut tally) = tally.cloned() else { return vec![] };
    for (inner, frame) in frames {
        tally.add(frame.node, step_status(Some(frame)), item_of(path, inner));
    }
    let view = |(node, ended): (u32, &Ended)| InsideView {
        status: of_all(&ended.statuses),
        ended: ended.statuses.clone(),
        failed: ended.failed.clone(),
        ..blank(&plan.nodes[node as usize], 0)
    };
    tally.steps().map(view).collect()
}

/// One word for all: what went wrong anywhere, else what most of them came to.
fn of_all(statuses: &BTreeMap<StepStatus, usize>) -> StepStatus {
    let bad = [StepStatus::Failed, StepStatus::TimedOut].into_iter().find(|status| statuses.contains_key(status));
    let most = statuses.iter().max_by_key(|(_, count)| **count).map(|(status, _)| *status);
    bad.or(most).unwrap_or(StepStatus::Pending)
}

fn blank(node: &CompiledNode, item: u32) -> InsideView {
    InsideView {
        step: node.path.to_string(),
        item,
        status: StepStatus::Pending,
        attempt: 0,
        items: None,
        statuses: BTreeMap::new(),
        ended: BTreeMap::new(),
        failed: vec![],
    }
}

/// Which visit of each node on the way from the loop to the frame it is: the first is the item.
fn visits(outer: &FramePath, inner: &FramePath) -> Vec<u32> {
    let rest = inner.as_str().get(outer.as_str().len() + 1..).unwrap_or_default();
    rest.split('/').map(visit_of).collect()
}
