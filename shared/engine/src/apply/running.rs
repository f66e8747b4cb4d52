//! What an input means for an execution that runs: a turn of it. And for one that was set aside while it ran.

use sagaline_events::{Happening, Input};
use sagaline_model::{Moment, StepError};

use crate::{
    child::told_to_another,
    compiled::Compiled,
    effect::Effect,
    expansion,
    nodes::Nodes,
    scheduled::told_to_a_stranger,
    state::{Execution, Grafts, Outcome, Over, Run, Stage},
    turn::Turn,
};

pub(super) fn running(
    execution: &Execution,
    mut run: Box<Run>,
    plan: Option<&Compiled>,
    input: &Input,
    at: Moment,
) -> (Stage, Vec<Effect>) {
    let Some(plan) = plan else {
        let cause = format!("the plan of `{}` version {} is not there any more", run.workflow, run.version);
        return park(run, cause, at);
    };
    // What a step returned is a part of the state, and the turn goes by it: while that changes the one, the other stands beside it.
    let mut grafts = std::mem::take(&mut run.grafts);
    let expansion = match input {
        Input::StepExpanded(said) => Some((said, expansion::take_up(&run, plan, &mut grafts, said))),
        _ => None,
    };
    let mut turn = Turn::new(execution.id.clone(), run, Nodes::new(plan, &grafts), at);
    if let Some((said, steps)) = expansion {
        turn.step_expanded(said, steps);
    }
    match input {
        Input::StepSucceeded(done) => {
            turn.step_succeeded(&done.path, done.attempt, done.output.clone(), done.claimed);
        }
        Input::StepFailed(failed) => turn.step_failed(&failed.path, failed.attempt, failed.error.clone()),
        Input::StepSkipped(skipped) => turn.step_skipped(&skipped.path, skipped.attempt, &skipped.reason),
        Input::StepSnoozed(snoozed) => turn.step_snoozed(snoozed),
        Input::StepStarted(started) => turn.step_started(&started.path, started.attempt, started.worker.clone()),
        Input::TaskDiscarded(gone) => {
            let error = StepError::new(StepError::DISCARDED, "an operator removed the task from its queue").final_();
            turn.step_failed(&gone.path, gone.attempt, error);
        }
        Input::Signal(signal) => turn.signal(&signal.name, &signal.data),
        Input::Timer(timer) => turn.timer(timer),
        Input::Cancel(cancel) => turn.cancel(cancel),
        Input::Pause(pause) => turn.pause(pause.reason.clone()),
        Input::Resume(resume) => turn.resume(&resume.context),
        Input::ChildEnded(ended) => turn.child_ended(ended),
        Input::ChildUnknown(unknown) => turn.child_unknown(unknown),
        Input::ParentAsks(asks) => turn.parent_asks(&asks.parent),
        Input::ParentGone(gone) => turn.parent_gone(gone),
        Input::Approval(approval) => turn.approval(approval),
        Input::StepAwaits(said) => turn.step_awaits(said),
        Input::Update(update) => turn.update(update),
        Input::Entity(word) => turn.entity_says(word),
        Input::SagaNews(news) => turn.saga_news(news),
        Input::ScheduleAsks(asks) => turn.schedule_asks(&asks.schedule),
        // A second start cannot be stored; a second binding of the same start changes nothing.
        Input::Start(_) | Input::Bound(_) | Input::Refused(_) | Input::Recalled(_) => {}
        // What it says was taken up before the turn began.
        Input::StepExpanded(_) => {}
    }
    let (stage, effects) = turn.finish();
    (with_grafts(stage, grafts), effects)
}

/// Gives what steps returned back to the state, but for what is over.
fn with_grafts(mut stage: Stage, mut grafts: Grafts) -> Stage {
    if let Stage::Running(run) | Stage::Parked { run, .. } = &mut stage {
        std::mem::take(&mut run.closed).into_iter().for_each(|base| grafts.remove(base));
        run.grafts = grafts;
    }
    stage
}

/// Sets an execution aside that cannot go on because of a bug: visible, and the others go on.
pub(crate) fn park(run: Box<Run>, cause: String, at: Moment) -> (Stage, Vec<Effect>) {
    let told = Effect::Tell(Happening::WorkflowParked { cause: cause.clone() });
    (Stage::Parked { run, cause, since: at }, vec![told])
}

pub(super) fn parked(
    execution: &Execution,
    mut run: Box<Run>,
    cause: String,
    since: Moment,
    plan: Option<&Compiled>,
    input: &Input,
    at: Moment,
) -> (Stage, Vec<Effect>) {
    let (reason, rollback) = match input {
        Input::Cancel(cancel) => (cancel.reason.clone(), cancel.rollback),
        Input::ParentGone(gone) if run.parent.as_ref() == Some(&gone.parent) => (gone.reason.clone(), gone.rollback),
        Input::ParentAsks(asks) => {
            let taken = told_to_another(&execution.id, run.parent.as_ref(), &asks.parent);
            return (Stage::Parked { run, cause, since }, taken.into_iter().collect());
        }
        Input::ScheduleAsks(asks) => {
            let told = told_to_a_stranger(run.schedule.as_deref(), &asks.schedule);
            return (Stage::Parked { run, cause, since }, told.into_iter().collect());
        }
        Input::Entity(word) => {
            let effects = run.gives_back(&execution.id, word).into_iter().collect();
            return (Stage::Parked { run, cause, since }, effects);
        }
        _ => return (Stage::Parked { run, cause, since }, vec![]),
    };
    let outcome = Outcome::Cancelled { reason: reason.clone() };
    if let Some(plan) = plan {
        let grafts = std::mem::take(&mut run.grafts);
        let mut turn = Turn::new(execution.id.clone(), run, Nodes::new(plan, &grafts), at);
        turn.end_with(outcome, rollback);
        let (stage, effects) = turn.finish();
        return (with_grafts(stage, grafts), effects);
    }
    // Without its plan nobody knows the queues of its tasks, so they cannot be taken back.
    let duration = at.since(run.began());
    let told = Effect::Tell(Happening::WorkflowCancelled { duration, reason });
    let released = run.release(&execution.id, &outcome);
    let over = Over::of(&run, vec![], outcome, at);
    let parent = over.tell_who_waits(&execution.id);
    (Stage::Over(Box::new(over)), [told].into_iter().chain(parent).chain(released).collect())
}
