//! A breaker: after too many failures nothing is let through for a while, then a few to try, and then everything again.
//!
//! It has no timer. What is over by time is seen when somebody asks, by the time of that.

use std::collections::BTreeMap;

use sagaline_events::{Says, Ticket, entity::Permit};
use sagaline_model::{BreakerRule, Moment, Span};
use serde::{Deserialize, Serialize};

use super::{Said, places::pairs, recent::Recent};

/// One that nobody asked for so long is as good as new.
const FORGOTTEN: Span = Span::from_secs(3600);

/// A probe that is not reported comes back after the `reset`, but not before this: attempts may take a while.
const PROBE_LEAST: Span = Span::from_secs(60);

/// While others try, who asks is to ask again after a part of the `reset`, but not sooner than this.
const ASKED_AGAIN_LEAST: Span = Span::from_millis(500);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Breaker {
    /// The rule in the word of who began to ask last, and when that was.
    rule: BreakerRule,
    worded: Moment,
    /// When it was last asked, or told of an outcome.
    touched: Moment,
    phase: Phase,
    #[serde(default, skip_serializing_if = "Recent::is_empty")]
    recent: Recent,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Everything is let through.
    Closed {
        /// When it failed: since the last success, or within the window.
        failures: Vec<Moment>,
    },
    Open {
        until: Moment,
    },
    /// A few try.
    HalfOpen {
        /// Who tries, and when that is taken back.
        #[serde(default, with = "pairs")]
        probes: BTreeMap<Ticket, Moment>,
        /// How many succeeded.
        passed: u32,
    },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Closed { failures: vec![] }
    }
}

impl Breaker {
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    pub(super) fn rule(&self) -> &BreakerRule {
        &self.rule
    }

    pub(super) fn permit(&mut self, ask: &Permit, at: Moment) -> Vec<Said> {
        let ticket = &ask.ticket;
        if self.recent.knows(ticket, at) {
            return vec![];
        }
        self.forget_old(at);
        self.touched = at;
        if self.worded <= ticket.since {
            (self.rule, self.worded) = (ask.rule.clone(), ticket.since);
        }
        if let Phase::Open { until } = self.phase {
            if at < until {
                return vec![(ticket.clone(), Says::Delayed { until })];
            }
            self.phase = Phase::HalfOpen { probes: BTreeMap::new(), passed: 0 };
        }
        let says = match &mut self.phase {
            Phase::Closed { .. } | Phase::Open { .. } => Says::Permitted,
            Phase::HalfOpen { probes, passed } => {
                probes.retain(|_, ends| at < *ends);
                let tried = u32::try_from(probes.len()).unwrap_or(u32::MAX).saturating_add(*passed);
                if probes.contains_key(ticket) {
                    Says::Permitted
                } else if tried < self.rule.probes.max(1) {
                    probes.insert(ticket.clone(), at + self.rule.reset.max(PROBE_LEAST));
                    Says::Permitted
                } else {
                    Says::Delayed { until: at + self.rule.reset.times(0.25).max(ASKED_AGAIN_LEAST) }
                }
            }
        };
        vec![(ticket.clone(), says)]
    }

    /// An attempt ended. One that was let through before the breaker opened says nothing any more.
    pub(super) fn report(&mut self, ticket: &Ticket, ok: Option<bool>, at: Moment) {
        if self.recent.knows(ticket, at) {
            return;
        }
        self.forget_old(at);
        self.recent.note(ticket, at);
        self.touched = at;
        let threshold = self.rule.threshold.max(1) as usize;
        let opened = Phase::Open { until: at + self.rule.reset };
        match (&mut self.phase, ok) {
            (Phase::Closed { failures }, Some(true)) => {
                if self.rule.window.is_none() {
                    failures.clear();
                }
            }
            (Phase::Closed { failures }, Some(false)) => {
                if let Some(window) = self.rule.window {
                    failures.retain(|then| at.since(*then) <= window);
                }
                failures.push(at);
                if threshold <= failures.len() {
                    self.phase = opened;
                }
            }
            (Phase::HalfOpen { probes, passed }, ok) => {
                if probes.remove(ticket).is_none() {
                    return;
                }
                match ok {
                    Some(true) => *passed += 1,
                    Some(false) => self.phase = opened,
                    None => {}
                }
            }
            (Phase::Closed { .. }, None) | (Phase::Open { .. }, _) => {}
        }
        if let Phase::HalfOpen { passed, .. } = self.phase
            && self.rule.probes.max(1) <= passed
        {
            self.phase = Phase::default();
        }
    }

    pub(super) fn is_blank(&self, now: Moment) -> bool {
        let is_plain = matches!(&self.phase, Phase::Closed { failures } if failures.is_empty());
        self.recent.is_over(now) && (is_plain || self.is_forgotten(now))
    }

    fn forget_old(&mut self, at: Moment) {
        if self.is_forgotten(at) {
            (self.phase, self.worded) = (Phase::default(), Moment::EPOCH);
        }
    }

    fn is_forgotten(&self, now: Moment) -> bool {
        let last = match &self.phase {
            Phase::Open { until } => self.touched.max(*until),
            Phase::HalfOpen { probes, .. } => probes.values().copied().fold(self.touched, Moment::max),
            Phase::Closed { .. } => self.touched,
        };
        FORGOTTEN < now.since(last)
    }
}
