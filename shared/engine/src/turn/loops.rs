//! Loops: the same for every item of a list, so many at once, with the results in the order of the items.

use sagaline_events::{FramePath, Happening};
use sagaline_expr::Template;
use sagaline_model::StepError;
use serde_json::Value;

use super::Turn;
use crate::{
    compiled::{CompiledKind, CountSource, NodeId},
    state::{Loop, State},
};

/// The most items that one loop takes: each leaves its result in the state.
const ITEMS_MAX: usize = 100_000;

impl Turn<'_> {
    pub(super) fn begin_loop(
        &mut self,
        path: &FramePath,
        id: NodeId,
        items: &Template,
        concurrency: &CountSource,
    ) -> Result<(), StepError> {
        let items = match self.render(path, items)? {
            Value::Array(items) => items,
            // What is not there has no items.
            Value::Null => vec![],
            other => {
                let message = format!("`items` gave {}, which is no list", kind_of(&other));
                return Err(StepError::new(StepError::EXPRESSION, message).final_());
            }
        };
        if items.len() > ITEMS_MAX {
            let message = format!("`items` gave {} items; a loop takes {ITEMS_MAX} at most", items.len());
            return Err(StepError::new(StepError::TOO_LARGE, message).final_());
        }
        let at_once = match concurrency {
            CountSource::Fixed(_) => None,
            CountSource::Expression(_) => Some(self.count("concurrency", concurrency, self.data_at(path))?),
        };
        if at_once == Some(1) && self.plan.plan.can_be_undone() {
            self.run.note_strict(path);
        }
        let is_empty = items.is_empty();
        self.run.set(path, id, State::Looping(Loop::over(items, at_once)), self.at);
        if !self.plan.node(id).looped && (id as usize) < self.plan.nodes.len() {
            self.run.begin_tally(path);
        }
        self.tell(Happening::StepStarted { step: path.clone(), attempt: 0, worker: None });
        if is_empty {
            self.complete(path, id, 0, Value::Array(vec![]));
        } else {
            self.begin_items(path, id);
        }
        Ok(())
    }

    /// Begins as many items as may be worked on at once.
    fn begin_items(&mut self, path: &FramePath, id: NodeId) {
        let CompiledKind::ForEach { concurrency, body, .. } = &self.plan.node(id).kind else { return };
        let name = &self.plan.node(*body).name;
        let at_once = match concurrency {
            CountSource::Fixed(count) => *count,
            // What it gave is noted with the loop.
            CountSource::Expression(_) => 1,
        };
        while let Some(item) = self.run.next_item(path, at_once) {
            self.ready.push_back((path.child_visit(name, item + 1), *body));
        }
    }

    /// An item is done: another takes its place, or the loop is done with the last.
    pub(super) fn item_done(&mut self, path: &FramePath, id: NodeId, item: &FramePath) {
        let returned = NodeId::try_from(self.plan.nodes.len()).unwrap_or(NodeId::MAX);
        match self.run.item_done(path, item, returned) {
            Some((0, false)) => {
                let results = self.run.take_results(path);
                self.complete(path, id, 0, Value::Array(results));
            }
            Some(_) => self.begin_items(path, id),
            None => {}
        }
    }
}

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
