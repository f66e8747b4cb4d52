//! What was asked not long ago: a message that comes twice, or after its opposite, is known again.
//!
//! Their number is bounded, so starts do not rest on it: those have the names of their ticks.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

const MOST: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Requests(VecDeque<String>);

impl Requests {
    /// Whether this was not asked yet. It is from now on.
    pub(super) fn is_new(&mut self, id: Option<&str>) -> bool {
        let Some(id) = id else { return true };
        if self.0.iter().any(|known| known == id) {
            return false;
        }
        if MOST <= self.0.len() {
            self.0.pop_front();
        }
        self.0.push_back(id.to_owned());
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
