//! An attempt that waits for what its breaker says.

use sagaline_events::{EntityKey, FramePath, Ticket, TimerKind};
use sagaline_model::{ExecutionId, Moment};
use serde::{Deserialize, Serialize};

use super::{Course, TaskInput};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asking {
    pub attempt: u32,
    pub entity: EntityKey,
    /// When it was first asked for this attempt.
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
}

impl Asking {
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
