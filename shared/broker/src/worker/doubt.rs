//! Whether a delivered task may be a copy of one that has run, and the question that settles it.
//!
//! The law: a task is asked about before it runs unless it is certainly the only copy.

use std::time::Duration;

use sagaline_events::{
    Task,
    ask::{Answer, Ask},
};
use sagaline_model::Span;

use super::{Delivery, Session, TaskPorts};

/// A task stored within this time of its cause was published by the owner that met the cause, not by a later one. Where a queue
/// remembers Msg-Ids for less than twice as long, half of that counts.
pub const CAUSE_WITHIN: Span = Span::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A partition gets a new owner within a few seconds.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whether nobody else can have been given this task, or a copy of it.
pub(super) fn is_only_copy(delivery: &Delivery, task: &Task, session: Session) -> bool {
    delivery.delivered == 1
        && !delivery.repeat
        && delivery.session == session.number
        && delivery.stored.since(task.cause) <= session.cause_within
        // Whatever is older may have been delivered before the server forgot that it had been.
        && session.since.is_some_and(|since| since < task.cause)
}

/// Whether some worker may have begun this very task before.
pub(super) fn may_have_begun(delivery: &Delivery, task: &Task, session: Session) -> bool {
    // What is older than the session may have been delivered before the server forgot that it had been.
    delivery.delivered != 1 || session.since.is_none_or(|since| task.cause <= since)
}

/// Whether another worker may have this in hand, and have been unable to say so to the server: a task from before the session. The
/// server has forgotten that it delivered it, or heard no sign of life while the connection or the consumer was away.
pub(super) fn may_be_elsewhere(task: &Task, session: Session) -> bool {
    session.since.is_none_or(|since| task.cause <= since)
}

/// Asks the owner until it says whether the attempt is still waited for.
pub(super) async fn is_wanted<P: TaskPorts>(ports: &P, task: &Task) -> bool {
    let Task { execution, path, attempt, .. } = task;
    let ask = Ask::Wanted { execution: execution.clone(), path: path.clone(), attempt: *attempt };
    let mut pause = FIRST_PAUSE;
    loop {
        match ports.ask(&task.ask, &ask).await {
            Some(Answer::Wanted(wanted)) => return wanted,
            // The owner has folded everything and does not know the execution: it ended.
            Some(Answer::Unknown) => return false,
            // The partition is on its way to another owner.
            Some(Answer::Refused(why)) => {
                tracing::debug!(%execution, step = %path, attempt, why = why.message, "nobody says yet whether a task is wanted");
            }
            Some(other) => {
                tracing::warn!(%execution, step = %path, attempt, ?other, "the owner did not understand whether a task is wanted");
            }
            None => tracing::debug!(%execution, step = %path, attempt, "no owner answers whether a task is wanted"),
        }
        ports.pause(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
