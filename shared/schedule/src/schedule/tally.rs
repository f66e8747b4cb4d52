//! What became of its ticks, for people to see.

use sagaline_events::schedule_view::{Backfilled, Fired};
use sagaline_model::{ExecutionId, Moment};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    #[serde(default)]
    pub(super) fired: u64,
    #[serde(default)]
    pub(super) skipped: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<Fired>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) backfilled: Option<Backfilled>,
}

impl Tally {
    pub(super) fn fires(&mut self, tick: Moment, at: Moment, execution: ExecutionId) {
        self.fired += 1;
        self.last = Some(Fired { tick, at, execution });
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
