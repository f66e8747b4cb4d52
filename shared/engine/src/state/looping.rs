//! A loop at work: how far it is, and what its items gave.
//!
//! Frames are kept for the items that are worked on, and for no others: a loop costs what its width costs, however long it is.

use sagaline_events::FramePath;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Run, State};
use crate::{compiled::NodeId, weight};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loop {
    pub items: Vec<Value>,
    /// What each item gave, in the order of the items; null for those that gave nothing yet.
    pub results: Vec<Value>,
    /// The first item that was not begun.
    pub next: u32,
    /// How many items are worked on.
    pub open: u32,
    /// How many may be, where that was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
}

impl Loop {
    pub(crate) fn over(items: Vec<Value>, at_once: Option<u32>) -> Self {
        let results = vec![Value::Null; items.len()];
        Self { items, results, next: 0, open: 0, at_once }
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many items are done.
    pub fn done(&self) -> usize {
        (self.next - self.open) as usize
    }

    pub(crate) fn weight(&self) -> usize {
        let list = |values: &[Value]| values.iter().map(|value| weight::of(value) + 1).sum::<usize>();
        list(&self.items) + list(&self.results)
    }
}

impl Run {
    fn looping(&mut self, path: &FramePath) -> Option<&mut Loop> {
        match &mut self.frames.get_mut(path)?.state {
            State::Looping(looping) => Some(looping),
            _ => None,
        }
    }

    /// Begins the next item, if fewer than so many are worked on (or than what was computed). Gives its number, from 0.
    pub(crate) fn next_item(&mut self, path: &FramePath, at_once: u32) -> Option<u32> {
        let looping = self.looping(path)?;
        if looping.at_once.unwrap_or(at_once) <= looping.open || looping.len() <= looping.next as usize {
            return None;
        }
        looping.next += 1;
        looping.open += 1;
        Some(looping.next - 1)
    }

    /// An item is done; its frames are not needed any more, but for how they ended. Nodes from `returned` on are in no plan. Gives how
    /// many are worked on still, and whether others are to come.
    pub(crate) fn item_done(&mut self, path: &FramePath, item: &FramePath, returned: NodeId) -> Option<(u32, bool)> {
        let result = match &self.frames.get(item)?.state {
            State::Completed { output, .. } => output.clone(),
            State::Failed { error, .. } => json!({ "error": error }),
            _ => Value::Null,
        };
        self.count_item(item, returned);
        self.forget_tree(item);
        self.index.weight = self.index.weight + weight::of(&result) - weight::of(&Value::Null);
        let looping = self.looping(path)?;
        looping.open -= 1;
        if let Some(place) = looping.results.get_mut((item.visit() - 1) as usize) {
            *place = result;
        }
        Some((looping.open, (looping.next as usize) < looping.len()))
    }

    /// What the items of a loop gave.
    pub(crate) fn take_results(&mut self, path: &FramePath) -> Vec<Value> {
        let Some(looping) = self.looping(path) else { return vec![] };
        let before = looping.weight();
        let results = std::mem::take(&mut looping.results);
        let after = looping.weight();
        self.index.weight -= before - after;
        results
    }
}
