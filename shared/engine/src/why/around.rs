//! What is true of a reason because of what is around it: it handles an end, it runs beside, time is limited for all.

use sagaline_events::{FramePath, ask::Why};

use super::cause_of;
use crate::state::{Frame, Run};

/// Says with each reason what ends it besides what it says itself, and what it does not hold up.
pub(super) fn add(reasons: &mut [Why], run: &Run) {
    for reason in reasons {
        let frame = reason.step.as_ref().and_then(|step| run.frames.get(step));
        if frame.is_some_and(is_beside) {
            reason.ends.push_str("; it runs beside the execution, and only the end waits for it");
        }
        if let Some(outcome) = &run.ending {
            reason
                .ends
                .push_str(&format!("; how the execution ends is known, whatever comes of this: {}", cause_of(outcome)));
        }
        if let Some(cleanup) = run.cleanup.as_ref().filter(|_| frame.is_some()) {
            let until = cleanup.until;
            reason
                .ends
                .push_str(&format!("; it was told to stop, nobody else is given it, and at {until} it is given up"));
        }
        if let Some(deadline) = run.deadline {
            reason.ends.push_str(&format!("; at {deadline} the workflow's timeout ends the whole execution"));
        }
    }
}

fn is_beside(frame: &Frame) -> bool {
    frame.state.is_beside()
}

/// What is said of a step that has failed and waits to be let go on.
pub(crate) fn halted(step: &FramePath, error: &sagaline_model::StepError) -> String {
    format!("step `{step}` failed with {}: {}", error.kind, error.message)
}
