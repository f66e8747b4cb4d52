//! Lifecycle events: what anyone may follow on `<ns>.lifecycle.>`.

use sagaline_model::{ExecutionId, Moment, Name, Span, StepError};
use serde::Serialize;

use crate::{
    FramePath,
    job::{JobEvent, JobHappening},
};

/// Something that happened to an execution, and which one.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifecycle {
    pub workflow: Name,
    pub version: u32,
    pub execution: ExecutionId,
    pub at: Moment,
    pub happening: Happening,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    WorkflowStarted {
        trigger: Option<String>,
        parent: Option<String>,
    },
    WorkflowCompleted {
        duration: Span,
    },
    WorkflowFailed {
        duration: Span,
        error: StepError,
        step: Option<FramePath>,
        attempts: Option<u32>,
    },
    WorkflowCancelled {
        duration: Span,
        reason: Option<String>,
    },
    WorkflowTimedOut {
        duration: Span,
    },
    WorkflowStartRefused {
        error: StepError,
    },
    WorkflowParked {
        cause: String,
    },
    WorkflowPaused {
        reason: Option<String>,
    },
    WorkflowResumed,
    WorkflowRetried {
        attempt: u32,
        error: StepError,
        step: Option<FramePath>,
        next_at: Moment,
    },
    StepScheduled {
        step: FramePath,
        attempt: u32,
    },
    StepStarted {
        step: FramePath,
        attempt: u32,
        worker: Option<String>,
    },
    StepCompleted {
        step: FramePath,
        attempt: u32,
        duration: Span,
    },
    StepFailed {
        step: FramePath,
        attempt: u32,
        error: StepError,
        next_at: Option<Moment>,
    },
    StepTimedOut {
        step: FramePath,
        attempt: u32,
        next_at: Option<Moment>,
    },
    StepSkipped {
        step: FramePath,
        reason: String,
    },
    StepCancelled {
        step: FramePath,
        attempt: u32,
    },
    StepWaiting {
        step: FramePath,
        wait_for: String,
        until: Option<Moment>,
    },
    StepResumed {
        step: FramePath,
    },
    WorkflowSignalRefused {
        signal: Name,
        error: StepError,
    },
    WorkflowUpdated {
        update: Name,
        id: String,
    },
    StepExpanded {
        step: FramePath,
        attempt: u32,
        steps: usize,
    },
    WorkflowPending {
        wait_for: String,
        until: Option<Moment>,
    },
    WorkflowAdmitted,
    WorkflowCancelling {
        reason: Option<String>,
        until: Moment,
    },
    WorkflowRolledBack {
        duration: Span,
        error: Option<StepError>,
        step: Option<FramePath>,
        reason: Option<String>,
    },
    WorkflowStuck {
        step: FramePath,
        error: StepError,
    },
    SagaStarted {
        steps: usize,
    },
    SagaStepCompensated {
        step: FramePath,
        attempt: u32,
    },
    SagaStepSkipped {
        step: FramePath,
        reason: String,
        by: Option<String>,
    },
    SagaStuck {
        step: FramePath,
        error: StepError,
    },
    SagaCompleted {
        duration: Span,
        steps: usize,
    },
    SagaResolved {
        by: Option<String>,
        why: String,
    },
    SagaRetried {
        step: FramePath,
        by: Option<String>,
        why: Option<String>,
    },
    /// To an execution that is a job.
    Job(JobHappening),
}

/// The data of a lifecycle event on the wire: the fields that a kind has are there, the others are left out.
#[derive(Serialize, Default)]
struct Wire<'a> {
    workflow: &'a str,
    version: u32,
    execution: &'a str,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_ref: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_ref: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a StepError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    will_retry: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    wait_for: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'a str>,
}

impl Happening {
    /// The two subject tokens after `lifecycle`: what it happened to, and what.
    pub fn name(&self) -> (&'static str, &'static str) {
        match self {
            Self::WorkflowStarted { .. } => ("workflow", "started"),
            Self::WorkflowCompleted { .. } => ("workflow", "completed"),
            Self::WorkflowFailed { .. } => ("workflow", "failed"),
            Self::WorkflowCancelled { .. } => ("workflow", "cancelled"),
            Self::WorkflowTimedOut { .. } => ("workflow", "timed_out"),
            Self::WorkflowStartRefused { .. } => ("workflow", "start_refused"),
            Self::WorkflowParked { .. } => ("workflow", "parked"),
            Self::WorkflowPaused { .. } => ("workflow", "paused"),
            Self::WorkflowResumed => ("workflow", "resumed"),
            Self::WorkflowRetried { .. } => ("workflow", "retried"),
            Self::StepScheduled { .. } => ("step", "scheduled"),
            Self::StepStarted { .. } => ("step", "started"),
            Self::StepCompleted { .. } => ("step", "completed"),
            Self::StepFailed { .. } => ("step", "failed"),
            Self::StepTimedOut { .. } => ("step", "timed_out"),
            Self::StepSkipped { .. } => ("step", "skipped"),
            Self::StepCancelled { .. } => ("step", "cancelled"),
            Self::StepWaiting { .. } => ("step", "waiting"),
            Self::StepResumed { .. } => ("step", "resumed"),
            Self::WorkflowSignalRefused { .. } => ("workflow", "signal_refused"),
            Self::WorkflowUpdated { .. } => ("workflow", "updated"),
            Self::StepExpanded { .. } => ("step", "expanded"),
            Self::WorkflowPending { .. } => ("workflow", "pending"),
            Self::WorkflowAdmitted => ("workflow", "admitted"),
            Self::WorkflowCancelling { .. } => ("workflow", "cancelling"),
            Self::WorkflowRolledBack { .. } => ("workflow", "rolled_back"),
            Self::WorkflowStuck { .. } => ("workflow", "stuck"),
            Self::SagaStarted { .. } => ("saga", "started"),
            Self::SagaStepCompensated { .. } => ("saga", "step_compensated"),
            Self::SagaStepSkipped { .. } => ("saga", "step_skipped"),
            Self::SagaStuck { .. } => ("saga", "stuck"),
            Self::SagaCompleted { .. } => ("saga", "completed"),
            Self::SagaResolved { .. } => ("saga", "resolved"),
            Self::SagaRetried { .. } => ("saga", "retried"),
            Self::Job(job) => ("job", job.what.name()),
        }
    }

    /// The step that it happened to, if it did not happen to the execution as a whole.
    pub fn step(&self) -> Option<&FramePath> {
        match self {
            Self::StepScheduled { step, .. }
            | Self::StepStarted { step, .. }
            | Self::StepCompleted { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepTimedOut { step, .. }
            | Self::StepSkipped { step, .. }
            | Self::StepCancelled { step, .. }
            | Self::StepWaiting { step, .. }
            | Self::StepResumed { step }
            | Self::StepExpanded { step, .. }
            | Self::SagaStepCompensated { step, .. }
            | Self::SagaStepSkipped { step, .. }
            | Self::SagaStuck { step, .. }
            | Self::SagaRetried { step, .. } => Some(step),
            Self::WorkflowStarted { .. }
            | Self::WorkflowCompleted { .. }
            | Self::WorkflowFailed { .. }
            | Self::WorkflowCancelled { .. }
            | Self::WorkflowTimedOut { .. }
            | Self::WorkflowStartRefused { .. }
            | Self::WorkflowParked { .. }
            | Self::WorkflowPaused { .. }
            | Self::WorkflowResumed
            | Self::WorkflowSignalRefused { .. }
            | Self::WorkflowUpdated { .. }
            | Self::WorkflowRetried { .. }
            | Self::WorkflowCancelling { .. }
            | Self::WorkflowRolledBack { .. }
            | Self::WorkflowStuck { .. }
            | Self::SagaStarted { .. }
            | Self::SagaCompleted { .. }
            | Self::SagaResolved { .. } => None,
            Self::WorkflowPending { .. } | Self::WorkflowAdmitted => None,
            Self::Job(_) => None,
        }
    }

    /// The CloudEvent type.
    pub fn kind(&self) -> String {
        let (kind, what) = self.name();
        ["sagaline.", kind, ".", what, ".v1"].concat()
    }

    /// Whether the execution is over with this.
    pub fn ends_the_execution(&self) -> bool {
        matches!(
            self,
            Self::WorkflowCompleted { .. }
                | Self::WorkflowFailed { .. }
                | Self::WorkflowCancelled { .. }
                | Self::WorkflowTimedOut { .. }
                | Self::WorkflowStartRefused { .. }
                | Self::WorkflowRolledBack { .. }
        ) || matches!(self, Self::Job(job) if job.what.is_end())
    }
}

/// Where the input and the output of an execution can be read; only the shell that publishes knows.
#[derive(Clone, Copy, Default)]
pub struct Refs<'a> {
    pub input: Option<&'a str>,
    pub output: Option<&'a str>,
}

impl Lifecycle {
    /// The JSON data.
    pub fn data(&self, refs: Refs<'_>) -> Vec<u8> {
        let wire = Wire {
            workflow: self.workflow.as_str(),
            version: self.version,
            execution: self.execution.as_str(),
            at: self.at.to_string(),
            ..Wire::default()
        };
        serde_json::to_vec(&self.fill(wire, refs)).expect("lifecycle events have string keys only")
    }

    fn fill<'a>(&'a self, wire: Wire<'a>, refs: Refs<'a>) -> Wire<'a> {
        let millis = |span: &Span| Some(span.as_millis());
        let path = |step: &'a FramePath| Some(step.as_str());
        match &self.happening {
            Happening::WorkflowStarted { trigger, parent } => {
                Wire { trigger: trigger.as_deref(), parent: parent.as_deref(), input_ref: refs.input, ..wire }
            }
            Happening::WorkflowCompleted { duration } => {
                Wire { duration_ms: millis(duration), output_ref: refs.output, ..wire }
            }
            Happening::WorkflowFailed { duration, error, step, attempts } => Wire {
                duration_ms: millis(duration),
                error: Some(error),
                step: step.as_ref().map(FramePath::as_str),
                attempts: *attempts,
                ..wire
            },
            Happening::WorkflowCancelled { duration, reason } => {
                Wire { duration_ms: millis(duration), reason: reason.as_deref(), ..wire }
            }
            Happening::WorkflowTimedOut { duration } => Wire { duration_ms: millis(duration), ..wire },
            Happening::WorkflowStartRefused { error } => Wire { error: Some(error), ..wire },
            Happening::WorkflowParked { cause } => Wire { cause: Some(cause), ..wire },
            Happening::WorkflowPaused { reason } => Wire { reason: reason.as_deref(), ..wire },
            Happening::WorkflowCancelling { reason, until } => {
                Wire { reason: reason.as_deref(), until: Some(*until), ..wire }
            }
            Happening::WorkflowRetried { attempt, error, step, next_at } => Wire {
                attempt: Some(*attempt),
                error: Some(error),
                step: step.as_ref().map(FramePath::as_str),
                next_at: Some(*next_at),
                ..wire
            },
            Happening::WorkflowResumed | Happening::WorkflowAdmitted => wire,
            Happening::WorkflowPending { wait_for, until } => Wire { wait_for: Some(wait_for), until: *until, ..wire },
            Happening::StepScheduled { step, attempt } | Happening::StepCancelled { step, attempt } => {
                Wire { step: path(step), attempt: Some(*attempt), ..wire }
            }
            Happening::StepStarted { step, attempt, worker } => {
                Wire { step: path(step), attempt: Some(*attempt), worker: worker.as_deref(), ..wire }
            }
            Happening::StepCompleted { step, attempt, duration } => {
                Wire { step: path(step), attempt: Some(*attempt), duration_ms: millis(duration), ..wire }
            }
            Happening::StepFailed { step, attempt, error, next_at } => Wire {
                step: path(step),
                attempt: Some(*attempt),
                error: Some(error),
                will_retry: Some(next_at.is_some()),
                next_at: *next_at,
                ..wire
            },
            Happening::StepTimedOut { step, attempt, next_at } => Wire {
                step: path(step),
                attempt: Some(*attempt),
                will_retry: Some(next_at.is_some()),
                next_at: *next_at,
                ..wire
            },
            Happening::StepSkipped { step, reason } => Wire { step: path(step), reason: Some(reason), ..wire },
            Happening::StepWaiting { step, wait_for, until } => {
                Wire { step: path(step), wait_for: Some(wait_for), until: *until, ..wire }
            }
            Happening::StepResumed { step } => Wire { step: path(step), ..wire },
            Happening::WorkflowSignalRefused { signal, error } => {
                Wire { signal: Some(signal.as_str()), error: Some(error), ..wire }
            }
            Happening::WorkflowUpdated { update, id } => Wire { update: Some(update.as_str()), id: Some(id), ..wire },
            Happening::StepExpanded { step, attempt, steps } => {
                Wire { step: path(step), attempt: Some(*attempt), steps: Some(*steps), ..wire }
            }
            Happening::WorkflowRolledBack { duration, error, step, reason } => Wire {
                duration_ms: millis(duration),
                error: error.as_ref(),
                step: step.as_ref().map(FramePath::as_str),
                reason: reason.as_deref(),
                ..wire
            },
            Happening::WorkflowStuck { step, error } | Happening::SagaStuck { step, error } => {
                Wire { step: path(step), error: Some(error), ..wire }
            }
            Happening::SagaStarted { steps } => Wire { steps: Some(*steps), ..wire },
            Happening::SagaStepCompensated { step, attempt } => {
                Wire { step: path(step), attempt: Some(*attempt), ..wire }
            }
            Happening::SagaStepSkipped { step, reason, by } => {
                Wire { step: path(step), reason: Some(reason), by: by.as_deref(), ..wire }
            }
            Happening::SagaCompleted { duration, steps } => {
                Wire { duration_ms: millis(duration), steps: Some(*steps), ..wire }
            }
            Happening::SagaResolved { by, why } => Wire { by: by.as_deref(), why: Some(why), ..wire },
            Happening::SagaRetried { step, by, why } => {
                Wire { step: path(step), by: by.as_deref(), why: why.as_deref(), ..wire }
            }
            Happening::Job(job) => {
                let (activity, queue) = (Some(job.activity.as_str()), Some(job.queue.as_str()));
                let wire = Wire { activity, queue, attempt: Some(job.attempt), ..wire };
                match &job.what {
                    JobEvent::Scheduled { until } => Wire { until: Some(*until), ..wire },
                    JobEvent::Enqueued => wire,
                    JobEvent::Started { worker } => Wire { worker: worker.as_deref(), ..wire },
                    JobEvent::Completed { duration } => {
                        Wire { duration_ms: millis(duration), output_ref: refs.output, ..wire }
                    }
                    JobEvent::Failed { error, next_at } => {
                        Wire { error: Some(error), will_retry: Some(next_at.is_some()), next_at: *next_at, ..wire }
                    }
                    JobEvent::Dead { error, duration } => {
                        Wire { error: Some(error), duration_ms: millis(duration), ..wire }
                    }
                    JobEvent::Cancelled { reason, duration } => {
                        Wire { reason: reason.as_deref(), duration_ms: millis(duration), ..wire }
                    }
                }
            }
        }
    }
}
