//! The one entry: what an input means for an execution, by the stage that it is in.

mod begin;
mod running;

use sagaline_events::{Input, Start};
use sagaline_model::Moment;

pub(crate) use self::running::park;
use self::{
    begin::{begin, no_such_job, recall, refuse},
    running::{parked, running},
};
use crate::{
    child::{late, told_to_another},
    compiled::Compiled,
    effect::Effect,
    scheduled::told_to_a_stranger,
    shared::gives_back,
    state::{Early, Execution, Stage},
};

/// Folds `input`, stored at `at`, into the execution. `plan` is that of [`Execution::plan`]; for a `Start` that names a version
/// and for a `Bound`, it is the plan they name, or nothing if there is none.
///
/// What no longer matters (an answer of an old attempt, a second cancel, the timer of a finished step) changes nothing.
pub fn apply(execution: &mut Execution, plan: Option<&Compiled>, input: &Input, at: Moment) -> Vec<Effect> {
    let at = at.max(execution.now);
    execution.now = at;
    let stage = std::mem::replace(&mut execution.stage, Stage::Unborn(Early::default()));
    let (stage, effects) = match stage {
        Stage::Unborn(early) => unborn(execution, early, plan, input, at),
        Stage::Unbound { start, started, early } => unbound(execution, start, started, early, plan, input, at),
        Stage::Running(run) => running(execution, run, plan, input, at),
        Stage::Over(over) => {
            let mut effects = over.answer(&execution.id, input);
            // What is still granted to it goes back.
            if let Input::Entity(word) = input {
                effects.extend(over.gives_back(&execution.id, word));
            }
            (Stage::Over(over), effects)
        }
        Stage::Parked { run, cause, since } => parked(execution, run, cause, since, plan, input, at),
    };
    execution.stage = stage;
    effects
}

fn unborn(
    execution: &Execution,
    mut early: Early,
    plan: Option<&Compiled>,
    input: &Input,
    at: Moment,
) -> (Stage, Vec<Effect>) {
    match input {
        Input::Start(start) => {
            early.forget_old(at);
            match plan.filter(|_| start.version.is_some() || start.job.is_some()) {
                _ if start.again => {
                    (Stage::Unbound { start: Box::new(start.clone()), started: at, early }, vec![Effect::Recall])
                }
                Some(plan) => begin(execution, start.clone(), at, early, plan, at),
                None if start.job.is_some() => no_such_job(execution, start.clone(), at, early, at),
                None => {
                    let bind = Effect::Bind { workflow: start.workflow.clone(), version: start.version };
                    (Stage::Unbound { start: Box::new(start.clone()), started: at, early }, vec![bind])
                }
            }
        }
        Input::Signal(_)
        | Input::Cancel(_)
        | Input::Pause(_)
        | Input::Resume(_)
        | Input::Update(_)
        | Input::ParentGone(_) => {
            early.forget_old(at);
            let effects = early.keep(input, at);
            (Stage::Unborn(early), effects)
        }
        // It may have ended long ago: its record says how.
        Input::ParentAsks(asks) => {
            early.forget_old(at);
            early.asked_by_parent(&asks.parent, at);
            (Stage::Unborn(early), vec![Effect::Recall])
        }
        Input::ScheduleAsks(asks) => {
            early.forget_old(at);
            early.asked_by_schedule(&asks.schedule, at);
            (Stage::Unborn(early), vec![Effect::Recall])
        }
        Input::Bound(_)
        | Input::Refused(_)
        | Input::StepStarted(_)
        | Input::StepFailed(_)
        | Input::StepSkipped(_)
        | Input::StepSnoozed(_)
        | Input::StepAwaits(_)
        | Input::Approval(_)
        | Input::StepExpanded(_)
        | Input::TaskDiscarded(_)
        | Input::Timer(_)
        | Input::SagaNews(_)
        | Input::ChildEnded(_)
        | Input::ChildUnknown(_)
        | Input::Recalled(_) => (Stage::Unborn(early), vec![]),
        // Its execution may have been over for long; a saga may still know.
        Input::StepSucceeded(done) => (Stage::Unborn(early), done.claimed.then(|| late(done)).into_iter().collect()),
        Input::Entity(word) => (Stage::Unborn(early), gives_back(&execution.id, word).into_iter().collect()),
    }
}

fn unbound(
    execution: &Execution,
    start: Box<Start>,
    started: Moment,
    mut early: Early,
    plan: Option<&Compiled>,
    input: &Input,
    at: Moment,
) -> (Stage, Vec<Effect>) {
    match input {
        Input::Recalled(recalled) if start.again => recall(*start, started, early, recalled),
        Input::Bound(bound) if !start.again => match plan {
            Some(plan) => begin(execution, *start, started, early, plan, at),
            None if start.job.is_some() => no_such_job(execution, *start, started, early, at),
            // The binding names what is not there, or cannot be run: that version is looked at, and bound again or refused.
            None => {
                let start = Box::new(Start { version: Some(bound.version), ..*start });
                let bind = Effect::Bind { workflow: start.workflow.clone(), version: start.version };
                (Stage::Unbound { start, started, early }, vec![bind])
            }
        },
        Input::Refused(refused) => refuse(execution, *start, started, &early, at, refused.error.clone()),
        Input::Signal(_)
        | Input::Cancel(_)
        | Input::Pause(_)
        | Input::Resume(_)
        | Input::Update(_)
        | Input::ParentGone(_) => {
            let effects = early.keep(input, at);
            (Stage::Unbound { start, started, early }, effects)
        }
        Input::ParentAsks(asks) => {
            let taken = told_to_another(&execution.id, start.parent.as_ref(), &asks.parent);
            (Stage::Unbound { start, started, early }, taken.into_iter().collect())
        }
        Input::ScheduleAsks(asks) => {
            let told = told_to_a_stranger(start.schedule.as_deref(), &asks.schedule);
            (Stage::Unbound { start, started, early }, told.into_iter().collect())
        }
        Input::Start(_)
        | Input::Bound(_)
        | Input::Recalled(_)
        | Input::StepStarted(_)
        | Input::StepSucceeded(_)
        | Input::StepFailed(_)
        | Input::StepSkipped(_)
        | Input::StepSnoozed(_)
        | Input::StepAwaits(_)
        | Input::Approval(_)
        | Input::StepExpanded(_)
        | Input::TaskDiscarded(_)
        | Input::Timer(_)
        | Input::SagaNews(_)
        | Input::ChildEnded(_)
        | Input::ChildUnknown(_) => (Stage::Unbound { start, started, early }, vec![]),
        Input::Entity(word) => {
            let effects = gives_back(&execution.id, word).into_iter().collect();
            (Stage::Unbound { start, started, early }, effects)
        }
    }
}
