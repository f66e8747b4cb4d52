//! What can be told of a frame by the state that it is in.

use sagaline_events::{FramePath, TimerKind, TimerName};
use sagaline_model::{Moment, Name};

use super::State;

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
}
