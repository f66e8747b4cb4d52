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
mod expand;
mod handlers;
mod loops;
mod pause;
mod rounds;
mod shared;
mod signals;
mod unwind;
mod updates;

pub(crate) use attempts::queue_of;

use std::collections::VecDeque;

use sagaline_events::{FramePath, Happening, Parent};
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
}

impl<'p> Turn<'p> {
    pub(crate) fn new(id: ExecutionId, run: Box<Run>, plan: Nodes<'p>, at: Moment) -> Self {
        Self { id, run, plan, at, effects: vec![], ready: VecDeque::new(), over: None }
    }

    pub(crate) fn id(&self) -> &ExecutionId {
        &self.id
    }

    /// Whether it is known already how the execution ends.
    pub(crate) fn is_ending(&self) -> bool {
        self.run.ending.is_some()
    }

    pub(crate) fn parent(&self) -> Option<&Parent> {
        self.run.parent.as_ref()
    }

    pub(crate) fn tell(&mut self, happening: Happening) {
        self.effects.push(Effect::Tell(happening));
    }

    /// Enters whatever became ready, until nothing is; then says what the execution is now.
    pub(crate) fn finish(mut self) -> (Stage, Vec<Effect>) {
        while self.over.is_none() {
            self.hold_what_is_ready();
            match self.ready.pop_front() {
                Some((path, node)) => self.enter(&path, node),
                None if self.give_a_slot() => {}
                None => break,
            }
        }
        let weight = self.run.index.weight;
        if self.over.is_none() && weight > weight::HEAVIEST {
            let error = advance::too_heavy("the data of the execution has", weight, weight::HEAVIEST);
            // There is no room for what would handle it.
            self.cancel_all();
            self.over_with(Outcome::Failed { error, step: None, attempts: None });
        }
        match self.over.take() {
            Some(outcome) => {
                self.bury(&outcome);
                let steps = step_views(&self.run, self.plan);
                let queries = last_words(&self.id, &self.run, self.plan);
                let over = Over { queries, ..Over::of(&self.run, steps, outcome, self.at) };
                self.effects.extend(over.tell_parent(&self.id));
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
