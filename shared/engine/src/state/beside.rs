//! What runs beside an execution, and is no part of its tree.

use sagaline_events::FramePath;
use serde::{Deserialize, Serialize};

use super::{Run, State};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// How many there were: each has a path of its own.
    #[serde(default)]
    pub made: u32,
    /// Whether the end waits for nothing else.
    #[serde(default)]
    pub alone: bool,
}

impl Beside {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl State {
    /// Whether it is at work for something that runs beside the execution.
    pub(crate) fn is_beside(&self) -> bool {
        match self {
            Self::Dispatched(task) => task.course.beside,
            Self::Asking(asking) => asking.course.beside,
            Self::BackingOff { course, .. } | Self::Snoozed { course, .. } | Self::Queued { course, .. } => {
                course.beside
            }
            Self::Waiting { .. }
            | Self::Awaiting { .. }
            | Self::Open { .. }
            | Self::Looping(_)
            | Self::Halted { .. }
            | Self::Expanding(_)
            | Self::Delegated(_)
            | Self::Gathering(_)
            | Self::Approving(_)
            | Self::AwaitingEvent(_)
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Cancelled { .. } => false,
        }
    }
}

impl Run {
    /// The path of the next one.
    pub(crate) fn next_beside(&mut self, first: &FramePath) -> FramePath {
        self.beside.made += 1;
        first.visit_of_root(self.beside.made)
    }
}
