//! Steps that return others: so many of those at once, and their outputs together are that of the whole.

use sagaline_events::{FramePath, Happening, input::StepExpanded};
use sagaline_model::StepError;
use serde_json::{Map, Value};

use super::Turn;
use crate::{
    compiled::{CompiledKind, NodeId},
    state::{Expanding, OpenDag, State},
    weight,
};

impl Turn<'_> {
    /// The activity returned steps; where they were taken up, or why not. Nowhere, if there are none.
    pub(crate) fn step_expanded(&mut self, said: &StepExpanded, taken_up: Result<Option<NodeId>, StepError>) {
        let (path, attempt) = (&said.path, said.attempt);
        let Some(id) = self.waiting_for(path, attempt) else { return };
        self.report(path, id, Some(taken_up.is_ok()));
        self.has_had_its_effect(path, id, &Value::Null);
        if self.has_given_up(path, id, attempt) {
            return;
        }
        if let Some(error) = self.beside_only_runs(path, "return steps") {
            return self.fail(path, id, attempt, error);
        }
        let base = match taken_up {
            Ok(base) => base,
            Err(error) => return self.fail(path, id, attempt, error),
        };
        let graft = base.and_then(|base| self.plan.graft(base));
        let steps = graft.map_or(0, |graft| graft.compiled().root.children.len());
        self.tell(Happening::StepExpanded { step: path.clone(), attempt, steps });
        let Some(graft) = graft else { return self.complete(path, id, attempt, Value::Object(Map::new())) };
        let dag = &graft.compiled().root;
        let free = (0_u32..).zip(&dag.needs).filter(|(_, needs)| **needs == 0).map(|(place, _)| place);
        let expanding = Expanding {
            attempt,
            base: graft.base(),
            steps_weight: weight::of(&said.steps),
            dag: OpenDag::of(dag),
            results: Map::new(),
            waiting: free.collect(),
            at_work: 0,
        };
        self.run.set(path, id, State::Expanding(Box::new(expanding)), self.at);
        self.begin_expanded(path, id, graft.base());
    }

    /// Begins as many of the steps as may be worked on at once.
    fn begin_expanded(&mut self, path: &FramePath, id: NodeId, base: NodeId) {
        let CompiledKind::Step { step, .. } = &self.plan.node(id).kind else { return };
        let at_once = step.expand.as_ref().map_or(1, |expand| expand.concurrency.max(1));
        let Some(graft) = self.plan.graft(base) else { return };
        let children = &graft.compiled().root.children;
        while let Some(place) = self.run.next_expanded(path, at_once) {
            let child = children[place as usize];
            self.ready.push_back((path.child(&self.plan.node(child).name), child));
        }
    }

    /// One of the steps is done: another takes its place, or the whole is done with the last.
    pub(super) fn expanded_done(&mut self, outer: &FramePath, outer_id: NodeId, path: &FramePath, id: NodeId) {
        let Some(base) = self.run.expanding(outer).map(|expanding| expanding.base) else { return };
        let Some(graft) = self.plan.graft(base) else { return };
        let place = self.plan.node(id).index;
        match self.run.expanded_done(outer, path, place, &graft.compiled().root) {
            Some(true) => {
                let Some((attempt, results)) = self.run.take_expanded(outer) else { return };
                self.complete(outer, outer_id, attempt, Value::Object(results));
            }
            Some(false) => self.begin_expanded(outer, outer_id, base),
            None => {}
        }
    }
}
