//! Nodes that hold others: which of them are at work, and what becomes of the whole.

use sagaline_events::{FramePath, Happening};
use sagaline_expr::Expression;
use sagaline_model::{OnError, StepError};
use serde_json::Map;

use super::{Turn, advance::expression_error};
use crate::{
    compiled::{CATCH, CompiledDag, CompiledKind, NodeId},
    state::{OpenDag, State},
};

impl Turn<'_> {
    /// Begins with the steps of one of a node's dags.
    pub(super) fn open_block(&mut self, path: &FramePath, id: NodeId, branch: u32, caught: Option<StepError>) {
        let dag = OpenDag::of(self.plan.dag_of(Some(id), branch));
        let is_begin = caught.is_none();
        let merged = match is_begin {
            true => Map::new(),
            // What the steps that failed had returned before stays.
            false => self.run.take_merged(path).unwrap_or_default(),
        };
        self.run.set(path, id, State::Open { branch, dag, merged, caught }, self.at);
        if is_begin {
            self.tell(Happening::StepStarted { step: path.clone(), attempt: 0, worker: None });
        }
        self.open(Some(path), Some(id), branch);
    }

    /// Begins with the first case whose condition holds.
    pub(super) fn choose(
        &mut self,
        path: &FramePath,
        id: NodeId,
        cases: &[(Option<Expression>, CompiledDag)],
    ) -> Result<(), StepError> {
        for (branch, (when, _)) in (0_u32..).zip(cases) {
            let holds = when.as_ref().map_or(Ok(true), |when| when.condition(&self.data_at(path)));
            if holds.map_err(|fault| expression_error(&fault))? {
                self.open_block(path, id, branch, None);
                return Ok(());
            }
        }
        self.skip(path, id, 0, "no case of it applies".to_owned());
        Ok(())
    }

    /// One that runs in a race completed, and has won; or is out of it in a way that is no failure.
    pub(super) fn runner_done(&mut self, race: &FramePath, race_id: NodeId, runner: &FramePath) {
        let won = match self.run.frames.get(runner).map(|frame| &frame.state) {
            Some(State::Completed { output, .. }) => Some(output.clone()),
            Some(_) | None => None,
        };
        match won {
            Some(output) => {
                self.cancel_below(Some(race));
                self.complete(race, race_id, 0, output);
            }
            None => {
                let Some(open) = self.open_dag(Some(race)) else { return };
                open.open -= 1;
                if open.open == 0 {
                    self.nobody_won(race, race_id);
                }
            }
        }
    }

    /// Nobody is left in the race: it failed if one that ran in it did.
    fn nobody_won(&mut self, race: &FramePath, race_id: NodeId) {
        let failed = self.run.frames_below(Some(race)).find_map(|(path, frame)| match &frame.state {
            State::Failed { error, .. } if self.is_failure_of(race, path, frame.node) => Some(error.clone()),
            _ => None,
        });
        match failed {
            Some(error) => self.fail(race, race_id, 0, error),
            None => self.skip(race, race_id, 0, "none of those that ran completed".to_owned()),
        }
    }

    fn is_failure_of(&self, race: &FramePath, runner: &FramePath, id: NodeId) -> bool {
        runner.parent().as_ref() == Some(race) && self.plan.node(id).on_error == OnError::Fail
    }

    /// Whether the failure of a node stays within what holds it: others still run in its race, or a `catch` takes over.
    pub(super) fn is_contained(&mut self, outer: &FramePath, outer_id: NodeId, error: &StepError) -> bool {
        match &self.plan.node(outer_id).kind {
            CompiledKind::Race(_) => {
                let Some(open) = self.open_dag(Some(outer)) else { return false };
                open.open -= 1;
                open.open > 0
            }
            CompiledKind::Try { errors, .. } => {
                let is_body = matches!(
                    self.run.frames.get(outer).map(|frame| &frame.state),
                    Some(State::Open { caught: None, .. })
                );
                if !is_body || !(errors.is_empty() || errors.contains(&error.kind)) {
                    return false;
                }
                self.cancel_below(Some(outer));
                self.open_block(outer, outer_id, CATCH, Some(error.clone()));
                true
            }
            _ => false,
        }
    }
}
