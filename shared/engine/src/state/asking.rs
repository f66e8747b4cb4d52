//! An attempt that waits at one of its gates, or for what its breaker says.

use sagaline_events::{EntityKey, FramePath, Ticket, TimerKind, entity::EntityKind};
use sagaline_model::{ExecutionId, Moment};
use serde::{Deserialize, Serialize};

use super::{Course, TaskInput};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asking {
    pub attempt: u32,
    /// Who is asked now.
    pub entity: EntityKey,
    /// When the first of all was asked.
    pub since: Moment,
    /// How often it was asked since it last said something.
    pub times: u32,
    /// When it is asked again.
    pub again: Moment,
    /// Whether that is because the breaker is open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delayed: bool,
    #[serde(default)]
    pub input: TaskInput,
    #[serde(default, skip_serializing_if = "Course::is_plain")]
    pub course: Course,
    /// Where it stands among its gates, if it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Box<AtGates>>,
}

/// An attempt on its way through its gates. The breaker, if it has one, comes behind the last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AtGates {
    /// Which gates of the step, and what they are for this attempt, in the order in which they are asked.
    pub list: Vec<(u32, EntityKey)>,
    /// How many it has passed.
    pub passed: usize,
    /// When it may pass this one, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Moment>,
    /// How often it came too late for its turn.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u32,
    /// Until when the attempt may begin that has passed a rate: the last one counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin_by: Option<Moment>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(missed: &u32) -> bool {
    *missed == 0
}

impl AtGates {
    /// The one at which it stands; nothing once all are passed.
    pub(crate) fn at(&self) -> Option<&(u32, EntityKey)> {
        self.list.get(self.passed)
    }

    /// The places that it has.
    pub(crate) fn held(&self) -> impl Iterator<Item = &EntityKey> {
        self.list[..self.passed.min(self.list.len())].iter().map(|(_, entity)| entity).filter(|entity| is_place(entity))
    }
}

/// Whether it is given back. A turn is not.
pub(crate) fn is_place(entity: &EntityKey) -> bool {
    entity.kind() == EntityKind::Limit
}

impl Asking {
    /// Whom it has asked that waits for a last word from it.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &EntityKey> {
        let held = self.gates.iter().flat_map(|gates| gates.held());
        held.chain(std::iter::once(&self.entity).filter(|entity| entity.kind() != EntityKind::Rate))
    }

    /// Whether it stands at a gate and not at its breaker.
    pub(crate) fn is_at_gate(&self) -> bool {
        self.gates.as_ref().is_some_and(|gates| gates.at().is_some())
    }

    /// Whether it may be a while until it goes on. A breaker that is not open, and a rate, answer in milliseconds.
    pub(crate) fn waits(&self) -> bool {
        self.delayed
            || self
                .gates
                .as_ref()
                .is_some_and(|gates| gates.turn.is_some() || gates.at().is_some_and(|(_, entity)| is_place(entity)))
    }
    pub(crate) fn ticket(&self, execution: ExecutionId, path: &FramePath) -> Ticket {
        Ticket { since: self.since, execution, path: Some(path.clone()), attempt: self.attempt }
    }

    /// What ends the waiting first, if time does.
    pub(crate) fn limit(&self) -> (Moment, TimerKind) {
        let again = (self.again, TimerKind::AskAgain);
        let total = self.course.deadline.map(|deadline| (deadline, TimerKind::TotalTimeout));
        total.filter(|(deadline, _)| *deadline <= self.again).unwrap_or(again)
    }
}
