//! The claim of an attempt whose effect may have to be undone: once its start is on the log, the owner is asked again.
//!
//! So whoever reads the log can tell: an attempt whose start is not there before a cancel never ran. And one whose start is there is
//! answered for, so that nobody has to wait for it in vain.

use std::pin::pin;

use sagaline_events::Task;
use sagaline_model::StepError;

use super::{Ended, Host, TaskPorts, doubt::is_wanted, hold::Hold, prepare::Prepared, running::Begun};

/// `Err`: what is to be done with the task instead of running it.
pub(super) async fn claim<'a, P: TaskPorts, H: Host>(
    hold: &Hold<'a, P>,
    host: &H,
    task: &Task,
    begun: &Begun<'_>,
    is_only_copy: bool,
) -> Result<(), Prepared<'a>> {
    let wanted = if begun.is_revoked() {
        false
    } else {
        let Ok(wanted) = hold.keep_while_ours(pin!(is_wanted(hold.ports(), task))).await else {
            return Err(Prepared::Lost);
        };
        host.asked(wanted);
        // What was told while the answer was under way is newer than the answer.
        wanted && !begun.is_revoked()
    };
    match (wanted, hold.is_ours()) {
        (_, false) => Err(Prepared::Lost),
        (true, true) => Ok(()),
        // Nobody else had it before, and whoever gets it later is told that it is not wanted.
        (false, true) if is_only_copy => Err(Prepared::Failed(not_begun())),
        // A copy of it may run elsewhere, and it is for that one to answer.
        (false, true) => Err(Prepared::Unwanted),
    }
}

fn not_begun() -> StepError {
    let why = "nobody wanted it any more when it was about to begin: it has done nothing";
    StepError::new(StepError::NOT_BEGUN, why).final_()
}

/// What an attempt that was told to stop says of itself: a failure then does not mean that nothing was done.
pub(super) fn as_far_as_known(ended: Ended, was_told_to_stop: bool) -> Ended {
    let is_known = [StepError::TIMEOUT, StepError::HEARTBEAT_TIMEOUT, StepError::CANCELLED];
    match ended {
        Ended::Failed(error) if was_told_to_stop && !is_known.contains(&error.kind.as_str()) => {
            let message = format!("it was told to stop, and failed with {}: {}", error.kind, error.message);
            Ended::Failed(StepError { kind: StepError::CANCELLED.to_owned(), message, ..error })
        }
        Ended::Failed(_)
        | Ended::Succeeded(_)
        | Ended::Skipped(_)
        | Ended::Snoozed { .. }
        | Ended::Awaits { .. }
        | Ended::Expanded(_)
        | Ended::Late => ended,
    }
}
