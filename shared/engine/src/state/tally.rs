//! How what a loop did for its items ended, counted: the frames of an item are gone when it is done.
//!
//! It decides nothing. It costs what the plan has steps inside of the loop, however many items there are.

use std::collections::BTreeMap;

use sagaline_events::{FramePath, path::visit_of, record::StepStatus};
use serde::{Deserialize, Serialize};

use super::Run;
use crate::{compiled::NodeId, view::step_status};

/// Of the items in which a step failed so many are named, the first of them: who looks after more looks at the history.
const NAMED_MAX: usize = 10;

/// The items of one loop that is inside of no other. What loops inside of it did is counted with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally(BTreeMap<NodeId, Ended>);

/// How a step inside ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    pub statuses: BTreeMap<StepStatus, usize>,
    /// In which items it failed, the first of a list being 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<u32>,
}

impl Tally {
    pub(crate) fn add(&mut self, node: NodeId, status: StepStatus, item: u32) {
        let ended = self.0.entry(node).or_default();
        *ended.statuses.entry(status).or_default() += 1;
        let has_failed = matches!(status, StepStatus::Failed | StepStatus::TimedOut);
        if has_failed && ended.failed.len() < NAMED_MAX && !ended.failed.contains(&item) {
            ended.failed.push(item);
        }
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = (NodeId, &Ended)> {
        self.0.iter().map(|(node, ended)| (*node, ended))
    }
}

impl Run {
    /// A loop begins that is inside of no other. One that began before there were tallies has none, and never a part of one.
    pub(crate) fn begin_tally(&mut self, of: &FramePath) {
        self.tallies.insert(of.clone(), Tally::default());
    }

    /// Counts the frames of an item that is done. Nodes from `returned` on were returned by a step, and are in no plan.
    pub(super) fn count_item(&mut self, item: &FramePath, returned: NodeId) {
        let Some((outer, number)) = self.tallied(item) else { return };
        let own = self.frames.get(item).into_iter();
        let frames = own.chain(self.frames_below(Some(item)).map(|(_, frame)| frame));
        let frames = frames.filter(|frame| frame.node < returned);
        let ended: Vec<_> = frames.map(|frame| (frame.node, step_status(Some(frame)))).collect();
        if let Some(tally) = self.tallies.get_mut(&outer) {
            ended.into_iter().for_each(|(node, status)| tally.add(node, status, number));
        }
    }

    /// The loop with a tally around a frame, and of which of its items that is.
    fn tallied(&self, inner: &FramePath) -> Option<(FramePath, u32)> {
        let mut around = inner.parent();
        while let Some(outer) = around {
            if self.tallies.contains_key(&outer) {
                let number = item(&outer, inner);
                return Some((outer, number));
            }
            around = outer.parent();
        }
        None
    }
}

/// The number of the item of the loop at `outer` that a frame in it is about.
pub(crate) fn item(outer: &FramePath, inner: &FramePath) -> u32 {
    let rest = inner.as_str().get(outer.as_str().len() + 1..).unwrap_or_default();
    rest.split('/').next().map_or(1, visit_of)
}
