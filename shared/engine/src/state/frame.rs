//! A step in an execution: which node of the plan it is, since when, and in which state; and what can be told of it by that.

use sagaline_events::{FramePath, TimerKind, TimerName};
use sagaline_model::{Moment, Name, StepError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Approving, Asking, AwaitingEvent, Course, Delegated, Dispatched, Expanding, Gathering, Loop, TaskInput};
use crate::compiled::{CompiledDag, NodeId};

/// A node of the plan in this execution, from when its needs are satisfied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    pub node: NodeId,
    pub since: Moment,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A task is in its queue or with a worker.
    Dispatched(Dispatched),
    /// The last attempt failed; the next one comes at `due`.
    BackingOff {
        failed: u32,
        since: Moment,
        due: Moment,
        error: StepError,
        #[serde(default)]
        input: TaskInput,
        #[serde(default, skip_serializing_if = "Course::is_plain")]
        course: Course,
    },
    /// The last attempt said that it is too early; the next one comes at `due`.
    Snoozed {
        attempt: u32,
        since: Moment,
        due: Moment,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
        input: TaskInput,
        course: Course,
    },
    /// A wait until `due`.
    Waiting {
        due: Moment,
    },
    /// A wait for a signal.
    Awaiting {
        signal: Name,
        until: Option<Moment>,
    },
    /// Steps inside are at work.
    Open {
        /// Which of the node's dags they are of.
        #[serde(default, skip_serializing_if = "is_first")]
        branch: u32,
        dag: OpenDag,
        merged: Map<String, Value>,
        /// What the steps of a `catch` mend.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caught: Option<StepError>,
    },
    /// Items of a loop are worked on.
    Looping(Loop),
    /// A child does it.
    Delegated(Delegated),
    Completed {
        at: Moment,
        attempt: u32,
        output: Value,
    },
    Failed {
        at: Moment,
        attempt: u32,
        error: StepError,
    },
    Skipped {
        at: Moment,
        attempt: u32,
        reason: String,
    },
    Cancelled {
        at: Moment,
        attempt: u32,
    },
    /// The next attempt waits until fewer steps are at work.
    Queued {
        /// The attempt before it; 0 for the first.
        before: u32,
        ticket: u64,
        since: Moment,
        #[serde(default)]
        input: TaskInput,
        #[serde(default, skip_serializing_if = "Course::is_plain")]
        course: Course,
    },
    /// A wait for several signals.
    Gathering(Gathering),
    /// A wait for somebody who approves or rejects.
    Approving(Approving),
    /// Steps that it returned are worked on.
    Expanding(Box<Expanding>),
    /// No attempt is left; it is tried again when somebody lets the execution go on.
    Halted {
        at: Moment,
        attempt: u32,
        error: StepError,
    },
    /// The next attempt waits at one of its gates, or for what its breaker says.
    Asking(Asking),
    /// A wait for an event.
    AwaitingEvent(Box<AwaitingEvent>),
}

/// How far the children of a dag are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenDag {
    /// For each child: how many of its needs are not satisfied yet.
    pub unmet: Vec<u32>,
    /// How many children are not done.
    pub open: u32,
    /// For each child that needs any of several: how many of those are not done; 0 once the need is satisfied. Empty if no child
    /// does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any: Vec<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_first(branch: &u32) -> bool {
    *branch == 0
}

impl OpenDag {
    pub(crate) fn of(dag: &CompiledDag) -> Self {
        let any = if dag.any.iter().all(|any| *any == 0) { vec![] } else { dag.any.clone() };
        Self { unmet: dag.needs.clone(), open: u32::try_from(dag.children.len()).unwrap_or(u32::MAX), any }
    }
}

impl State {
    /// The timer that is armed while a frame is in this state.
    pub fn timer(&self, path: &FramePath) -> Option<(Moment, TimerName)> {
        let timer = |at, kind, attempt| Some((at, TimerName::of_frame(kind, path, attempt)));
        match self {
            Self::Dispatched(task) => {
                let (ends, kind) = task.limit()?;
                timer(ends, kind, task.attempt)
            }
            Self::BackingOff { failed, due, .. } => timer(*due, TimerKind::Retry, *failed),
            Self::Snoozed { attempt, due, .. } => timer(*due, TimerKind::Snooze, *attempt),
            Self::Waiting { due } => timer(*due, TimerKind::Wait, 0),
            Self::Awaiting { until, .. } => timer((*until)?, TimerKind::AwaitTimeout, 0),
            Self::Queued { before, course, .. } => timer(course.deadline?, TimerKind::TotalTimeout, *before),
            Self::Delegated(delegated) => {
                let (at, kind) = delegated.timer();
                timer(at, kind, delegated.looks)
            }
            Self::Gathering(gathering) => timer(gathering.until?, TimerKind::AwaitTimeout, 0),
            Self::Approving(approving) => timer(approving.until?, TimerKind::AwaitTimeout, approving.attempt),
            Self::Asking(asking) => {
                let (ends, kind) = asking.limit();
                timer(ends, kind, asking.attempt)
            }
            Self::AwaitingEvent(waiting) => {
                let (due, kind) = waiting.timer();
                timer(due, kind, 0)
            }
            Self::Open { .. }
            | Self::Looping(_)
            | Self::Halted { .. }
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Cancelled { .. }
            | Self::Expanding(_) => None,
        }
    }

    /// Whether a task, a timer or a signal is in flight for it.
    pub fn is_in_flight(&self) -> bool {
        match self {
            Self::Dispatched(_)
            | Self::BackingOff { .. }
            | Self::Snoozed { .. }
            | Self::Waiting { .. }
            | Self::Awaiting { .. }
            | Self::Delegated(_)
            | Self::Gathering(_)
            | Self::Approving(_)
            | Self::Asking(_)
            | Self::AwaitingEvent(_) => true,
            Self::Open { .. }
            | Self::Looping(_)
            | Self::Queued { .. }
            | Self::Halted { .. }
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Cancelled { .. }
            | Self::Expanding(_) => false,
        }
    }

    /// The signals that it waits for.
    pub fn awaits(&self) -> &[Name] {
        match self {
            Self::Awaiting { signal, .. } => std::slice::from_ref(signal),
            Self::Gathering(gathering) => &gathering.missing,
            Self::Approving(_)
            | Self::Dispatched(_)
            | Self::BackingOff { .. }
            | Self::Snoozed { .. }
            | Self::Waiting { .. }
            | Self::Open { .. }
            | Self::Looping(_)
            | Self::Queued { .. }
            | Self::Delegated(_)
            | Self::Halted { .. }
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Cancelled { .. }
            | Self::Expanding(_)
            | Self::Asking(_)
            | Self::AwaitingEvent(_) => &[],
        }
    }

    pub fn is_done(&self) -> bool {
        let is_open = matches!(
            self,
            Self::Open { .. } | Self::Looping(_) | Self::Queued { .. } | Self::Expanding(_) | Self::Halted { .. }
        );
        !self.is_in_flight() && !is_open
    }

    pub fn attempt(&self) -> u32 {
        match self {
            Self::Dispatched(dispatched) => dispatched.attempt,
            Self::Asking(asking) => asking.attempt,
            Self::BackingOff { failed, .. } => *failed,
            Self::Queued { before, .. } => *before,
            Self::Snoozed { attempt, .. }
            | Self::Completed { attempt, .. }
            | Self::Halted { attempt, .. }
            | Self::Failed { attempt, .. }
            | Self::Skipped { attempt, .. }
            | Self::Cancelled { attempt, .. } => *attempt,
            Self::Approving(approving) => approving.attempt,
            Self::Waiting { .. }
            | Self::Awaiting { .. }
            | Self::Gathering(_)
            | Self::AwaitingEvent(_)
            | Self::Open { .. }
            | Self::Looping(_)
            | Self::Delegated(_)
            // What it returned is no attempt any more.
            | Self::Expanding(_) => 0,
        }
    }

    /// Whether it is that of a task of this attempt.
    pub(crate) fn is_task(&self, attempt: u32) -> bool {
        matches!(self, Self::Dispatched(task) if task.attempt == attempt)
    }
}
