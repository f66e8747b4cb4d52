//! A unique key: one has it at a time, who asked first; the others are told who. It comes free when it is given back, and by time.
//!
//! It has no timer. What is over by time is seen when somebody asks.

use std::collections::VecDeque;

use sagaline_events::{Says, Ticket, entity::Claim, entity_view::EntityState};
use sagaline_model::{ExecutionId, Moment, Span};
use serde::{Deserialize, Serialize};

use super::{Said, recent::Recent};

/// Who was refused is remembered for so long: its question, should it come once more, must not take the key for one that is over.
const KEPT: Span = Span::from_secs(300);

const MOST: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unique {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<Holder>,
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    refused: VecDeque<Refused>,
    #[serde(default, skip_serializing_if = "Recent::is_empty")]
    recent: Recent,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Holder {
    ticket: Ticket,
    until: Moment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Refused {
    at: Moment,
    ticket: Ticket,
    by: ExecutionId,
    until: Moment,
}

impl Unique {
    pub(super) fn claim(&mut self, ask: &Claim, at: Moment) -> Vec<Said> {
        let ticket = &ask.ticket;
        if self.recent.knows(ticket, at) {
            return vec![];
        }
        let says = |says| vec![(ticket.clone(), says)];
        if let Some(known) = self.refused.iter().find(|known| known.ticket == *ticket) {
            return says(Says::Taken { by: known.by.clone(), until: known.until });
        }
        match self.holder.as_ref().filter(|holder| at < holder.until) {
            Some(holder) if holder.ticket == *ticket => return says(Says::Claimed { until: holder.until }),
            Some(Holder { ticket: held, until }) => {
                let by = &held.execution;
                // What is tried once more goes on with what it had.
                if ask.origin.as_ref() != Some(by) && ticket.execution != *by {
                    let (by, until) = (by.clone(), *until);
                    self.note_refused(Refused { at, ticket: ticket.clone(), by: by.clone(), until });
                    return says(Says::Taken { by, until });
                }
            }
            None => {}
        }
        let until = at + ask.ttl;
        self.holder = Some(Holder { ticket: ticket.clone(), until });
        says(Says::Claimed { until })
    }

    fn note_refused(&mut self, refused: Refused) {
        let at = refused.at;
        while self.refused.len() >= MOST || self.refused.front().is_some_and(|known| KEPT < at.since(known.at)) {
            self.refused.pop_front();
        }
        self.refused.push_back(refused);
    }

    pub(super) fn release(&mut self, ticket: &Ticket, at: Moment) {
        // Also one that nobody knows: it may have overtaken what it gives back.
        self.recent.note(ticket, at);
        if self.holder.as_ref().is_some_and(|holder| holder.ticket == *ticket) {
            self.holder = None;
        }
    }

    pub(super) fn is_blank(&self, now: Moment) -> bool {
        self.holder.as_ref().is_none_or(|holder| holder.until <= now)
            && self.refused.back().is_none_or(|known| KEPT < now.since(known.at))
            && self.recent.is_over(now)
    }

    pub(super) fn seen(&self, now: Moment) -> Option<EntityState> {
        let holder = self.holder.as_ref().filter(|holder| now < holder.until)?;
        Some(EntityState::Unique { by: holder.ticket.clone(), until: holder.until })
    }
}
