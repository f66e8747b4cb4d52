//! What a schedule wants done. Each has a name, and doing it twice is harmless.

use sagaline_events::{ScheduleHappening, Start};
use sagaline_model::{ExecutionId, Moment};

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Begin this execution. The id is that of the tick: a second start of it is refused. It tells when it has ended, if its start
    /// says so.
    Start { execution: ExecutionId, scheduled_at: Moment, start: Box<Start> },
    /// Cancel an execution that was started before.
    Cancel { execution: ExecutionId, reason: String },
    /// Ask whether it has ended: it tells again, or that nothing is known of it.
    Watch { execution: ExecutionId },
    /// Tell everyone.
    Tell(ScheduleHappening),
    /// This input may not be applied; keep it where an operator finds it.
    Reject { reason: &'static str, detail: String },
}
