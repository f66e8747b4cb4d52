//! The place of an execution: of those that are counted together, so many run at once.

use sagaline_events::{EntityKey, Ticket, TimerKind, TimerName};
use sagaline_model::{ExecutionId, Moment, Span};
use serde::{Deserialize, Serialize};

use super::Run;

/// Of what nothing was heard for so long is asked for again; then for twice as long, and so on.
const ASKED_AGAIN: Span = Span::from_secs(60);

/// The pause is doubled so often at most.
const DOUBLED_MOST: u32 = 6;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub entity: EntityKey,
    /// When it was asked for.
    pub since: Moment,
    pub state: PlaceState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceState {
    /// It waits for it, and has asked so often.
    Asked { times: u32, again: Moment },
    /// It has it.
    Granted { at: Moment },
}

impl PlaceState {
    pub(crate) fn is_granted(self) -> bool {
        matches!(self, Self::Granted { .. })
    }

    /// The timer that is armed while it waits.
    pub(crate) fn timer(self) -> Option<(Moment, TimerName)> {
        match self {
            Self::Asked { again, .. } => Some((again, TimerName::of_execution(TimerKind::AskAgain))),
            Self::Granted { .. } => None,
        }
    }
}

impl Place {
    pub(crate) fn ticket(&self, execution: ExecutionId) -> Ticket {
        Ticket { since: self.since, execution, path: None, attempt: 0 }
    }
}

/// When something is asked for again that was asked for so often.
pub(crate) fn asked_again(times: u32, at: Moment) -> Moment {
    at + ASKED_AGAIN.times(f64::from(1_u32 << times.saturating_sub(1).min(DOUBLED_MOST)))
}

impl Run {
    /// Whether it may not begin yet.
    pub fn is_pending(&self) -> bool {
        self.ending.is_none()
            && !self.is_undoing()
            && (self.place.as_ref().is_some_and(|place| !place.state.is_granted())
                || self.unique.as_ref().is_some_and(|key| !key.state.is_granted()))
    }

    pub(crate) fn forget_place(&mut self) {
        if let Some(timer) = self.place.take().and_then(|place| place.state.timer()) {
            self.index.timers.remove(&timer);
        }
    }

    /// Puts its place into a state, and keeps the index true.
    pub(crate) fn set_place(&mut self, state: PlaceState) {
        let Some(place) = &mut self.place else { return };
        if let Some(timer) = place.state.timer() {
            self.index.timers.remove(&timer);
        }
        place.state = state;
        self.index.timers.extend(place.state.timer());
    }
}
