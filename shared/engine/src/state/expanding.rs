//! A step that returned others, at work on them.
//!
//! Frames are kept for those that are worked on, were skipped or failed. Of one that completed only the output stays, as a part of
//! the output of the whole: so an expansion costs what its steps and their outputs weigh, however many there are.

use std::collections::VecDeque;

use sagaline_events::FramePath;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{OpenDag, Run, State};
use crate::{
    compiled::{CompiledDag, NodeId},
    weight,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expanding {
    /// The attempt that returned them.
    pub attempt: u32,
    /// Where the ids of the steps begin.
    pub base: NodeId,
    /// About how many bytes the steps take.
    pub steps_weight: usize,
    pub dag: OpenDag,
    /// What those gave that completed, or failed in a way that lets the others go on.
    pub results: Map<String, Value>,
    /// Those that need nothing any more and were not begun, by their places.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub waiting: VecDeque<u32>,
    /// How many are worked on.
    pub at_work: u32,
}

/// What a place among the steps may take in a snapshot: its needs, and its turn.
const PLACE: usize = 12;

impl Expanding {
    pub fn len(&self) -> usize {
        self.dag.unmet.len()
    }

    pub fn is_empty(&self) -> bool {
        self.dag.unmet.is_empty()
    }

    /// How many are done.
    pub fn done(&self) -> usize {
        self.len() - self.dag.open as usize
    }

    pub(crate) fn weight(&self) -> usize {
        self.steps_weight + self.len() * PLACE + self.dag.any.len() * 4 + weight::of_map(&self.results)
    }
}

impl Run {
    pub(crate) fn expanding(&mut self, path: &FramePath) -> Option<&mut Expanding> {
        match &mut self.frames.get_mut(path)?.state {
            State::Expanding(expanding) => Some(expanding),
            _ => None,
        }
    }

    /// Begins the next step, if fewer than so many are worked on. Gives its place.
    pub(crate) fn next_expanded(&mut self, path: &FramePath, at_once: u32) -> Option<u32> {
        let expanding = self.expanding(path).filter(|it| it.at_work < at_once)?;
        let place = expanding.waiting.pop_front()?;
        expanding.at_work += 1;
        Some(place)
    }

    /// A step of an expansion is done; those that only waited for it wait for their turn. Gives whether it was the last.
    pub(crate) fn expanded_done(
        &mut self,
        outer: &FramePath,
        inner: &FramePath,
        place: u32,
        dag: &CompiledDag,
    ) -> Option<bool> {
        let (result, completed) = match &self.frames.get(inner)?.state {
            State::Completed { output, .. } => (Some(output.clone()), true),
            State::Failed { error, .. } => (Some(json!({ "error": error })), false),
            _ => (None, false),
        };
        if completed {
            self.forget_tree(inner);
        }
        let added = result.as_ref().map_or(0, |result| weight::of_pair(inner.step(), result));
        let expanding = self.expanding(outer)?;
        expanding.at_work -= 1;
        if let Some(result) = result {
            expanding.results.insert(inner.step().to_owned(), result);
        }
        let free = expanding.dag.child_done(dag, place, completed);
        expanding.waiting.extend(free);
        let is_last = expanding.dag.open == 0;
        self.index.weight += added;
        Some(is_last)
    }

    /// What the steps of an expansion gave, and the attempt that returned them.
    pub(crate) fn take_expanded(&mut self, path: &FramePath) -> Option<(u32, Map<String, Value>)> {
        let expanding = self.expanding(path)?;
        let (attempt, results) = (expanding.attempt, std::mem::take(&mut expanding.results));
        self.index.weight -= weight::of_map(&results);
        Some((attempt, results))
    }
}
