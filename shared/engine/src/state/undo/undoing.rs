//! An execution that has ended such that what it did is undone: first those at work settle, then a saga is asked.

use std::collections::BTreeMap;

use sagaline_events::{FramePath, SagaStatus, TimerKind, TimerName};
use sagaline_model::{Moment, StepError};
use serde::{Deserialize, Serialize};

use super::weight::weight_of_child;
use crate::state::{Delegated, Outcome, Run, asked_again};

/// An execution that has ended such that what it did is undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undoing {
    pub since: Moment,
    /// How it ended.
    pub outcome: Outcome,
    pub phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Those that were at work may still have had their effect, and children have to be over.
    Settling {
        /// Answers are waited for until then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Moment>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        children: BTreeMap<FramePath, Delegated>,
    },
    /// A saga does it.
    Asked(Asked),
}

/// A saga that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    pub at: Moment,
    /// How many steps are undone.
    pub steps: usize,
    /// How often it was asked for, or how it stands, since it last said something.
    pub times: u32,
    /// When it is asked next.
    pub look: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SagaStatus>,
    /// Where it is stuck, and by what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<(FramePath, StepError)>,
}

/// How a saga ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SagaEnd {
    pub status: SagaStatus,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compensated: Vec<FramePath>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<FramePath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Undoing {
    pub(super) fn timers(&self) -> Vec<(Moment, TimerName)> {
        match &self.phase {
            Phase::Settling { until, children } => {
                let settle = until.map(|until| (until, TimerName::of_execution(TimerKind::Settle)));
                settle.into_iter().chain(children.iter().map(child_timer)).collect()
            }
            Phase::Asked(asked) => vec![asked.timer()],
        }
    }

    pub(crate) fn is_asked(&self) -> bool {
        matches!(self.phase, Phase::Asked(_))
    }

    pub(crate) fn is_stuck(&self) -> bool {
        matches!(&self.phase, Phase::Asked(asked) if asked.status == Some(SagaStatus::Stuck))
    }
}

fn child_timer((path, child): (&FramePath, &Delegated)) -> (Moment, TimerName) {
    (child.look, TimerName::of_frame(TimerKind::ChildLook, path, child.looks))
}

impl Asked {
    pub(crate) fn timer(&self) -> (Moment, TimerName) {
        (self.look, TimerName::of_execution(TimerKind::SagaLook))
    }

    /// NATS did not take the request.
    pub(crate) fn is_refused(&self) -> bool {
        self.stuck.iter().any(|(_, error)| error.kind == StepError::SAGA_REFUSED)
    }

    /// It is asked: nothing was heard of it for long.
    pub(crate) fn again(&mut self, at: Moment) {
        self.times += 1;
        self.look = asked_again(self.times, at);
    }

    /// It has said something.
    pub(crate) fn heard(&mut self, at: Moment) {
        self.times = 1;
        self.look = asked_again(1, at);
    }
}

impl Run {
    /// Whether what it did is being undone.
    pub(crate) fn is_undoing(&self) -> bool {
        self.undo.undoing.is_some()
    }

    /// How far it is with being undone; the index is kept true.
    pub(crate) fn set_undoing(&mut self, undoing: Option<Undoing>) -> Option<Undoing> {
        self.index.weight += undoing.as_ref().map_or(0, Undoing::weight);
        let before = std::mem::replace(&mut self.undo.undoing, undoing.map(Box::new));
        if let Some(before) = &before {
            self.index.weight -= before.weight();
            for timer in before.timers() {
                self.index.timers.remove(&timer);
            }
        }
        self.index.timers.extend(self.undo.undoing.iter().flat_map(|undoing| undoing.timers()));
        before.map(|before| *before)
    }

    /// Changes what is known of the saga.
    pub(crate) fn change_asked(&mut self, change: impl FnOnce(&mut Asked)) {
        let Some(Undoing { phase: Phase::Asked(asked), .. }) = self.undo.undoing.as_deref_mut() else { return };
        self.index.timers.remove(&asked.timer());
        self.index.weight -= asked.weight();
        change(asked);
        self.index.timers.insert(asked.timer());
        self.index.weight += asked.weight();
    }

    /// A child that is to be over before anything is undone.
    pub(crate) fn parting_child(&self, path: &FramePath) -> Option<&Delegated> {
        match &self.undo.undoing.as_deref()?.phase {
            Phase::Settling { children, .. } => children.get(path),
            Phase::Asked(_) => None,
        }
    }

    /// Puts another in its place, or none.
    pub(crate) fn set_parting_child(&mut self, path: &FramePath, child: Option<Delegated>) {
        let Some(Undoing { phase: Phase::Settling { children, .. }, .. }) = self.undo.undoing.as_deref_mut() else {
            return;
        };
        if let Some(before) = children.remove(path) {
            self.index.timers.remove(&child_timer((path, &before)));
            self.index.weight -= weight_of_child((path, &before));
        }
        if let Some(child) = child {
            self.index.timers.insert(child_timer((path, &child)));
            self.index.weight += weight_of_child((path, &child));
            children.insert(path.clone(), child);
        }
    }
}
