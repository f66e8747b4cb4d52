//! Jobs: executions of one step that no definition is needed for.
//!
//! What most jobs of a kind have in common makes their plan, so that many share one; what is each one's own is read from its
//! state. A job runs no expression: its payload is the input of its step, and what that returns is its output.

use sagaline_events::{
    FramePath,
    job::{JobStatus, JobView},
};
use sagaline_model::{Conduct, Dag, DeadLetters, JobSpec, Kind, Moment, Name, Node, Plan, Step, StepLimits};
use serde_json::Value;

use crate::{
    compiled::{CompileError, Compiled},
    effect::Dispatch,
    state::{Outcome, Run, State},
    weight,
};

/// Jobs have no versions.
pub const VERSION: u32 = 0;

const STEP: &str = "job";

/// About what a job weighs besides its payload and its metadata.
const WEIGHT: usize = 1024;

/// Whether the same plan is that of both.
pub fn is_alike(one: &JobSpec, other: &JobSpec) -> bool {
    one.activity == other.activity
        && one.queue == other.queue
        && one.timeout == other.timeout
        && one.heartbeat == other.heartbeat
        && one.retry == other.retry
        && one.gates == other.gates
}

/// The plan of a job, made ready to run.
pub fn compiled(job: &JobSpec) -> Result<Compiled, CompileError> {
    Compiled::new(plan(job), VERSION)
}

/// One step. Its limits are durations that were read as such.
pub fn plan(job: &JobSpec) -> Plan {
    let step = Step {
        activity: job.activity.clone(),
        queue: job.queue.clone(),
        input: Value::Null,
        timeout: job.timeout.map(|timeout| timeout.to_string()),
        limits: StepLimits { heartbeat: job.heartbeat.map(|heartbeat| heartbeat.to_string()), ..StepLimits::default() },
        retry: job.retry.clone(),
        metadata: Value::Null,
        expand: None,
        breaker: None,
        compensate: None,
        gates: job.gates.clone(),
    };
    let name = Name::new(STEP).expect("`job` is a name");
    Plan {
        workflow: job.workflow(),
        rules: Plan::RULES_OF_STARTS,
        note: None,
        input_schema: None,
        triggers: vec![],
        timeout: None,
        tags: vec![],
        root: Dag { nodes: vec![Node::new(name, Kind::Step(step))] },
        output: None,
        handlers: Default::default(),
        conduct: Conduct { dead_letter: Some(DeadLetters { ttl: DeadLetters::TTL }), ..Conduct::default() },
        exchange: Default::default(),
        concurrency: None,
        // That of its spec is asked for: jobs that are alike in all else have one plan.
        unique: None,
        config: Default::default(),
    }
}

pub(crate) fn weight(job: &JobSpec) -> usize {
    WEIGHT + weight::of_map(&job.metadata)
}

impl Run {
    fn job_state(&self) -> Option<&State> {
        self.frames.get(STEP).map(|frame| &frame.state)
    }

    /// The attempt of its step that came last.
    pub(crate) fn job_attempt(&self) -> u32 {
        self.job_state().map_or(0, State::attempt)
    }

    /// Whether an attempt is out.
    pub(crate) fn is_job_at_work(&self) -> bool {
        matches!(self.job_state(), Some(State::Dispatched(_)))
    }

    /// What its step returned.
    pub(crate) fn job_output(&self) -> Value {
        match self.job_state() {
            Some(State::Completed { output, .. }) => output.clone(),
            _ => Value::Null,
        }
    }

    /// The task with what is this execution's own: the keys of the one of which it is another try, and what a job was given.
    pub(crate) fn with_own(&self, task: Dispatch) -> Dispatch {
        let origin = self.origin.clone();
        match &self.job {
            None => Dispatch { origin, ..task },
            Some(job) if job.metadata.is_empty() => Dispatch { origin, input: self.input.clone(), ..task },
            Some(job) => {
                let metadata = Value::Object(job.metadata.clone());
                Dispatch { origin, input: self.input.clone(), metadata, ..task }
            }
        }
    }

    /// A word for how the job is, while it is not over.
    pub(crate) fn job_status(&self) -> JobStatus {
        match self.job_state() {
            _ if self.begins_at().is_some() => JobStatus::Scheduled,
            Some(State::Dispatched(task)) if task.report.is_some() => JobStatus::Active,
            Some(State::BackingOff { .. }) => JobStatus::Retrying,
            Some(State::Snoozed { .. }) => JobStatus::Scheduled,
            _ => JobStatus::Pending,
        }
    }

    /// When it is put into its queue, or again.
    pub(crate) fn job_next_at(&self) -> Option<Moment> {
        self.begins_at().or_else(|| match self.job_state()? {
            State::BackingOff { due, .. } | State::Snoozed { due, .. } => Some(*due),
            _ => None,
        })
    }

    /// How people see the job; nothing if it is none. `outcome`: how it ended.
    pub(crate) fn job_view(&self, outcome: Option<&Outcome>) -> Option<JobView> {
        let job = self.job.as_deref()?;
        let (mut error, mut worker) = (None, None);
        match self.job_state() {
            Some(State::BackingOff { error: fault, .. }) => error = Some(fault.clone()),
            Some(State::Dispatched(task)) => worker = task.report.as_ref().and_then(|report| report.worker.clone()),
            _ => {}
        }
        Some(JobView {
            status: outcome.map_or_else(|| self.job_status(), ended),
            attempt: self.job_attempt(),
            next_at: self.job_next_at(),
            error,
            worker,
            ..before(job)
        })
    }
}

/// A job of which nothing has begun.
pub(crate) fn before(job: &JobSpec) -> JobView {
    JobView {
        activity: job.activity.clone(),
        queue: job.queue.clone(),
        status: JobStatus::Pending,
        attempt: 0,
        attempts: job.retry.attempts,
        next_at: None,
        error: None,
        worker: None,
        deadline: job.deadline,
        retention: job.retention,
        metadata: job.metadata.clone(),
    }
}

pub(crate) fn ended(outcome: &Outcome) -> JobStatus {
    match outcome {
        Outcome::Completed { .. } => JobStatus::Completed,
        Outcome::Failed { .. } | Outcome::TimedOut | Outcome::RolledBack { .. } => JobStatus::Dead,
        Outcome::Cancelled { .. } => JobStatus::Cancelled,
        Outcome::Refused { .. } => JobStatus::Failed,
    }
}

/// The place of the step of every job.
pub fn step() -> FramePath {
    FramePath::root(&Name::new(STEP).expect("`job` is a name"))
}
