//! The one entry: what an input means for an execution, by the stage that it is in.

use sagaline_events::{Happening, Input, Start, input::Recalled, job::JobView};
use sagaline_model::{Moment, StepError};
use serde_json::Value;

use crate::{
    child::{late, told_to_another},
    compiled::Compiled,
    effect::Effect,
    expansion, job,
    nodes::Nodes,
    scheduled::{told_by_start, told_to_a_stranger},
    shared::gives_back,
    state::{
        EARLY_INPUTS_KEPT, Early, Execution, Grafts, Index, MAILBOX_LIMIT, OpenDag, Outcome, Over, Run, Stage, State,
    },
    turn::Turn,
    weight,
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
            // Whoever asks again asks for the same.
            early.asked.retain(|(_, parent)| *parent != asks.parent);
            early.asked.push((at, asks.parent.clone()));
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

/// Whether what was to begin had begun before, and ended: then it says so, and that is all.
fn recall(start: Start, started: Moment, early: Early, recalled: &Recalled) -> (Stage, Vec<Effect>) {
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

fn over_before_begin(start: Start, started: Moment, early: &Early, ended: Moment, outcome: Outcome) -> Over {
    Over {
        version: start.version.unwrap_or(0),
        workflow: start.workflow,
        started,
        had_early: !early.is_empty(),
        ended,
        tags: start.tags,
        steps: vec![],
        parent: start.parent,
        replies: Default::default(),
        queries: Default::default(),
        attempt: None,
        undo: vec![],
        schedule: start.schedule,
        job: start.job.as_deref().map(|job| Box::new(JobView { status: job::ended(&outcome), ..job::before(job) })),
        outcome,
        keeps: None,
    }
}

/// A job that no plan can be made of.
fn no_such_job(execution: &Execution, start: Start, started: Moment, early: Early, at: Moment) -> (Stage, Vec<Effect>) {
    let why = start.job.as_deref().map(crate::job::compiled).and_then(Result::err);
    let why = why.map_or_else(|| "its plan is not there".to_owned(), |why| why.to_string());
    let error = StepError::new(StepError::INVALID_INPUT, format!("the job cannot be run: {why}")).final_();
    refuse(execution, start, started, &early, at, error)
}

/// It is over without having begun.
fn refuse(
    execution: &Execution,
    start: Start,
    started: Moment,
    early: &Early,
    at: Moment,
    error: StepError,
) -> (Stage, Vec<Effect>) {
    let told = Effect::Tell(Happening::WorkflowStartRefused { error: error.clone() });
    let over = over_before_begin(start, started, early, at, Outcome::Refused { error });
    let parent = over.tell_who_waits(&execution.id);
    (Stage::Over(Box::new(over)), [told].into_iter().chain(parent).collect())
}

static NO_GRAFTS: Grafts = Grafts::none();

/// The first turn: everything that needs nothing is entered, then what came early is taken.
fn begin(
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
        workflow: start.workflow,
        version: plan.version,
        rules: plan.plan.rules,
        started,
        had_early: !early.is_empty(),
        input: start.input,
        trigger: start.trigger,
        tags: start.tags,
        ctx: serde_json::Map::new(),
        root: OpenDag::of(&plan.root),
        frames: std::collections::BTreeMap::new(),
        mailbox: early.signals.into_iter().map(|(_, name, data)| (name, data)).collect(),
        ending: None,
        paused: None,
        deadline: None,
        slots: None,
        parent: start.parent,
        queue: start.queue,
        companions: vec![],
        replies: Default::default(),
        rounds: None,
        beside: Default::default(),
        origin: None,
        hops,
        place: None,
        cleanup: None,
        index: Index::default(),
        grafts: Grafts::default(),
        closed: vec![],
        undo: Default::default(),
        tallies: Default::default(),
        schedule: start.schedule,
        delay: None,
        job: start.job,
        unique: None,
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

fn running(
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

fn parked(
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

/// Sets an execution aside that cannot go on because of a bug: visible, and the others go on.
pub(crate) fn park(run: Box<Run>, cause: String, at: Moment) -> (Stage, Vec<Effect>) {
    let told = Effect::Tell(Happening::WorkflowParked { cause: cause.clone() });
    (Stage::Parked { run, cause, since: at }, vec![told])
}

impl Early {
    fn is_empty(&self) -> bool {
        self.signals.is_empty()
            && self.updates.is_empty()
            && self.cancel.is_none()
            && self.pause.is_none()
            && self.gone.is_empty()
    }

    fn has_room_for(&self, data: &Value) -> bool {
        self.signals.len() + self.updates.len() < MAILBOX_LIMIT
            && self.weight + weight::of(data) <= weight::HEAVIEST / 2
    }

    fn forget_old(&mut self, at: Moment) {
        let young = |then: Moment| at.since(then) <= EARLY_INPUTS_KEPT;
        self.signals.retain(|(then, _, _)| young(*then));
        self.updates.retain(|(then, _)| young(*then));
        let signals = self.signals.iter().map(|(_, _, data)| data);
        self.weight = signals.chain(self.updates.iter().map(|(_, update)| &update.data)).map(weight::of).sum();
        self.cancel = self.cancel.take().filter(|(then, _)| young(*then));
        self.pause = self.pause.take().filter(|(then, _)| young(*then));
        self.asked.retain(|(then, _)| young(*then));
        self.gone.retain(|(then, _)| young(*then));
        self.schedules.retain(|(then, _)| young(*then));
    }

    fn keep(&mut self, input: &Input, at: Moment) -> Vec<Effect> {
        match input {
            Input::Signal(signal) if self.has_room_for(&signal.data) => {
                self.weight += weight::of(&signal.data);
                self.signals.push((at, signal.name.clone(), signal.data.clone()));
            }
            Input::Signal(signal) => return vec![mailbox_full(signal.name.as_str())],
            // Every cancel is kept for as long as it may be, so the time of the last one counts.
            Input::Cancel(cancel) => {
                let first = self.cancel.take().and_then(|(_, reason)| reason);
                self.cancel = Some((at, first.or_else(|| cancel.reason.clone())));
            }
            Input::Pause(pause) => {
                let first = self.pause.take().and_then(|(_, reason)| reason);
                self.pause = Some((at, first.or_else(|| pause.reason.clone())));
            }
            Input::Resume(_) => self.pause = None,
            Input::ParentGone(gone) => {
                self.gone.retain(|(_, kept)| kept != gone);
                self.gone.push((at, gone.clone()));
            }
            // The same one again is the same.
            Input::Update(update) if self.updates.iter().any(|(_, kept)| kept.id == update.id) => {}
            Input::Update(update) if self.has_room_for(&update.data) => {
                self.weight += weight::of(&update.data);
                self.updates.push((at, update.clone()));
            }
            Input::Update(update) => return vec![mailbox_full(update.name.as_str())],
            _ => {}
        }
        vec![]
    }
}

pub(crate) fn mailbox_full(signal: &str) -> Effect {
    let detail = format!("the signals that wait already and that no step took leave no room; `{signal}` was not kept");
    Effect::Reject { reason: "mailbox_full", detail }
}

impl OpenDag {
    pub(crate) fn of(dag: &crate::compiled::CompiledDag) -> Self {
        let any = if dag.any.iter().all(|any| *any == 0) { vec![] } else { dag.any.clone() };
        Self { unmet: dag.needs.clone(), open: u32::try_from(dag.children.len()).unwrap_or(u32::MAX), any }
    }
}

impl Over {
    pub(crate) fn of(
        run: &Run,
        steps: Vec<sagaline_events::record::StepView>,
        outcome: Outcome,
        ended: Moment,
    ) -> Self {
        Self {
            workflow: run.workflow.clone(),
            version: run.version,
            started: run.started,
            had_early: run.had_early,
            ended,
            tags: run.tags.clone(),
            steps,
            parent: run.parent.clone(),
            replies: run.replies.clone(),
            queries: Default::default(),
            attempt: run.attempt(),
            undo: vec![],
            schedule: run.schedule.clone(),
            job: run.job_view(Some(&outcome)).map(Box::new),
            keeps: run.keeps_key(&outcome).cloned(),
            outcome,
        }
    }
}

/// Whether a frame's state is that of a task of this attempt.
pub(crate) fn is_task(state: &State, attempt: u32) -> bool {
    matches!(state, State::Dispatched(task) if task.attempt == attempt)
}
