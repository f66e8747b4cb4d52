//! An execution as people see it.

mod inside;

use std::collections::{BTreeMap, BTreeSet};

use sagaline_events::{
    FramePath,
    job::{JobStatus, JobView},
    record::{ExecutionView, ItemsView, Status, StepStatus, StepView},
};
use sagaline_model::{ActivityName, JobSpec, Moment, Name, Plan, StepError};
use serde_json::Value;

use crate::{
    compiled::{Compiled, CompiledKind, CompiledNode},
    job,
    nodes::Nodes,
    state::{Execution, Frame, Outcome, Run, Slots, Stage, State},
};

/// What there is to know of a job without looking at its data.
#[derive(Clone, Debug, PartialEq)]
pub struct JobGlance<'a> {
    pub activity: &'a ActivityName,
    pub queue: &'a Name,
    pub status: JobStatus,
    pub attempt: u32,
    pub attempts: u32,
    pub next_at: Option<Moment>,
}

/// What there is to know of an execution without looking at its steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview<'a> {
    pub workflow: &'a Name,
    pub version: u32,
    pub status: Status,
    pub started_at: Moment,
    pub ended_at: Option<Moment>,
    pub reason: Option<&'a str>,
    pub tags: &'a BTreeMap<String, String>,
    /// When it begins, if it does later.
    pub begins_at: Option<Moment>,
    /// Set if it is a job.
    pub job: Option<JobGlance<'a>>,
}

impl<'a> JobGlance<'a> {
    fn before(job: &'a JobSpec) -> Self {
        let (activity, queue, attempts) = (&job.activity, &job.queue, job.retry.attempts);
        Self { activity, queue, status: JobStatus::Pending, attempt: 0, attempts, next_at: None }
    }

    fn of(job: &'a JobView) -> Self {
        let JobView { activity, queue, status, attempt, attempts, next_at, .. } = job;
        Self { activity, queue, status: *status, attempt: *attempt, attempts: *attempts, next_at: *next_at }
    }
}

impl Run {
    fn job_glance(&self) -> Option<JobGlance<'_>> {
        let job = self.job.as_deref()?;
        let (status, attempt, next_at) = (self.job_status(), self.job_attempt(), self.job_next_at());
        Some(JobGlance { status, attempt, next_at, ..JobGlance::before(job) })
    }
}

impl Execution {
    /// It at a glance; nothing if it has not started.
    pub fn overview(&self) -> Option<Overview<'_>> {
        let open = |workflow, version, status, started_at, tags| {
            Some(Overview {
                workflow,
                version,
                status,
                started_at,
                ended_at: None,
                reason: None,
                tags,
                begins_at: None,
                job: None,
            })
        };
        match &self.stage {
            Stage::Unborn(_) => None,
            Stage::Unbound { start, started, .. } => {
                let version = start.version.unwrap_or(0);
                let pending = open(&start.workflow, version, Status::Pending, *started, &start.tags)?;
                Some(Overview { job: start.job.as_deref().map(JobGlance::before), ..pending })
            }
            Stage::Running(run) => {
                let open = open(&run.workflow, run.version, status_of(run), run.started, &run.tags)?;
                Some(Overview { begins_at: run.begins_at(), job: run.job_glance(), ..open })
            }
            Stage::Parked { run, cause, .. } => {
                let parked = open(&run.workflow, run.version, Status::Parked, run.started, &run.tags)?;
                Some(Overview { reason: Some(cause), job: run.job_glance(), ..parked })
            }
            Stage::Over(over) => {
                let (status, reason) = match &over.outcome {
                    Outcome::Completed { .. } => (Status::Completed, None),
                    Outcome::Failed { .. } | Outcome::Refused { .. } => (Status::Failed, None),
                    Outcome::Cancelled { reason } => (Status::Cancelled, reason.as_deref()),
                    Outcome::TimedOut => (Status::TimedOut, None),
                    Outcome::RolledBack { cause, .. } => (Status::RolledBack, cause.causes().2),
                };
                let ended = open(&over.workflow, over.version, status, over.started, &over.tags)?;
                let job = over.job.as_deref().map(JobGlance::of);
                Some(Overview { ended_at: Some(over.ended), reason, job, ..ended })
            }
        }
    }

    /// What `get` shows; nothing if it has not started. `plan` is that of [`Execution::plan`].
    pub fn view(&self, plan: Option<&Compiled>) -> Option<ExecutionView> {
        let blank = |workflow, version, started_at, status| ExecutionView {
            execution: self.id.clone(),
            workflow,
            version,
            status,
            started_at,
            ended_at: None,
            output: Value::Null,
            error: None,
            failed_step: None,
            reason: None,
            tags: BTreeMap::new(),
            steps: vec![],
            parent: None,
            queries: BTreeMap::new(),
            attempt: None,
            replies: Default::default(),
            undo: vec![],
            begins_at: None,
            job: None,
        };
        match &self.stage {
            Stage::Unborn(_) => None,
            Stage::Unbound { start, started, .. } => Some(ExecutionView {
                tags: start.tags.clone(),
                parent: start.parent.clone(),
                job: start.job.as_deref().map(|job| Box::new(job::before(job))),
                ..blank(start.workflow.clone(), start.version.unwrap_or(0), *started, Status::Pending)
            }),
            Stage::Running(run) => {
                let mut view = ExecutionView {
                    tags: run.tags.clone(),
                    reason: match &run.cleanup {
                        Some(cleanup) => cleanup.reason.clone(),
                        None => run.paused.as_ref().and_then(|paused| paused.reason.clone()),
                    },
                    attempt: run.attempt(),
                    steps: plan.map(|plan| step_views(run, self.nodes(plan), run.ending.as_ref())).unwrap_or_default(),
                    parent: run.parent.clone(),
                    begins_at: run.begins_at(),
                    job: run.job_view(None).map(Box::new),
                    ..blank(run.workflow.clone(), run.version, run.started, status_of(run))
                };
                if let Some(undoing) = &run.undo.undoing {
                    says(&mut view, &undoing.outcome);
                }
                Some(view)
            }
            Stage::Parked { run, cause, .. } => Some(ExecutionView {
                tags: run.tags.clone(),
                reason: Some(cause.clone()),
                steps: plan.map(|plan| step_views(run, self.nodes(plan), None)).unwrap_or_default(),
                parent: run.parent.clone(),
                job: run.job_view(None).map(Box::new),
                ..blank(run.workflow.clone(), run.version, run.started, Status::Parked)
            }),
            Stage::Over(over) => {
                let mut view = ExecutionView {
                    ended_at: Some(over.ended),
                    tags: over.tags.clone(),
                    steps: over.steps.clone(),
                    parent: over.parent.clone(),
                    queries: over.queries.clone(),
                    attempt: over.attempt,
                    undo: over.undo.clone(),
                    job: over.job.clone(),
                    replies: over.replies.iter().map(|it| (it.id.clone(), it.reply.clone())).collect(),
                    ..blank(over.workflow.clone(), over.version, over.started, Status::Completed)
                };
                match &over.outcome {
                    Outcome::Completed { output } => view.output = output.clone(),
                    Outcome::Failed { error, step, .. } => {
                        view.status = Status::Failed;
                        view.error = Some(error.clone());
                        view.failed_step = step.as_ref().map(ToString::to_string);
                    }
                    Outcome::Cancelled { reason } => {
                        view.status = Status::Cancelled;
                        view.reason.clone_from(reason);
                    }
                    Outcome::TimedOut => view.status = Status::TimedOut,
                    Outcome::Refused { error } => {
                        view.status = Status::Failed;
                        view.error = Some(error.clone());
                    }
                    Outcome::RolledBack { cause, .. } => {
                        view.status = Status::RolledBack;
                        says(&mut view, cause);
                    }
                }
                Some(view)
            }
        }
    }
}

/// How it ended that is being undone.
fn says(view: &mut ExecutionView, cause: &Outcome) {
    let (error, step, reason) = cause.causes();
    view.error = error.cloned();
    view.failed_step = step.map(ToString::to_string);
    view.reason = reason.map(str::to_owned);
}

/// Waiting: only on people, signals, events or time.
fn status_of(run: &Run) -> Status {
    if let Some(undoing) = &run.undo.undoing {
        return if undoing.is_stuck() { Status::Stuck } else { Status::Compensating };
    }
    if run.paused.is_some() {
        return Status::Paused;
    }
    if run.is_pending() || run.begins_at().is_some() {
        return Status::Pending;
    }
    if run.between_rounds().is_some() || run.index.tasks + run.index.other_work > 0 {
        Status::Running
    } else {
        Status::Waiting
    }
}

/// Every step of the plan, in the order of the definition; those that a step returned come behind it while it is at work on them.
/// `ending`: how it ends, if that is known.
pub(crate) fn step_views(run: &Run, plan: Nodes<'_>, ending: Option<&Outcome>) -> Vec<StepView> {
    let mut views = vec![];
    // Of a job there is more to say, and it says it itself.
    if run.job.is_some() {
        return views;
    }
    add_views(run, plan, &plan.nodes, &mut views);
    if let Some(Outcome::RolledBack { saga, .. }) = ending {
        let undone: BTreeSet<&str> = saga.compensated.iter().map(FramePath::as_str).collect();
        for view in views.iter_mut().filter(|view| is_undone(&undone, view, plan)) {
            view.status = StepStatus::Compensated;
        }
    }
    views
}

/// Whether the step, or what its child did, is undone.
fn is_undone(undone: &BTreeSet<&str>, view: &StepView, plan: Nodes<'_>) -> bool {
    if undone.contains(view.step.as_str()) {
        return true;
    }
    let name = view.step.rsplit('/').next().unwrap_or(&view.step);
    let node = plan.find(name).map(|id| plan.node(id));
    let below = format!("{}/", view.step);
    let first = undone.range(below.as_str()..).next();
    node.is_some_and(|node| matches!(node.kind, CompiledKind::Child { .. }))
        && first.is_some_and(|path| path.starts_with(&below))
}

fn add_views(run: &Run, plan: Nodes<'_>, nodes: &[CompiledNode], into: &mut Vec<StepView>) {
    let view = |node: &CompiledNode| {
        let frame = run.frames.get(&node.path);
        let (error, reason) = match frame.map(|frame| &frame.state) {
            Some(State::Failed { error, .. } | State::BackingOff { error, .. } | State::Halted { error, .. }) => {
                (Some(error.clone()), None)
            }
            Some(State::Skipped { reason, .. }) => (None, Some(reason.clone())),
            Some(State::Queued { .. }) => (None, run.slots.map(Slots::told)),
            Some(State::Snoozed { reason, .. }) if !reason.is_empty() => (None, Some(reason.clone())),
            Some(_) | None => (None, None),
        };
        let attempt = frame.map_or(0, |frame| frame.state.attempt());
        let items = frame.and_then(items);
        let status = match frame {
            None if has_completed(run, plan, node) => StepStatus::Completed,
            None if was_passed_by(run, plan, node) => StepStatus::Skipped,
            frame => step_status(frame),
        };
        let child = match frame.map(|frame| &frame.state) {
            Some(State::Delegated(delegated)) => Some(delegated.child.clone()),
            Some(_) | None => None,
        };
        let inside = inside::views(run, plan, node);
        StepView { step: node.path.to_string(), status, attempt, error, reason, items, child, inside }
    };
    // The steps inside of a loop have a frame for each item: the loop says how far they are, and how they stand.
    // What handles an end is listed where it ran.
    let is_listed = |node: &&CompiledNode| !node.looped && (!node.handles || run.frames.contains_key(&node.path));
    for node in nodes.iter().filter(is_listed) {
        into.push(view(node));
        if let Some(State::Expanding(expanding)) = run.frames.get(&node.path).map(|frame| &frame.state)
            && let Some(graft) = plan.graft(expanding.base)
        {
            add_views(run, plan, &graft.compiled().nodes, into);
        }
    }
}

/// How far a step is that does several things.
fn items(frame: &Frame) -> Option<ItemsView> {
    match &frame.state {
        State::Looping(looping) => Some(ItemsView { total: looping.len(), done: looping.done() }),
        State::Expanding(it) => Some(ItemsView { total: it.len(), done: it.done() }),
        _ => None,
    }
}

/// Whether it was returned by a step that is at work still, and completed: then no frame of it is left.
fn has_completed(run: &Run, plan: Nodes<'_>, node: &CompiledNode) -> bool {
    let Some(parent) = node.parent.map(|id| plan.node(id)) else { return false };
    match run.frames.get(&parent.path).map(|frame| &frame.state) {
        Some(State::Expanding(expanding)) => expanding.results.contains_key(node.name.as_str()),
        Some(_) => false,
        None => has_completed(run, plan, parent),
    }
}

/// Whether what holds a node is done, or at work on another part, without the node having been begun. Records of executions by
/// older rules do not say so.
fn was_passed_by(run: &Run, plan: Nodes<'_>, node: &CompiledNode) -> bool {
    if run.rules < Plan::RULES_OF_CONTROL {
        return false;
    }
    let Some(parent) = node.parent.map(|id| plan.node(id)) else { return false };
    match run.frames.get(&parent.path).map(|frame| &frame.state) {
        Some(State::Open { branch, .. }) => *branch != node.branch,
        Some(State::Completed { .. } | State::Skipped { .. }) => true,
        Some(_) => false,
        None => was_passed_by(run, plan, parent),
    }
}

pub(crate) fn step_status(frame: Option<&Frame>) -> StepStatus {
    let Some(frame) = frame else { return StepStatus::Pending };
    match &frame.state {
        State::Dispatched(task) if task.report.is_none() && task.is_reported() => StepStatus::Scheduled,
        State::Dispatched(_) | State::Open { .. } | State::Looping(_) | State::Expanding(_) => StepStatus::Running,
        State::BackingOff { .. } => StepStatus::BackingOff,
        State::Delegated(_) => StepStatus::Running,
        // A breaker that is not open answers in milliseconds.
        State::Asking(asking) if !asking.waits() => StepStatus::Scheduled,
        State::Snoozed { .. }
        | State::Waiting { .. }
        | State::Awaiting { .. }
        | State::Queued { .. }
        | State::Gathering(_)
        | State::Approving(_)
        | State::AwaitingEvent(_)
        | State::Asking(_) => StepStatus::Waiting,
        State::Completed { .. } => StepStatus::Completed,
        State::Failed { error, .. } if error.kind == StepError::TIMEOUT => StepStatus::TimedOut,
        State::Failed { .. } | State::Halted { .. } => StepStatus::Failed,
        State::Skipped { .. } => StepStatus::Skipped,
        State::Cancelled { .. } => StepStatus::Cancelled,
    }
}
