//! A rate: so many attempts begin in a time. Whoever asks is told when; then it has no more to do with it.
//!
//! All that is kept is the moment from which on turns are free that come evenly. So a long line costs nothing, and a turn that is not
//! used is lost. Never more begin than the rule says, whatever comes twice or late: that can only waste turns.

use std::collections::VecDeque;

use sagaline_events::{Says, Ticket, entity::Turn, entity_view::EntityState};
use sagaline_model::{Moment, RateRule, Span};
use serde::{Deserialize, Serialize};

use super::Said;

/// An answer is remembered for so long after its turn: who asks again has the same.
const KEPT: Span = Span::from_secs(300);

/// So many answers are remembered at most. Beyond that, who asks again has another turn, and the first is wasted.
const MOST: usize = 128;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The rule in the word of who began to ask last, and when that was.
    rule: RateRule,
    worded: Moment,
    /// All before it is given away, if turns come evenly.
    free: Moment,
    /// The turns that were given last.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    given: VecDeque<(Moment, Ticket)>,
}

impl Default for Rate {
    fn default() -> Self {
        let rule = RateRule { limit: 1, per: Span::ZERO, burst: None };
        Self { rule, worded: Moment::EPOCH, free: Moment::EPOCH, given: VecDeque::new() }
    }
}

impl Rate {
    pub(super) fn turn(&mut self, ask: &Turn, at: Moment) -> Vec<Said> {
        let ticket = &ask.ticket;
        if let Some((turn, _)) = self.given.iter().find(|(_, known)| known == ticket) {
            return vec![(ticket.clone(), Says::Reserved { at: *turn })];
        }
        if self.worded <= ticket.since {
            (self.rule, self.worded) = (ask.rule, ticket.since);
        }
        let turn = self.next(at);
        self.free = self.free.max(at) + self.rule.pause();
        while self.given.len() >= MOST || self.given.front().is_some_and(|(then, _)| KEPT < at.since(*then)) {
            self.given.pop_front();
        }
        self.given.push_back((turn, ticket.clone()));
        vec![(ticket.clone(), Says::Reserved { at: turn })]
    }

    /// When somebody may begin who asks now.
    fn next(&self, at: Moment) -> Moment {
        // A burst is what comes before its time.
        let burst = u64::from(self.rule.burst.unwrap_or(1).saturating_sub(1));
        let ahead = i64::try_from(self.rule.pause().as_nanos().saturating_mul(burst)).unwrap_or(i64::MAX);
        at.max(Moment::from_nanos(self.free.as_nanos().saturating_sub(ahead)))
    }

    pub(super) fn is_blank(&self, now: Moment) -> bool {
        self.free <= now && self.given.back().is_none_or(|(then, _)| KEPT < now.since(*then))
    }

    pub(super) fn seen(&self, now: Moment) -> Option<EntityState> {
        (now < self.free).then(|| EntityState::Rate { rule: self.rule, next: self.next(now) })
    }
}
