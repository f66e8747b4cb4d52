//! An execution that was cancelled, while those at work tidy up.

use sagaline_events::{TimerKind, TimerName};
use sagaline_model::Moment;
use serde::{Deserialize, Serialize};

use super::{Run, State};
use crate::weight;

/// Nothing begins any more; until then the answers of those at work count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cleanup {
    pub since: Moment,
    pub until: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether what it did is undone then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
}

impl Cleanup {
    pub(super) fn timer(&self) -> (Moment, TimerName) {
        (self.until, TimerName::of_execution(TimerKind::Cleanup))
    }

    pub(super) fn weight(&self) -> usize {
        self.reason.as_deref().map_or(0, weight::of_text)
    }
}

impl Run {
    /// From now on its own time does not run out any more: that for tidying up does.
    pub(crate) fn begin_cleanup(&mut self, cleanup: Cleanup) {
        self.set_deadline(None);
        self.index.timers.insert(cleanup.timer());
        self.index.weight += cleanup.weight();
        self.cleanup = Some(cleanup);
    }

    pub(crate) fn end_cleanup(&mut self) -> Option<Cleanup> {
        let cleanup = self.cleanup.take()?;
        self.index.timers.remove(&cleanup.timer());
        self.index.weight -= cleanup.weight();
        Some(cleanup)
    }
}

impl State {
    /// Whether a worker may be at work on it, and tidy up. One that is to say when it begins, and did not, has not begun.
    pub(crate) fn may_tidy_up(&self) -> bool {
        match self {
            Self::Dispatched(task) => !task.course.beside && (task.report.is_some() || !task.is_reported()),
            _ => false,
        }
    }

    /// Whether others are inside of it, some of which may be at work.
    pub(crate) fn holds_steps(&self) -> bool {
        match self {
            Self::Open { .. } | Self::Looping(_) | Self::Expanding(_) => true,
            Self::Dispatched(_)
            | Self::BackingOff { .. }
            | Self::Snoozed { .. }
            | Self::Waiting { .. }
            | Self::Awaiting { .. }
            | Self::Delegated(_)
            | Self::Queued { .. }
            | Self::Gathering(_)
            | Self::Approving(_)
            | Self::Halted { .. }
            | Self::Asking(_)
            | Self::AwaitingEvent(_)
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Cancelled { .. } => false,
        }
    }
}
