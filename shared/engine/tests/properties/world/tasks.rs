//! Workers: what they answer about tasks that are waited for, and about others.

use sagaline_engine::{Stage, compiled::CompiledKind, state::State};
use sagaline_events::{
    FramePath, Input,
    input::{
        OnLate, StepAwaits, StepExpanded, StepFailed, StepSkipped, StepSnoozed, StepStarted, StepSucceeded,
        TaskDiscarded,
    },
};
use sagaline_model::{Span, StepError};
use serde_json::{Value, json};

use super::World;
use crate::{expansions, plans::name};

impl World<'_> {
    /// A task that the execution waits for.
    pub(super) fn waited_for(&mut self) -> Option<(FramePath, u32)> {
        let Stage::Running(run) = &self.execution.stage else { return None };
        let tasks: Vec<_> = run
            .frames
            .iter()
            .filter_map(|(path, frame)| match &frame.state {
                State::Dispatched(task) => Some((path.clone(), task.attempt)),
                _ => None,
            })
            .collect();
        (!tasks.is_empty()).then(|| self.choices.one_of(&tasks))
    }

    pub(super) fn answer(&mut self, (path, attempt): (FramePath, u32)) -> Input {
        let worker = Some("worker-1".to_owned());
        // Now and then its turn is over when it comes to a worker.
        let late = self.has_a_turn(&path) && self.choices.chance(70);
        if late {
            let (delay, reason) = (Span::ZERO, String::new());
            return Input::StepSnoozed(StepSnoozed { path, attempt, delay, reason, worker, late });
        }
        let expanded = if self.expands(&path) { 50 } else { 1 };
        let answers =
            [(10, "ok"), (5, "failed"), (2, "skipped"), (4, "snoozed"), (2, "awaits"), (expanded, "expanded")];
        match self.choices.weighted(&answers) {
            "expanded" => {
                let steps = expansions::steps(&mut self.choices);
                Input::StepExpanded(StepExpanded { path, attempt, steps, worker })
            }
            "failed" => {
                let kind = self.choices.one_of(&["Busy", "Broken", StepError::TIMEOUT, StepError::TIMEOUT]);
                let error = StepError::new(kind, "no luck");
                let error = if self.choices.chance(15) { error.final_() } else { error };
                Input::StepFailed(StepFailed { path, attempt, error, worker })
            }
            "snoozed" => {
                let delay = Span::from_millis(self.choices.one_of(&[500, 0, 3000, 90_000]));
                Input::StepSnoozed(StepSnoozed {
                    path,
                    attempt,
                    delay,
                    reason: "not yet".to_owned(),
                    worker,
                    late: false,
                })
            }
            "awaits" => Input::StepAwaits(StepAwaits {
                path,
                attempt,
                approvers: self.choices.one_of(&[vec![], vec!["ann".to_owned()]]),
                timeout: self.choices.chance(50).then(|| Span::from_secs(3)),
                on_timeout: self.choices.one_of(&[OnLate::Fail, OnLate::Skip]),
                worker,
            }),
            "skipped" => Input::StepSkipped(StepSkipped { path, attempt, reason: "nothing to do".to_owned(), worker }),
            _ => {
                let output = match self.choices.below(6) {
                    5 => json!({"$ref": {"bucket": "payloads", "key": "k"}}),
                    4 => json!([0.1, {"deep": [[[]]]}]),
                    3 => json!({"n": 0.1, path.step(): true}),
                    2 => json!({"n": self.choices.below(5)}),
                    _ => Value::Null,
                };
                let claimed = self.claims.contains(&path);
                Input::StepSucceeded(StepSucceeded { path, attempt, output, worker, claimed })
            }
        }
    }

    /// Whether further steps may be returned for it; those of one that was no step are refused.
    fn expands(&mut self, path: &FramePath) -> bool {
        let Stage::Running(run) = &self.execution.stage else { return false };
        let Some(frame) = run.frames.get(path) else { return false };
        match &self.execution.nodes(self.plan).node(frame.node).kind {
            CompiledKind::Step { step, .. } => step.expand.is_some(),
            _ => false,
        }
    }

    /// Whether it may begin only until its turn is over.
    fn has_a_turn(&self, path: &FramePath) -> bool {
        let Stage::Running(run) = &self.execution.stage else { return false };
        let state = run.frames.get(path).map(|frame| &frame.state);
        matches!(state, Some(State::Dispatched(task)) if task.begin_by.is_some())
    }

    pub(super) fn began(&mut self, (path, attempt): (FramePath, u32)) -> Input {
        Input::StepStarted(StepStarted { path, attempt, worker: Some("worker-1".to_owned()) })
    }

    /// An answer about some task: done, given up, not handed out yet, or of a step that is none.
    pub(super) fn any_answer(&mut self) -> Input {
        let (path, attempt) = match self.choices.below(6) {
            5 => (FramePath::root(&name("nobody")), 1),
            4 => {
                let node = self.choices.below(self.plan.nodes.len());
                (self.plan.nodes[node].path.clone(), self.choices.below(3) as u32)
            }
            _ if self.tasks.is_empty() => (FramePath::root(&name("n0")), 2),
            _ => self.choices.one_of(&self.tasks),
        };
        match self.choices.below(4) {
            3 => Input::TaskDiscarded(TaskDiscarded { path, attempt }),
            2 => self.began((path, attempt)),
            _ => self.answer((path, attempt)),
        }
    }
}
