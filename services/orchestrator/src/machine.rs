//! Executions as the state machine of a partition: entries to inputs, effects to acts.
//!
//! The engine decides; here its effects get their names on the wire. No clock, and no I/O but to count and to log.

mod acts;
mod company;
pub mod glance;
mod listing;
mod plans;
mod spans;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use sagaline_broker::{
    machine::{Act, Machine, Need, Origin, QueuedTask, Read, Rejection},
    names::Names,
    ports::{Bucket, Entry, Message},
};
use sagaline_engine::{Compiled, Effect, Execution, Stage};
use sagaline_events::{
    Happening, Input,
    ask::{Answer, Ask, Reply},
    input::{FILLER, OWNER_MARK},
    record::ExecutionView,
};
use sagaline_model::{ExecutionId, Moment, Name, partition_of};
use sagaline_telemetry::{metrics, traces::tell_span};

use self::{acts::Wire, glance::Glance, plans::Plans};

/// The executions of one partition.
pub struct Executions {
    wire: Wire,
    partition: u32,
    partitions: u32,
    plans: Plans,
    shared: glance::Shared,
}

impl Executions {
    pub fn new(names: Names, partition: u32, partitions: u32) -> Self {
        Self {
            wire: Wire::new(names, partition, partitions),
            partition,
            partitions,
            plans: Plans::default(),
            shared: glance::Shared::default(),
        }
    }

    fn plan_of(&self, state: &Execution) -> Option<&Arc<Compiled>> {
        let (workflow, version) = state.plan()?;
        self.plans.get(workflow, version)
    }
}

impl Machine for Executions {
    type State = Execution;
    type Input = Input;
    type Glance = Glance;

    fn read(&self, entry: &Entry) -> Result<Read<Input>, Rejection> {
        let reject = |reason, detail: String| Rejection { reason, detail };
        let content = entry.content.as_ref().map_err(|why| reject("not_a_cloudevent", why.clone()))?;
        if content.kind == OWNER_MARK || content.kind == FILLER {
            return Ok(Read::Mark);
        }
        let (partition, execution, end) = self
            .wire
            .names()
            .parse_run(&entry.subject)
            .ok_or_else(|| reject("bad_subject", format!("`{}` names no execution", entry.subject)))?;
        if let Err(fault) = ExecutionId::new(execution) {
            return Err(reject("bad_id", fault.to_string()));
        }
        let home = partition_of(execution, self.partitions);
        if partition != self.partition || home != self.partition {
            let detail = format!("`{execution}` belongs to partition {home}, not to {}", self.partition);
            return Err(reject("wrong_partition", detail));
        }
        let input = Input::read(&content.kind, &content.data).map_err(|fault| {
            let cause = std::error::Error::source(&fault).map(|cause| format!(": {cause}")).unwrap_or_default();
            reject("bad_input", format!("{fault}{cause}"))
        })?;
        let own_subject = if matches!(input, Input::Start(_)) { "start" } else { "in" };
        if end != own_subject {
            let detail = format!("a `{}` goes to `….{own_subject}`, this came on `….{end}`", content.kind);
            return Err(reject("bad_subject", detail));
        }
        Ok(Read::Input(execution.into(), input))
    }

    fn needs(&self, state: Option<&Execution>, input: Option<&Input>) -> Option<Need> {
        let (workflow, version) = plan_needed(state, input)?;
        (!self.plans.knows(workflow, version))
            .then(|| Need { bucket: Bucket::Definitions, key: Names::definition_key(workflow.as_str(), version) })
    }

    fn learn(&mut self, need: &Need, value: Option<Bytes>) {
        self.plans.learn(&need.key, value.as_deref());
    }

    fn fresh(&self, key: &Arc<str>) -> Execution {
        Execution::unborn(ExecutionId::new(&**key).expect("`read` lets only ids through"))
    }

    fn apply(&mut self, key: &Arc<str>, state: &mut Execution, input: Input, origin: &Origin) -> Vec<Act> {
        let needed = plan_needed(Some(state), Some(&input)).map(|(workflow, version)| (workflow.clone(), version));
        let plan = needed.as_ref().and_then(|(workflow, version)| self.plans.get(workflow, *version));
        let at = origin.time;
        if let (Stage::Unborn(_), Input::Start(_)) = (&state.stage, &input) {
            state.trace = origin.traceparent.as_deref().and_then(|traceparent| traceparent.parse().ok());
        }
        let open = spans::Open::of(self.wire.trace(state), state);
        // A defect of the engine must not stop the partition: it sets that one execution aside, on every replica alike.
        let applied =
            catch_unwind(AssertUnwindSafe(|| sagaline_engine::apply(state, plan.map(|plan| &**plan), &input, at)));
        let effects = applied.unwrap_or_else(|panic| {
            let cause = panic.downcast_ref::<String>().cloned();
            let cause = cause.or_else(|| panic.downcast_ref::<&str>().map(|cause| (*cause).to_owned()));
            let cause = cause.unwrap_or_else(|| "the engine stopped at a defect".to_owned());
            tracing::error!(execution = &**key, cause, "parked: the engine stopped at a defect");
            let (workflow, version) = needed.clone().unwrap_or_else(|| (Name::new("unknown").expect("a name"), 0));
            let parked = Execution::parked_by_defect(self.fresh(key).id, workflow, version, cause.clone(), at);
            *state = Execution { trace: state.trace, ..parked };
            vec![Effect::Tell(Happening::WorkflowParked { cause })]
        });
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

    fn found(&mut self, _key: &Arc<str>, state: &Execution, value: Option<Bytes>) -> Vec<Act> {
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

    fn tasks(&self, _key: &Arc<str>, state: &Execution) -> Vec<QueuedTask> {
        let Some(plan) = self.plan_of(state) else { return vec![] };
        let tasks = state.tasks(plan);
        let trace = self.wire.trace(state);
        let tasks = tasks.into_iter();
        tasks.map(|task| self.wire.task(&state.id, &plan.plan.workflow, plan.version, task, trace.as_ref())).collect()
    }

    fn resume(&self, _key: &Arc<str>, state: &Execution) -> Vec<Act> {
        match &state.stage {
            Stage::Unbound { start, .. } if start.again => vec![self.wire.recall(&state.id)],
            Stage::Unbound { start, .. } => vec![acts::look_up(&start.workflow, start.version)],
            Stage::Unborn(_) | Stage::Running(_) | Stage::Over(_) | Stage::Parked { .. } => vec![],
        }
    }

    fn next_timer(&self, state: &Execution) -> Option<Moment> {
        state.next_timer().map(|(at, _)| at)
    }

    fn timer(&self, _key: &Arc<str>, state: &Execution) -> Option<Message> {
        let (_, timer) = state.next_timer()?;
        Some(self.wire.input(&state.id, &Input::Timer(timer.clone()), "timer"))
    }

    fn ending(&self, state: &Execution) -> Option<Vec<u8>> {
        let view = state.is_over().then(|| state.view(None))??;
        Some(serde_json::to_vec(&view).expect("a view has text keys only"))
    }

    fn stands_alone(&self, state: &Execution) -> bool {
        state.stands_alone()
    }

    fn rests(&self, state: &Execution) -> bool {
        state.rests()
    }

    fn seal(&self, key: &Arc<str>, glance: Option<&Glance>, cause: &str, at: Moment) -> Option<Execution> {
        let id = ExecutionId::new(&**key).ok()?;
        Some(match glance {
            Some(glance) => glance.sealed(id, cause, at),
            None => Execution::parked_by_defect(id, Name::new("unknown").expect("a name"), 0, cause.to_owned(), at),
        })
    }

    fn is_idle(&self, state: &Execution, now: Moment) -> bool {
        state.is_blank(now)
    }

    fn snapshot(&self, state: &Execution) -> Vec<u8> {
        state.to_snapshot()
    }

    fn restore(&self, json: &[u8]) -> Result<Execution, String> {
        Execution::from_snapshot(json).map_err(|fault| fault.to_string())
    }

    fn answer(&self, ask: &Ask, state: Option<&Execution>) -> Answer {
        let plan = state.and_then(|state| self.plan_of(state)).map(|plan| &**plan);
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
        }
    }

    fn glance(&mut self, state: &Execution) -> Option<Glance> {
        Some(self.shared.glance(&state.overview()?))
    }

    fn listed(&self, ask: &Ask, key: &str, glance: &Glance) -> Option<ExecutionView> {
        listing::listed(ask, key, glance)
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
            | Happening::WorkflowTimedOut { duration } => metrics.completed(what, (*duration).into()),
            Happening::StepFailed { next_at: Some(_), .. } | Happening::StepTimedOut { next_at: Some(_), .. } => {
                metrics.step_retries.increment(1);
            }
            Happening::StepCompleted { .. }
            | Happening::StepFailed { .. }
            | Happening::StepTimedOut { .. }
            | Happening::StepSkipped { .. }
            | Happening::StepCancelled { .. } => metrics.step_done(what),
            Happening::WorkflowStartRefused { .. }
            | Happening::WorkflowParked { .. }
            | Happening::WorkflowPaused { .. }
            | Happening::WorkflowResumed
            | Happening::WorkflowRetried { .. }
            | Happening::StepScheduled { .. }
            | Happening::StepStarted { .. }
            | Happening::StepWaiting { .. }
            | Happening::StepResumed { .. }
            | Happening::WorkflowSignalRefused { .. }
            | Happening::WorkflowUpdated { .. }
            | Happening::StepExpanded { .. } => {}
        }
    }
}

/// The plan that the next input needs: that of the execution, or that which the input names.
fn plan_needed<'a>(state: Option<&'a Execution>, input: Option<&'a Input>) -> Option<(&'a Name, u32)> {
    match (state.map(|state| &state.stage), input) {
        (Some(Stage::Running(run) | Stage::Parked { run, .. }), _) => Some((&run.workflow, run.version)),
        (None | Some(Stage::Unborn(_)), Some(Input::Start(start))) if !start.again => {
            Some((&start.workflow, start.version?))
        }
        (Some(Stage::Unbound { start, .. }), Some(Input::Bound(bound))) => Some((&start.workflow, bound.version)),
        (Some(Stage::Unborn(_) | Stage::Unbound { .. } | Stage::Over(_)) | None, _) => None,
    }
}
