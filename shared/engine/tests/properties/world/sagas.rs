//! What is undone, and what its saga says about that.

use sagaline_engine::{Stage, state::Phase};
use sagaline_events::{
    FramePath, Input, SagaNews, SagaStatus, UndoStep,
    saga::{UndoAction, UndoOutcome},
};
use sagaline_model::{Compensation, StepError};
use serde_json::Value;

use super::World;
use crate::plans::name;

impl World<'_> {
    /// It is over in the end, though it may be lost or stuck before.
    pub(super) fn kindly_undone(&self) -> Option<SagaNews> {
        let Stage::Running(run) = &self.execution.stage else { return None };
        let Some(Phase::Asked(asked)) = run.undo.undoing.as_deref().map(|undoing| &undoing.phase) else { return None };
        let is_new = asked.status.is_none() && asked.times == 1;
        Some(match self.log.len() % 7 {
            0 | 1 if is_new => news(None),
            2..=5 if is_new => stuck(),
            _ => news(Some(SagaStatus::Completed)),
        })
    }

    pub(super) fn has_effects(&self) -> bool {
        matches!(&self.execution.stage, Stage::Running(run) if !run.undo.list.is_empty())
    }

    fn is_asked(&self) -> bool {
        let Stage::Running(run) = &self.execution.stage else { return false };
        matches!(run.undo.undoing.as_deref().map(|undoing| &undoing.phase), Some(Phase::Asked(_)))
    }

    /// What its saga says, if it was asked for; or about nothing.
    pub(super) fn saga(&mut self) -> Option<Input> {
        if !self.is_asked() && !self.choices.chance(20) {
            return None;
        }
        let statuses = [
            Some(SagaStatus::Running),
            Some(SagaStatus::Stuck),
            None,
            Some(SagaStatus::Completed),
            Some(SagaStatus::Resolved),
            Some(SagaStatus::Unknown),
        ];
        let status = self.choices.one_of(&statuses);
        Some(Input::SagaNews(if status == Some(SagaStatus::Stuck) { stuck() } else { news(status) }))
    }
}

fn news(status: Option<SagaStatus>) -> SagaNews {
    SagaNews { status, stuck: vec![], compensated: vec![], skipped: vec![], by: None, why: None }
}

fn stuck() -> SagaNews {
    let error = StepError::new("Gone", "it is not there");
    SagaNews { stuck: vec![(FramePath::root(&name("n0")), error)], ..news(Some(SagaStatus::Stuck)) }
}

/// What a child hands over.
pub(super) fn undone(step: &str, after: &[u32]) -> UndoStep {
    let action = UndoAction {
        activity: "some.undoing".parse().unwrap(),
        queue: name("default"),
        input: Value::Null,
        timeout: None,
        retry: Compensation::patience(),
        allow_skip: false,
        metadata: Value::Null,
        fault: None,
        default_input: false,
    };
    let (path, after) = (FramePath::root(&name(step)), after.to_vec());
    UndoStep { path, execution: None, after, outcome: UndoOutcome::Completed, actions: vec![action] }
}
