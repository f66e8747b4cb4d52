//! How an execution begins, or does not: it is refused, or had begun long before.

use sagaline_events::{Happening, Start, input::Recalled};
use sagaline_model::{Moment, StepError};

use crate::{
    compiled::Compiled,
    effect::Effect,
    job,
    nodes::Nodes,
    scheduled::told_by_start,
    state::{Early, Execution, Grafts, OpenDag, Outcome, Over, Run, Stage},
    turn::Turn,
};

/// The first turn: everything that needs nothing is entered, then what came early is taken.
pub(super) fn begin(
    execution: &Execution,
    mut start: Start,
    started: Moment,
    early: Early,
    plan: &Compiled,
    at: Moment,
) -> (Stage, Vec<Effect>) {
    if let Some(job) = &mut start.job {
        start.workflow = job.workflow();
        start.queue = None;
    }
    start.tags = plan.tags(start.tags);
    if let Some(error) = plan.refusal(&start.input) {
        let start = Start { version: Some(plan.version), ..start };
        return refuse(execution, start, started, &early, at, error);
    }
    let trigger = start.trigger.as_ref().and_then(|event| event.get("id")?.as_str()).map(str::to_owned);
    let parent = start.parent.as_ref().map(|parent| parent.execution.to_string());
    let hops = sagaline_events::hops::of_start(&start);
    let mut run = Run {
        had_early: !early.is_empty(),
        input: start.input,
        trigger: start.trigger,
        tags: start.tags,
        root: OpenDag::of(&plan.root),
        mailbox: early.signals.into_iter().map(|(_, name, data)| (name, data)).collect(),
        parent: start.parent,
        queue: start.queue,
        hops,
        schedule: start.schedule,
        job: start.job,
        ..Run::bare(start.workflow, plan.version, plan.plan.rules, started)
    };
    run.reindex();
    let resumed = start.resume.as_ref().map(|resume| run.resume(resume, Nodes::new(plan, &NO_GRAFTS), at));
    let gone = early.gone.into_iter().map(|(_, gone)| gone).find(|gone| run.parent.as_ref() == Some(&gone.parent));
    let grafts = Grafts::default();
    let mut turn = Turn::new(execution.id.clone(), Box::new(run), Nodes::new(plan, &grafts), at);
    turn.tell(Happening::WorkflowStarted { trigger, parent });
    turn.look_at_early_signals();
    early.updates.iter().for_each(|(_, update)| turn.update(update));
    if let Some((_, reason)) = early.pause {
        turn.pause(reason);
    }
    match (early.cancel.map(|(_, reason)| reason).or_else(|| gone.map(|gone| gone.reason)), resumed) {
        (Some(reason), _) => turn.end(Outcome::Cancelled { reason }),
        (None, Some(Err(error))) => turn.end(Outcome::Failed { error, step: None, attempts: None }),
        (None, Some(Ok(())) | None) => turn.set_out_at(start.begin_at),
    }
    turn.finish()
}

static NO_GRAFTS: Grafts = Grafts::none();

/// Whether what was to begin had begun before, and ended: then it says so, and that is all.
pub(super) fn recall(start: Start, started: Moment, early: Early, recalled: &Recalled) -> (Stage, Vec<Effect>) {
    match (&recalled.ended, &start.parent) {
        (Some(ended), Some(parent)) => {
            let told = Effect::TellParent { parent: parent.execution.clone(), ended: ended.clone(), again: true };
            (Stage::Unborn(early), if parent.waits { vec![told] } else { vec![] })
        }
        (Some(_), None) => (Stage::Unborn(early), vec![]),
        (None, _) if recalled.there => (Stage::Unborn(early), told_by_start(&start).into_iter().collect()),
        (None, _) => {
            let start = Start { again: false, ..start };
            let bind = Effect::Bind { workflow: start.workflow.clone(), version: start.version };
            (Stage::Unbound { start: Box::new(start), started, early }, vec![bind])
        }
    }
}

/// A job that no plan can be made of.
pub(super) fn no_such_job(
    execution: &Execution,
    start: Start,
    started: Moment,
    early: Early,
    at: Moment,
) -> (Stage, Vec<Effect>) {
    let why = start.job.as_deref().map(job::compiled).and_then(Result::err);
    let why = why.map_or_else(|| "its plan is not there".to_owned(), |why| why.to_string());
    let error = StepError::new(StepError::INVALID_INPUT, format!("the job cannot be run: {why}")).final_();
    refuse(execution, start, started, &early, at, error)
}

/// It is over without having begun.
pub(super) fn refuse(
    execution: &Execution,
    start: Start,
    started: Moment,
    early: &Early,
    at: Moment,
    error: StepError,
) -> (Stage, Vec<Effect>) {
    let told = Effect::Tell(Happening::WorkflowStartRefused { error: error.clone() });
    let over = Over::before_begin(start, started, early, at, Outcome::Refused { error });
    let parent = over.tell_who_waits(&execution.id);
    (Stage::Over(Box::new(over)), [told].into_iter().chain(parent).collect())
}
