//! One turn: everything that follows from one input, until nothing more follows.

mod advance;
mod answers;
mod approvals;
mod attempts;
mod beside;
mod blocks;
mod children;
mod cleanup;
mod computed;
mod conduct;
mod delay;
mod emit;
mod events;
mod expand;
mod gates;
mod handlers;
mod jobs;
mod later;
mod loops;
mod pause;
mod rounds;
mod settle;
mod shared;
mod signals;
mod undo;
mod unique;
mod unwind;
mod updates;

pub(crate) use attempts::queue_of;

use std::collections::VecDeque;

use sagaline_events::{FramePath, Parent, UndoStep, input::Scheduled};
use sagaline_model::{ExecutionId, Moment};

use crate::{
    apply::park,
    compiled::NodeId,
    data::Data,
    effect::Effect,
    exchange::last_words,
    nodes::Nodes,
    resumption,
    state::{Outcome, Over, Run, Stage},
    undo_order,
    view::step_views,
    weight,
};

/// A turn of an execution that runs.
pub(crate) struct Turn<'p> {
    id: ExecutionId,
    run: Box<Run>,
    plan: Nodes<'p>,
    at: Moment,
    pub(crate) effects: Vec<Effect>,
    /// Frames whose needs are satisfied, not entered yet. A queue rather than recursion: a chain may be long.
    ready: VecDeque<(FramePath, NodeId)>,
    over: Option<Outcome>,
    /// Whether what a child did is undone that is given up now.
    rolls_back: bool,
}

impl<'p> Turn<'p> {
    pub(crate) fn new(id: ExecutionId, run: Box<Run>, plan: Nodes<'p>, at: Moment) -> Self {
        Self { id, run, plan, at, effects: vec![], ready: VecDeque::new(), over: None, rolls_back: true }
    }

    pub(crate) fn id(&self) -> &ExecutionId {
        &self.id
    }

    /// Whether it is known already how the execution ends.
    pub(crate) fn is_ending(&self) -> bool {
        self.run.ending.is_some()
    }

    pub(crate) fn schedule(&self) -> Option<&Scheduled> {
        self.run.schedule.as_deref()
    }

    pub(crate) fn parent(&self) -> Option<&Parent> {
        self.run.parent.as_ref()
    }

    /// Enters whatever became ready, until nothing is; then says what the execution is now.
    pub(crate) fn finish(mut self) -> (Stage, Vec<Effect>) {
        loop {
            while self.over.is_none() {
                self.hold_what_is_ready();
                match self.ready.pop_front() {
                    Some((path, node)) => self.enter(&path, node),
                    None if self.give_a_slot() => {}
                    None => break,
                }
            }
            let weight = self.run.index.weight;
            if self.over.is_some() || self.run.is_undoing() || weight <= weight::HEAVIEST {
                break;
            }
            self.outgrown(weight);
        }
        self.fold_expansions();
        match self.over.take() {
            Some(outcome) => {
                self.bury(&outcome);
                let steps = step_views(&self.run, self.plan, Some(&outcome));
                let undo = self.left_to_parent(&outcome);
                let queries = last_words(&self.id, &self.run, self.plan);
                let over = Over { queries, undo, ..Over::of(&self.run, steps, outcome, self.at) };
                self.effects.extend(over.tell_who_waits(&self.id));
                (Stage::Over(Box::new(over)), self.effects)
            }
            None if self.run.hangs() => {
                let (stage, told) =
                    park(self.run, "nothing is in flight for it, so it could never end".to_owned(), self.at);
                self.effects.extend(told);
                (stage, self.effects)
            }
            None => (Stage::Running(self.run), self.effects),
        }
    }

    /// There is no room for what would handle this end; what is left of it is undone all the same.
    fn outgrown(&mut self, weight: usize) {
        let error = advance::too_heavy("the data of the execution has", weight, weight::HEAVIEST);
        let failed = Outcome::Failed { error, step: None, attempts: None };
        self.cancel_all();
        self.ready.clear();
        self.run.end_cleanup();
        match self.run.ending.take() {
            Some(undone @ Outcome::RolledBack { .. }) => self.over_with(undone),
            Some(_) => self.over_with(failed),
            None => {
                let has_something = !self.run.undo.list.is_empty();
                if has_something {
                    self.run.lighten();
                }
                if !self.is_undone(&failed, false) {
                    self.over_with(failed);
                }
            }
        }
    }

    /// What its parent may undo of it.
    fn left_to_parent(&self, outcome: &Outcome) -> Vec<UndoStep> {
        let is_told = matches!(outcome, Outcome::Completed { .. }) && !self.run.undo.list.is_empty();
        if is_told && self.run.parent.as_ref().is_some_and(|parent| parent.waits) {
            return undo_order::of_all(&self.run.undo, self.plan);
        }
        vec![]
    }

    /// What failed is kept, if the definition wants that.
    fn bury(&mut self, outcome: &Outcome) {
        let Some(letters) = &self.plan.plan.conduct.dead_letter else { return };
        let letter = resumption::letter(&self.id, &self.run, self.plan, outcome, self.at);
        self.effects.extend(letter.map(|letter| Effect::Bury { letter: Box::new(letter), ttl: letters.ttl }));
    }

    /// What expressions see that belong to the whole execution.
    fn data(&self) -> Data<'_> {
        Data::new(&self.id, &self.run, self.plan)
    }

    /// What the expressions of this frame see.
    fn data_at<'a>(&'a self, path: &'a FramePath) -> Data<'a> {
        self.data().at(path.as_str())
    }
}
