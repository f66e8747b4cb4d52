//! What is seen of a limit, a breaker or a unique key by whoever asks its owner.

use sagaline_model::{Moment, RateRule};
use serde::{Deserialize, Serialize};

use crate::{EntityKey, Ticket};

/// Who holds it and who waits, as far as the lists go.
pub const TICKETS_SHOWN: usize = 200;

/// A limit or a breaker, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntityView {
    pub entity: EntityKey,
    pub state: EntityState,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityState {
    Places {
        limit: u32,
        taken: usize,
        waiting: usize,
        /// Who has a place, and since when it wanted one. At most [`TICKETS_SHOWN`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        held: Vec<Ticket>,
        /// Who waits, the next one first. At most [`TICKETS_SHOWN`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        line: Vec<Ticket>,
    },
    /// Everything is let through. So many failures are counted, and this many open it.
    Closed { failures: usize, threshold: u32 },
    /// Nothing is let through before then.
    Open { until: Moment },
    /// A few try.
    HalfOpen { trying: Vec<Ticket>, passed: u32, probes: u32 },
    /// Whoever asks now may begin then.
    Rate { rule: RateRule, next: Moment },
    /// Somebody has the key, until then at the latest.
    Unique { by: Ticket, until: Moment },
}

/// Some of the limits and breakers of a partition, ordered by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EntityPage {
    pub entities: Vec<EntityView>,
    /// Where the next page begins; nothing if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<EntityKey>,
}

impl EntityView {
    /// The same without the names of those who hold it and who wait.
    #[must_use]
    pub fn without_names(mut self) -> Self {
        match &mut self.state {
            EntityState::Places { held, line, .. } => {
                held.clear();
                line.clear();
            }
            EntityState::HalfOpen { trying, .. } => trying.clear(),
            EntityState::Closed { .. }
            | EntityState::Open { .. }
            | EntityState::Rate { .. }
            | EntityState::Unique { .. } => {}
        }
        self
    }
}
