//! Tickets that were given back not long ago: what is still on its way for them is too late.
//!
//! Their number is bounded, so this is not what promises rest on. It spares others from waiting for a place that goes to nobody.

use std::collections::VecDeque;

use sagaline_events::Ticket;
use sagaline_model::{Moment, Span};
use serde::{Deserialize, Serialize};

/// A message is sent again for as long as nobody knows whether it was stored; that is rarely longer than a new owner takes.
const KEPT: Span = Span::from_secs(300);

const MOST: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Recent(VecDeque<(Moment, Ticket)>);

impl Recent {
    pub(super) fn note(&mut self, ticket: &Ticket, at: Moment) {
        if self.knows(ticket, at) {
            return;
        }
        while self.0.len() >= MOST || self.0.front().is_some_and(|(then, _)| KEPT < at.since(*then)) {
            self.0.pop_front();
        }
        self.0.push_back((at, ticket.clone()));
    }

    pub(super) fn knows(&self, ticket: &Ticket, at: Moment) -> bool {
        self.0.iter().any(|(then, known)| known == ticket && at.since(*then) <= KEPT)
    }

    /// Whether nothing in it matters any more.
    pub(super) fn is_over(&self, now: Moment) -> bool {
        self.0.back().is_none_or(|(then, _)| KEPT < now.since(*then))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
