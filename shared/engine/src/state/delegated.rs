//! A node whose work an execution of another workflow does.

use sagaline_events::{FramePath, Parent, TimerKind};
use sagaline_model::{ExecutionId, Moment, Span};
use serde::{Deserialize, Serialize};

use super::TaskInput;

/// What has been waited for so long is asked after; then after twice as long, and so on.
const FIRST_LOOK: Span = Span::from_secs(60);
const LONGEST_PAUSE: Span = Span::from_secs(24 * 3600);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delegated {
    pub child: ExecutionId,
    /// What it is started with, should its start be lost.
    #[serde(default)]
    pub input: TaskInput,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// When it is asked how it ended: its answer may have been lost.
    pub look: Moment,
    /// How often it was asked.
    #[serde(default)]
    pub looks: u32,
}

impl Delegated {
    pub(crate) fn since(at: Moment, child: ExecutionId, input: TaskInput, until: Option<Moment>) -> Self {
        Self { child, input, until, look: at + FIRST_LOOK, looks: 0 }
    }

    /// It was asked; the next time comes later each time.
    pub(crate) fn looked(self, at: Moment) -> Self {
        let pause = Span::from_secs(FIRST_LOOK.as_secs() << (self.looks + 1).min(11)).min(LONGEST_PAUSE);
        Self { look: at + pause, looks: self.looks + 1, ..self }
    }

    /// What comes first: the end of the patience, or the time to ask.
    pub(crate) fn timer(&self) -> (Moment, TimerKind) {
        match self.until {
            Some(until) if until <= self.look => (until, TimerKind::ChildTimeout),
            Some(_) | None => (self.look, TimerKind::ChildLook),
        }
    }
}

/// How a child knows who waits for it.
pub(crate) fn parent(execution: &ExecutionId, path: &FramePath, waits: bool) -> Parent {
    Parent { execution: execution.clone(), path: path.clone(), waits }
}
