//! An execution as the child of another: what it tells its parent, and what a parent may ask of it.

use sagaline_events::{
    Input, Parent,
    input::{ChildEnded, ParentGone, StepSucceeded},
    record::{ExecutionView, Status},
    saga::Late,
};
use sagaline_model::{ExecutionId, Name, StepError};
use serde_json::Value;

use crate::{
    effect::Effect,
    scheduled::{told_by_start, told_to_a_stranger},
    state::{Execution, Outcome, Over, Stage},
    turn::Turn,
};

impl Over {
    /// How it ended, for a parent that waits for it.
    pub(crate) fn tell_parent(&self, id: &ExecutionId) -> Option<Effect> {
        self.told(id, false)
    }

    fn told(&self, id: &ExecutionId, again: bool) -> Option<Effect> {
        let parent = self.parent.as_ref().filter(|parent| parent.waits)?;
        let ended = |status, output: Value, error, reason| ChildEnded {
            path: parent.path.clone(),
            child: id.clone(),
            status,
            output,
            error,
            reason,
            undo: self.undo.clone(),
        };
        let of = match &self.outcome {
            Outcome::RolledBack { cause, .. } => cause,
            outcome => outcome,
        };
        let mut ended = match of {
            Outcome::Completed { output } => ended(Status::Completed, output.clone(), None, None),
            Outcome::Failed { error, .. } | Outcome::Refused { error } => {
                ended(Status::Failed, Value::Null, Some(error.clone()), None)
            }
            Outcome::Cancelled { reason } => ended(Status::Cancelled, Value::Null, None, reason.clone()),
            Outcome::TimedOut | Outcome::RolledBack { .. } => ended(Status::TimedOut, Value::Null, None, None),
        };
        if let Outcome::RolledBack { .. } = &self.outcome {
            ended.status = Status::RolledBack;
        }
        Some(Effect::TellParent { parent: parent.execution.clone(), ended, again })
    }

    /// What it still does when it is over: it says so again to whoever asks.
    pub(crate) fn answer(&self, id: &ExecutionId, input: &Input) -> Vec<Effect> {
        let asks = match input {
            Input::ParentAsks(asks) => &asks.parent,
            Input::ScheduleAsks(asks) => {
                return vec![Effect::TellSchedule { schedule: asks.schedule.clone(), again: true }];
            }
            Input::StepSucceeded(done) if done.claimed && matches!(self.outcome, Outcome::RolledBack { .. }) => {
                return vec![late(done)];
            }
            Input::Start(start) => match &start.parent {
                Some(parent) if parent.waits => parent,
                Some(_) | None => return told_by_start(start).into_iter().collect(),
            },
            _ => return vec![],
        };
        let told = match told_to_another(id, self.parent.as_ref(), asks) {
            Some(taken) => Some(taken),
            None => self.told(id, true),
        };
        told.into_iter().collect()
    }
}

/// A step has had its effect after all, since it was given up.
pub(crate) fn late(done: &StepSucceeded) -> Effect {
    Effect::Late { late: Late { path: done.path.clone(), attempt: done.attempt, output: done.output.clone() } }
}

impl Turn<'_> {
    pub(crate) fn schedule_asks(&mut self, asks: &Name) {
        self.effects.extend(told_to_a_stranger(self.schedule(), asks));
    }

    /// The parent is told when it ends; only one that is none is told at once.
    pub(crate) fn parent_asks(&mut self, asks: &Parent) {
        let taken = told_to_another(self.id(), self.parent(), asks);
        self.effects.extend(taken);
    }

    pub(crate) fn parent_gone(&mut self, gone: &ParentGone) {
        // It comes more than once, and must not cut short what handles the first.
        if self.parent() == Some(&gone.parent) && !self.is_ending() && !self.is_tidying_up() {
            self.end_with(Outcome::Cancelled { reason: gone.reason.clone() }, gone.rollback);
        }
    }
}

/// Who asks for a child under an id that is not its child's learns that; what has the id goes on untouched.
pub(crate) fn told_to_another(id: &ExecutionId, parent: Option<&Parent>, asks: &Parent) -> Option<Effect> {
    let told = || Effect::TellParent { parent: asks.execution.clone(), ended: taken(id, asks), again: true };
    (parent != Some(asks)).then(told)
}

fn taken(id: &ExecutionId, asks: &Parent) -> ChildEnded {
    let message = format!("there is another execution `{id}`; give the child an id that is its own");
    ChildEnded {
        path: asks.path.clone(),
        child: id.clone(),
        status: Status::Failed,
        output: Value::Null,
        error: Some(StepError::new(StepError::ID_TAKEN, message).final_()),
        reason: None,
        undo: vec![],
    }
}

impl Execution {
    /// The parents that asked for it while nothing is known of it here.
    pub fn asked_by(&self) -> impl Iterator<Item = &Parent> {
        let asked = match &self.stage {
            Stage::Unborn(early) => early.asked.as_slice(),
            Stage::Unbound { .. } | Stage::Running(_) | Stage::Over(_) | Stage::Parked { .. } => &[],
        };
        asked.iter().map(|(_, parent)| parent)
    }
}

/// What the record of an ended child tells who asks for it.
pub fn recalled(record: &ExecutionView, asks: &Parent) -> ChildEnded {
    if record.parent.as_ref() != Some(asks) {
        return taken(&record.execution, asks);
    }
    ChildEnded {
        path: asks.path.clone(),
        child: record.execution.clone(),
        status: record.status,
        output: record.output.clone(),
        error: record.error.clone(),
        reason: record.reason.clone(),
        undo: record.undo.clone(),
    }
}
