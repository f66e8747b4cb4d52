//! Why an execution that was accepted has not begun: its time has not come.

use sagaline_events::ask::Why;
use sagaline_model::Moment;

use crate::state::Run;

pub(super) fn why(id: &str, run: &Run, time: Moment) -> Why {
    Why {
        step: None,
        state: "pending".into(),
        cause: "it was started to begin later".into(),
        since: run.started,
        ends: format!("it begins at {time}"),
        until: Some(time),
        command: format!("sagaline cancel {id}"),
        worker_of: None,
    }
}
