//! Executions, and what they share, as the state machine of a partition: entries to inputs, effects to acts.
//!
//! The engine decides; here its effects get their names on the wire. No clock, and no I/O but to count and to log.

mod acts;
mod coming;
mod company;
mod entities;
pub mod glance;
mod held;
mod listing;
mod plans;
mod sagas;
mod schedules;
mod spans;
mod tally;

use std::sync::Arc;

use bytes::Bytes;
use sagaline_broker::{
    machine::{Act, Listed, Machine, Need, Origin, QueuedTask, Read, Rejection},
    names::Names,
    ports::{Bucket, Entry, Message},
};
use sagaline_engine::{Compiled, Effect, Execution, Stage, job};
use sagaline_events::{
    EntityInput, Happening, Input,
    ask::{Answer, Ask, Reply},
    job::JobEvent,
};
use sagaline_model::{ExecutionId, JobSpec, Moment, Name, Span};
use sagaline_owning::{
    defect,
    entry::{self, bad_input, reject},
};
use sagaline_telemetry::{metrics, traces::tell_span};

pub use self::held::{Held, HeldInput};
use self::{acts::Wire, glance::Glance, held::entity_key, plans::Plans};

/// The executions of one partition.
pub struct Executions {
    wire: Wire,
    place: entry::Place,
    plans: Plans,
    shared: glance::Shared,
    tally: tally::Tally,
    coming: coming::Coming,
}

impl Executions {
    pub fn new(names: Names, partition: u32, partitions: u32) -> Self {
        Self {
            wire: Wire::new(names, partition, partitions),
            place: entry::Place { partition, partitions },
            plans: Plans::default(),
            shared: glance::Shared::default(),
            tally: tally::Tally::default(),
            coming: coming::Coming::default(),
        }
    }

    fn plan_of(&self, state: &Execution) -> Option<Arc<Compiled>> {
        if let Some(job) = state.job() {
            return self.plans.of_job(job);
        }
        let (workflow, version) = state.plan()?;
        self.plans.get(workflow, version).cloned()
    }

    /// What the state waits to have been looked up.
    fn looked_up(&self, state: &Execution) -> Option<Act> {
        match &state.stage {
            Stage::Unbound { start, .. } if start.again => Some(self.wire.recall(&state.id)),
            Stage::Unbound { start, .. } => Some(acts::look_up(&start.workflow, start.version)),
            Stage::Unborn(_) => Some(self.wire.recall(&state.id)),
            Stage::Running(_) | Stage::Over(_) | Stage::Parked { .. } => None,
        }
    }
}

impl Machine for Executions {
    type State = Held;
    type Input = HeldInput;
    type Glance = Glance;

    fn read(&self, entry: &Entry) -> Result<Read<HeldInput>, Rejection> {
        let Some(content) = entry::content(entry)? else { return Ok(Read::Mark) };
        let (partition, execution, end) = self
            .wire
            .names()
            .parse_run(&entry.subject)
            .ok_or_else(|| reject("bad_subject", format!("`{}` names no execution", entry.subject)))?;
        let entity = entity_key(execution);
        if let Some(fault) = ExecutionId::new(execution).err().filter(|_| entity.is_none()) {
            return Err(reject("bad_id", fault.to_string()));
        }
        self.place.check(partition, execution, format_args!("`{execution}`"))?;
        let input = match entity {
            Some(_) => HeldInput::Entity(EntityInput::read(&content.kind, &content.data).map_err(bad_input)?),
            None => HeldInput::Execution(Input::read(&content.kind, &content.data).map_err(bad_input)?),
        };
        let own_subject = if matches!(input, HeldInput::Execution(Input::Start(_))) { "start" } else { "in" };
        if end != own_subject {
            let detail = format!("a `{}` goes to `….{own_subject}`, this came on `….{end}`", content.kind);
            return Err(reject("bad_subject", detail));
        }
        Ok(Read::Input(execution.into(), input))
    }

    fn needs(&self, state: Option<&Held>, input: Option<&HeldInput>) -> Option<Need> {
        let state = match state {
            Some(Held::Execution(state)) => Some(state),
            Some(Held::Entity(_)) => return None,
            None => None,
        };
        let input = match input {
            Some(HeldInput::Execution(input)) => Some(input),
            Some(HeldInput::Entity(_)) => return None,
            None => None,
        };
        let (workflow, version) = plan_needed(state, input)?;
        (!self.plans.knows(workflow, version))
            .then(|| Need { bucket: Bucket::Definitions, key: Names::definition_key(workflow.as_str(), version) })
    }

    fn learn(&mut self, need: &Need, value: Option<Bytes>) {
        self.plans.learn(&need.key, value.as_deref());
    }

    fn fresh(&self, key: &Arc<str>) -> Held {
        Held::fresh(key)
    }

    fn apply(&mut self, key: &Arc<str>, state: &mut Held, input: HeldInput, origin: &Origin) -> Vec<Act> {
        match (state, input) {
            (Held::Execution(state), HeldInput::Execution(input)) => self.apply_to_execution(key, state, input, origin),
            (Held::Entity(entity), HeldInput::Entity(input)) => self.wire.apply_to_entity(entity, &input, origin),
            // `read` goes by the key, as what is under it does.
            (Held::Execution(_), HeldInput::Entity(_)) | (Held::Entity(_), HeldInput::Execution(_)) => vec![],
        }
    }

    fn found(&mut self, _key: &Arc<str>, state: &Held, of: &Need, value: Option<Bytes>) -> Vec<Act> {
        let Some(state) = state.execution() else { return vec![] };
        // After a takeover the same is asked twice, and the second answer may come when it is something else that is asked for.
        let asked = self.looked_up(state);
        if !matches!(asked, Some(Act::LookUp { bucket, key }) if bucket == of.bucket && key == of.key) {
            return vec![];
        }
        match &state.stage {
            Stage::Unbound { start, .. } if start.again => {
                vec![self.wire.recalled_to_itself(&state.id, start, value.as_deref())]
            }
            Stage::Unbound { start, .. } => {
                let input = plans::bind(start, value.as_deref());
                vec![Act::Send(self.wire.input(&state.id, &input, "bind"))]
            }
            Stage::Unborn(_) => self.wire.recalled(state, value.as_deref()),
            Stage::Running(_) | Stage::Over(_) | Stage::Parked { .. } => vec![],
        }
    }

    fn task_refused(&self, _key: &Arc<str>, task: &QueuedTask, why: &str) -> Option<Message> {
        self.wire.task_refused(task, why)
    }

    fn tasks(&self, _key: &Arc<str>, state: &Held) -> Vec<QueuedTask> {
        let Some(state) = state.execution() else { return vec![] };
        let Some(plan) = self.plan_of(state) else { return vec![] };
        let tasks = state.tasks(&plan);
        let trace = self.wire.trace(state);
        let tasks = tasks.into_iter();
        tasks.map(|task| self.wire.task(&state.id, &plan.plan.workflow, plan.version, task, trace.as_ref())).collect()
    }

    fn resume(&self, _key: &Arc<str>, state: &Held) -> Vec<Act> {
        let Some(state) = state.execution() else { return vec![] };
        match &state.stage {
            Stage::Unbound { .. } => self.looked_up(state).into_iter().collect(),
            Stage::Unborn(_) | Stage::Running(_) | Stage::Over(_) | Stage::Parked { .. } => vec![],
        }
    }

    fn next_timer(&self, state: &Held) -> Option<Moment> {
        match state {
            Held::Execution(state) => state.next_timer().map(|(at, _)| at),
            Held::Entity(entity) => entity.next_timer(),
        }
    }

    fn timer(&self, _key: &Arc<str>, state: &Held) -> Option<Message> {
        match state {
            Held::Execution(state) => {
                let (_, timer) = state.next_timer()?;
                Some(self.wire.input(&state.id, &Input::Timer(timer.clone()), "timer"))
            }
            Held::Entity(entity) => entity.next_timer().map(|_| self.wire.entity_timer(&entity.key)),
        }
    }

    fn ending(&self, state: &Held) -> Option<Vec<u8>> {
        let state = state.execution()?;
        let view = state.is_over().then(|| state.view(None))??;
        Some(serde_json::to_vec(&view).expect("a view has text keys only"))
    }

    fn kept_for(&self, state: &Held) -> Option<Span> {
        match &state.execution()?.stage {
            Stage::Over(over) => over.job.as_deref()?.retention,
            Stage::Unborn(_) | Stage::Unbound { .. } | Stage::Running(_) | Stage::Parked { .. } => None,
        }
    }

    fn stands_alone(&self, state: &Held) -> bool {
        state.execution().is_some_and(Execution::stands_alone)
    }

    /// What executions share stays in memory: it is small, and holds something for as long as it is there.
    fn rests(&self, state: &Held) -> bool {
        state.execution().is_some_and(Execution::rests)
    }

    /// An entity begins anew: whoever holds something of it that it does not know of gives nothing back, and is not asked.
    fn seal(&self, key: &Arc<str>, glance: Option<&Glance>, cause: &str, at: Moment) -> Option<Held> {
        if let Some(key) = entity_key(key) {
            return Some(Held::Entity(sagaline_engine::Entity::new(key)));
        }
        let id = ExecutionId::new(&**key).ok()?;
        Some(Held::Execution(match glance {
            Some(glance) => glance.sealed(id, cause, at),
            None => Execution::parked_by_defect(id, Name::new("unknown").expect("a name"), 0, cause.to_owned(), at),
        }))
    }

    fn is_idle(&self, state: &Held, now: Moment) -> bool {
        match state {
            Held::Execution(state) => state.is_blank(now),
            Held::Entity(entity) => entity.is_blank(now),
        }
    }

    fn snapshot(&self, state: &Held) -> Vec<u8> {
        state.snapshot()
    }

    fn restore(&self, json: &[u8]) -> Result<Held, String> {
        Held::restore(json)
    }

    fn answer(&self, ask: &Ask, state: Option<&Held>) -> Answer {
        if let Ask::Entity { .. } | Ask::Entities { .. } = ask {
            return entities::seen(ask, state);
        }
        if let Ask::Queues = ask {
            return Answer::Queues(self.tally.seen(&self.coming));
        }
        let state = state.and_then(Held::execution);
        let plan = state.and_then(|state| self.plan_of(state));
        let plan = plan.as_deref();
        match (ask, state) {
            (Ask::Wanted { path, attempt, .. }, state) => {
                Answer::Wanted(state.is_some_and(|state| state.wants(path, *attempt)))
            }
            (Ask::Get { .. }, Some(state)) => {
                state.view(plan).map_or(Answer::Unknown, |view| Answer::Execution(Box::new(view)))
            }
            (Ask::Why { .. }, Some(state)) if state.overview().is_some() => Answer::Why(state.why(plan)),
            (Ask::Query { name, .. }, Some(state)) => match state.query(plan, name) {
                Some(Ok(value)) => Answer::Value(value),
                Some(Err(error)) => Answer::Reply(Reply::Refused(error)),
                None => Answer::Unknown,
            },
            (Ask::Reply { id, .. }, Some(state)) => Answer::Reply(state.reply(id)),
            (Ask::Reply { .. }, None) => Answer::Reply(Reply::Unknown),
            (Ask::Get { .. } | Ask::Why { .. } | Ask::Query { .. } | Ask::List { .. } | Ask::Partition, _) => {
                Answer::Unknown
            }
            // Those are the compensator's.
            (Ask::Saga { .. } | Ask::Sagas { .. } | Ask::Entity { .. } | Ask::Entities { .. } | Ask::Queues, _) => {
                Answer::Unknown
            }
            // And those the scheduler's.
            (Ask::Schedule { .. } | Ask::Schedules { .. }, _) => Answer::Unknown,
        }
    }

    fn glance(&mut self, state: &Held) -> Option<Glance> {
        Some(self.shared.glance(&state.execution()?.overview()?))
    }

    fn listed(&self, ask: &Ask, key: &str, glance: &Glance) -> Option<Listed> {
        listing::listed(ask, key, glance)
    }

    fn stands(&mut self, key: &Arc<str>, state: Option<&Held>) -> Option<Need> {
        let counted = state.and_then(Held::execution).filter(|state| state.has_later());
        let Some(execution) = counted else {
            self.coming.forget(key);
            return None;
        };
        match execution.job().and_then(|job| self.plans.learn_job(job)).or_else(|| self.plan_of(execution)) {
            Some(plan) => self.coming.note(key, execution.later_by_queue(&plan)),
            None => return self.needs(state, None),
        }
        None
    }
}

impl Executions {
    fn apply_to_execution(&mut self, key: &Arc<str>, state: &mut Execution, input: Input, origin: &Origin) -> Vec<Act> {
        let id = state.id.clone();
        let (needed, plan) = match job_of(state, &input) {
            Some(job) => (Some((job.workflow(), job::VERSION)), self.plans.learn_job(job)),
            None => {
                let needed = plan_needed(Some(state), Some(&input));
                let needed = needed.map(|(workflow, version)| (workflow.clone(), version));
                let plan = needed.as_ref().and_then(|(workflow, version)| self.plans.get(workflow, *version));
                (needed, plan.cloned())
            }
        };
        let at = origin.time;
        if let (Stage::Unborn(_), Input::Start(_)) = (&state.stage, &input) {
            state.trace = origin.traceparent.as_deref().and_then(|traceparent| traceparent.parse().ok());
        }
        let at_work = tally::AtWork::before(state, plan.as_deref(), &input);
        let open = spans::Open::of(self.wire.trace(state), state);
        // A defect of the engine must not stop the partition: it sets that one execution aside, on every replica alike.
        let applied = defect::caught("the engine", || sagaline_engine::apply(state, plan.as_deref(), &input, at));
        let effects = applied.unwrap_or_else(|cause| {
            tracing::error!(execution = id.as_str(), cause, "parked: the engine stopped at a defect");
            let (workflow, version) = needed.clone().unwrap_or_else(|| (Name::new("unknown").expect("a name"), 0));
            let parked = Execution::parked_by_defect(id, workflow, version, cause.clone(), at);
            *state = Execution { trace: state.trace, ..parked };
            vec![Effect::Tell(Happening::WorkflowParked { cause })]
        });
        if let Some(at_work) = at_work {
            self.tally.count(at_work, &effects, at);
        }
        match plan.as_deref().filter(|_| state.has_later()) {
            Some(plan) => self.coming.note(key, state.later_by_queue(plan)),
            None => self.coming.forget(key),
        }
        self.plans.forget_missing();
        if let Some((workflow, _)) = needed.as_ref().filter(|_| !origin.again) {
            count(workflow, &input, &effects);
        }
        // A start that has to be bound first begins with that input, and was another.
        let began = state.start_at.take().unwrap_or(origin.sequence);
        if let Stage::Unbound { .. } = &state.stage {
            state.start_at = Some(began);
        }
        if let Some(open) = open {
            open.ended(state, &input, &effects).into_iter().for_each(tell_span);
        }
        self.wire.acts(state, needed.as_ref(), effects, origin, began)
    }
}

/// Counts what began and what ended.
fn count(workflow: &Name, input: &Input, effects: &[Effect]) {
    let metrics = metrics::workflow(workflow.as_str());
    if let Input::Signal(_) = input {
        metrics.signals.increment(1);
    }
    for effect in effects {
        let Effect::Tell(happening) = effect else { continue };
        let (_, what) = happening.name();
        match happening {
            Happening::WorkflowStarted { .. } => metrics.started(),
            Happening::WorkflowCompleted { duration }
            | Happening::WorkflowFailed { duration, .. }
            | Happening::WorkflowCancelled { duration, .. }
            | Happening::WorkflowTimedOut { duration }
            | Happening::WorkflowRolledBack { duration, .. } => metrics.completed(what, (*duration).into()),
            Happening::StepFailed { next_at: Some(_), .. } | Happening::StepTimedOut { next_at: Some(_), .. } => {
                metrics.step_retries.increment(1);
            }
            Happening::StepCompleted { .. }
            | Happening::StepFailed { .. }
            | Happening::StepTimedOut { .. }
            | Happening::StepSkipped { .. }
            | Happening::StepCancelled { .. } => metrics.step_done(what),
            Happening::Job(job) => match &job.what {
                JobEvent::Enqueued if job.attempt == 1 => metrics.started(),
                JobEvent::Failed { next_at: Some(_), .. } => metrics.step_retries.increment(1),
                JobEvent::Completed { duration }
                | JobEvent::Dead { duration, .. }
                | JobEvent::Cancelled { duration, .. } => {
                    metrics.completed(what, (*duration).into());
                }
                JobEvent::Scheduled { .. }
                | JobEvent::Enqueued
                | JobEvent::Started { .. }
                | JobEvent::Failed { .. } => {}
            },
            Happening::WorkflowStartRefused { .. }
            | Happening::WorkflowParked { .. }
            | Happening::WorkflowPaused { .. }
            | Happening::WorkflowResumed
            | Happening::WorkflowRetried { .. }
            | Happening::WorkflowCancelling { .. }
            | Happening::StepScheduled { .. }
            | Happening::StepStarted { .. }
            | Happening::StepWaiting { .. }
            | Happening::StepResumed { .. }
            | Happening::WorkflowSignalRefused { .. }
            | Happening::WorkflowUpdated { .. }
            | Happening::StepExpanded { .. }
            | Happening::WorkflowPending { .. }
            | Happening::WorkflowAdmitted
            | Happening::WorkflowStuck { .. }
            | Happening::SagaStarted { .. }
            | Happening::SagaStepCompensated { .. }
            | Happening::SagaStepSkipped { .. }
            | Happening::SagaStuck { .. }
            | Happening::SagaCompleted { .. }
            | Happening::SagaResolved { .. }
            | Happening::SagaRetried { .. } => {}
        }
    }
}

/// The job that the next input is about.
fn job_of<'a>(state: &'a Execution, input: &'a Input) -> Option<&'a JobSpec> {
    match (&state.stage, input) {
        (Stage::Unborn(_), Input::Start(start)) => start.job.as_deref(),
        (_, _) => state.job(),
    }
}

/// The plan that the next input needs: that of the execution, or that which the input names.
fn plan_needed<'a>(state: Option<&'a Execution>, input: Option<&'a Input>) -> Option<(&'a Name, u32)> {
    match (state.map(|state| &state.stage), input) {
        // A job is its own definition.
        (Some(Stage::Running(run) | Stage::Parked { run, .. }), _) if run.job.is_some() => None,
        (Some(Stage::Unbound { start, .. }), _) if start.job.is_some() => None,
        (None | Some(Stage::Unborn(_)), Some(Input::Start(start))) if start.job.is_some() => None,
        (Some(Stage::Running(run) | Stage::Parked { run, .. }), _) => Some((&run.workflow, run.version)),
        (None | Some(Stage::Unborn(_)), Some(Input::Start(start))) if !start.again => {
            Some((&start.workflow, start.version?))
        }
        (Some(Stage::Unbound { start, .. }), Some(Input::Bound(bound))) => Some((&start.workflow, bound.version)),
        (Some(Stage::Unborn(_) | Stage::Unbound { .. } | Stage::Over(_)) | None, _) => None,
    }
}
