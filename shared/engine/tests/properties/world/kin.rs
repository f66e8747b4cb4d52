//! Children and parents, and the schedule behind a start: what they say.

use sagaline_engine::{
    Stage,
    state::{Phase, State},
};
use sagaline_events::{
    FramePath, Input, Parent,
    input::{ChildEnded, ChildUnknown, ParentAsks, ParentGone, ScheduleAsks},
    record::Status,
};
use sagaline_model::{ExecutionId, StepError};
use serde_json::{Value, json};

use super::{World, sagas::undone};
use crate::plans::name;

impl World<'_> {
    /// A child that the execution waits for.
    pub(super) fn child(&mut self) -> Option<(FramePath, ExecutionId)> {
        let Stage::Running(run) = &self.execution.stage else { return None };
        let children = run.frames.iter().filter_map(|(path, frame)| match &frame.state {
            State::Delegated(delegated) => Some((path.clone(), delegated.child.clone())),
            _ => None,
        });
        let parting = match run.undo.undoing.as_deref().map(|undoing| &undoing.phase) {
            Some(Phase::Settling { children, .. }) => children.clone(),
            Some(Phase::Asked(_)) | None => Default::default(),
        };
        let parting = parting.into_iter().map(|(path, delegated)| (path, delegated.child));
        let left = run.undo.left.iter().map(|(child, left)| (left.path.clone(), child.clone()));
        let children: Vec<_> = children.chain(parting).chain(left).collect();
        (!children.is_empty()).then(|| self.choices.one_of(&children))
    }

    pub(super) fn child_says(&mut self, path: FramePath, child: ExecutionId) -> Input {
        match self.choices.below(7) {
            5 | 6 => Input::ChildUnknown(ChildUnknown { path, child }),
            4 => Input::ChildEnded(ended(path, child, Status::Cancelled)),
            3 => Input::ChildEnded(ended(path, child, Status::TimedOut)),
            2 => Input::ChildEnded(ended(path, child, Status::Failed)),
            1 => {
                let undo = vec![undone("one", &[]), undone("two", &[]), undone("both", &[0, 1])];
                Input::ChildEnded(ChildEnded { undo, ..ended(path, child, Status::Completed) })
            }
            _ => Input::ChildEnded(ended(path, child, Status::Completed)),
        }
    }

    /// Of a child that is none, or is not waited for.
    pub(super) fn any_child(&mut self) -> Input {
        let node = self.choices.below(self.plan.nodes.len());
        let path = self.plan.nodes[node].path.clone();
        let child = self.execution.id.of_child(self.choices.one_of(&[path.as_str(), "nowhere"]));
        match self.execution.stage {
            // It is waited for after all.
            Stage::Running(ref run)
                if matches!(run.frames.get(&path).map(|frame| &frame.state), Some(State::Delegated(_))) =>
            {
                Input::ChildUnknown(ChildUnknown { path, child })
            }
            _ => self.child_says(path, child),
        }
    }

    pub(super) fn parent(&mut self) -> Parent {
        let execution = ExecutionId::new(self.choices.one_of(&["parent", "stranger"])).unwrap();
        Parent { execution, path: FramePath::root(&name("n0")), waits: self.choices.chance(80) }
    }

    pub(super) fn parent_says(&mut self) -> Input {
        if self.choices.chance(40) {
            let schedule = name(self.choices.one_of(&["nightly", "stranger"]));
            return Input::ScheduleAsks(ScheduleAsks { schedule });
        }
        let parent = self.parent();
        match self.choices.chance(60) {
            true => Input::ParentAsks(ParentAsks { parent }),
            false => Input::ParentGone(ParentGone {
                parent,
                reason: Some("nobody waits".to_owned()),
                rollback: self.choices.chance(40),
            }),
        }
    }
}

pub(super) fn ended(path: FramePath, child: ExecutionId, status: Status) -> ChildEnded {
    let output = if status == Status::Completed { json!({"n": 2}) } else { Value::Null };
    let error = (status == Status::Failed).then(|| StepError::new("Broken", "no luck"));
    ChildEnded { path, child, status, output, error, reason: None, undo: vec![] }
}
