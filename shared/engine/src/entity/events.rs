//! Events, and those who wait for them, whichever comes first.
//!
//! An event is kept for a while for those who begin to wait later. A step of an execution gets each event once: of the items of a
//! loop that wait for the same, the one that has waited longest gets it, and the next one the next event. What was told is told
//! again until whoever waited says that it has it, or that it went away without.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sagaline_events::{
    Says, Ticket,
    entity::{Awaited, Came},
};
use sagaline_model::{Moment, Span, event_wait::mark_of};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Said, places::pairs, recent::Recent};
use crate::weight;

/// How long after it began to wait somebody is asked whether it still does; then twice as long, and so on.
const FIRST_ASKED: Span = Span::from_secs(60);

/// The pause is doubled so often at most: it is an hour then, and a bit.
const DOUBLED_MOST: u32 = 6;

/// So many wait at one place at most: all of them are told of an event at once.
const WAITING_MOST: u32 = 1000;

/// So many events are kept at one place at most, and about so many bytes of them: then the oldest make room.
const KEPT_MOST: usize = 1000;
const KEPT_WEIGHT_MOST: usize = 512 * 1024;

/// An event that was long on its way is kept at least for so long: those who wait for it may have been on their way as well.
const KEPT_LEAST: Span = Span::from_secs(60);

/// Of so many events it is known that they came, for as long as anything is here.
const SEEN_MOST: usize = 4000;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Events {
    /// How many came.
    made: u64,
    /// In the order in which they were published.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    kept: VecDeque<Kept>,
    #[serde(default, with = "pairs", skip_serializing_if = "BTreeMap::is_empty")]
    waits: BTreeMap<Ticket, Waits>,
    #[serde(default, skip_serializing_if = "Recent::is_empty")]
    recent: Recent,
    /// Marks of events that came: one that is published again is not another.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    seen: VecDeque<u64>,
    /// When each who waits is asked, or told again. Derived, kept at hand.
    #[serde(skip)]
    asks: BTreeSet<(Moment, Ticket)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    number: u64,
    at: Moment,
    until: Moment,
    /// Which steps got it, and which wait of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    had: BTreeMap<String, Ticket>,
    event: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Waits {
    keep: Span,
    ask_at: Moment,
    #[serde(default)]
    asked: u32,
    /// The number of the event that it was told of, and has not said to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    got: Option<u64>,
}

impl Events {
    /// Who waits and was told of nothing yet.
    pub fn waiting(&self) -> impl Iterator<Item = &Ticket> {
        self.waits.iter().filter(|(_, waits)| waits.got.is_none()).map(|(ticket, _)| ticket)
    }

    /// How many events are here.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn wait(&mut self, ask: &Awaited, at: Moment) -> Vec<Said> {
        let ticket = &ask.ticket;
        if self.recent.knows(ticket, at) {
            return vec![];
        }
        self.forget_old(at);
        if let Some(waits) = self.waits.get(ticket) {
            let event = waits.got.and_then(|number| self.event(number));
            return event.map(|event| (ticket.clone(), Says::Came { event })).into_iter().collect();
        }
        if WAITING_MOST as usize <= self.waits.len() {
            return vec![(ticket.clone(), Says::Refused { limit: WAITING_MOST })];
        }
        let ask_at = at + FIRST_ASKED;
        self.asks.insert((ask_at, ticket.clone()));
        self.waits.insert(ticket.clone(), Waits { keep: ask.keep, ask_at, asked: 0, got: None });
        self.give(|one| one == ticket, |_| true)
    }

    pub(super) fn came(&mut self, came: &Came, at: Moment) -> Vec<Said> {
        self.forget_old(at);
        let mark = mark_of(&came.source, &came.id);
        if self.seen.contains(&mark) {
            return vec![];
        }
        if SEEN_MOST <= self.seen.len() {
            self.seen.pop_front();
        }
        self.seen.push_back(mark);
        self.made += 1;
        let until = (came.at + came.keep).max(at + KEPT_LEAST);
        let kept = Kept { number: self.made, at: came.at, until, had: BTreeMap::new(), event: came.event.clone() };
        // Several are on their way at once: what was published first is first.
        let place = self.kept.iter().rposition(|other| other.at <= kept.at).map_or(0, |place| place + 1);
        let number = kept.number;
        self.kept.insert(place, kept);
        let said = self.give(|_| true, |one| one == number);
        self.make_room();
        said
    }

    /// Whoever waited has what it was told of, or knows of no wait.
    pub(super) fn release(&mut self, ticket: &Ticket, at: Moment) -> Vec<Said> {
        self.forget(ticket, at);
        self.forget_old(at);
        vec![]
    }

    /// Whoever waited went away without anything: what was meant for it goes to the next of its kind.
    pub(super) fn leave(&mut self, ticket: &Ticket, at: Moment) -> Vec<Said> {
        self.forget(ticket, at);
        for kept in &mut self.kept {
            kept.had.retain(|_, whose| whose != ticket);
        }
        self.forget_old(at);
        self.give(|_| true, |_| true)
    }

    /// Asks those who have waited for long, and tells those again who did not say that they have what they were told of.
    pub(super) fn ask_after(&mut self, at: Moment) -> Vec<Said> {
        let mut said = vec![];
        while let Some((due, _)) = self.asks.first()
            && *due <= at
        {
            let Some((_, ticket)) = self.asks.pop_first() else { break };
            let Some(waits) = self.waits.get_mut(&ticket) else { continue };
            waits.asked = (waits.asked + 1).min(DOUBLED_MOST);
            waits.ask_at = at + FIRST_ASKED.times(f64::from(1_u32 << waits.asked));
            self.asks.insert((waits.ask_at, ticket.clone()));
            let event = waits.got.and_then(|number| self.event(number));
            said.push((ticket, event.map_or(Says::StillThere, |event| Says::Came { event })));
        }
        said
    }

    pub(super) fn next_timer(&self) -> Option<Moment> {
        self.asks.first().map(|(at, _)| *at)
    }

    pub(super) fn is_blank(&self, now: Moment) -> bool {
        self.waits.is_empty() && self.recent.is_over(now) && self.kept.iter().all(|kept| kept.until < now)
    }

    pub(super) fn reindex(&mut self) {
        self.asks = self.waits.iter().map(|(ticket, waits)| (waits.ask_at, ticket.clone())).collect();
    }

    /// Gives those who wait what they have not had, the first first: of these waits, and of the events of these numbers.
    fn give(&mut self, of: impl Fn(&Ticket) -> bool, numbers: impl Fn(u64) -> bool) -> Vec<Said> {
        let mut said = vec![];
        let Self { kept, waits, .. } = self;
        for (ticket, waits) in waits.iter_mut().filter(|(ticket, waits)| waits.got.is_none() && of(ticket)) {
            let step = step_of(ticket);
            let is_meant = |kept: &&mut Kept| {
                numbers(kept.number) && ticket.since <= kept.at + waits.keep && !kept.had.contains_key(&step)
            };
            let Some(kept) = kept.iter_mut().find(is_meant) else { continue };
            kept.had.insert(step, ticket.clone());
            waits.got = Some(kept.number);
            said.push((ticket.clone(), Says::Came { event: kept.event.clone() }));
        }
        said
    }

    fn event(&self, number: u64) -> Option<Value> {
        self.kept.iter().find(|kept| kept.number == number).map(|kept| kept.event.clone())
    }

    fn forget(&mut self, ticket: &Ticket, at: Moment) {
        // Also one that nobody knows: it may have overtaken what it takes back.
        self.recent.note(ticket, at);
        if let Some(waits) = self.waits.remove(ticket) {
            self.asks.remove(&(waits.ask_at, ticket.clone()));
        }
    }

    /// What is on its way to somebody stays until that is there.
    fn is_on_its_way(&self, number: u64) -> bool {
        self.waits.values().any(|waits| waits.got == Some(number))
    }

    fn forget_old(&mut self, at: Moment) {
        let old: Vec<u64> = self.kept.iter().filter(|kept| kept.until < at).map(|kept| kept.number).collect();
        let old: Vec<u64> = old.into_iter().filter(|number| !self.is_on_its_way(*number)).collect();
        self.kept.retain(|kept| !old.contains(&kept.number));
        if self.kept.is_empty() && self.waits.is_empty() {
            self.seen.clear();
        }
    }

    fn make_room(&mut self) {
        let mut weight: usize = self.kept.iter().map(|kept| weight::of(&kept.event)).sum();
        while KEPT_MOST < self.kept.len() || KEPT_WEIGHT_MOST < weight {
            let oldest = self.kept.iter().position(|kept| !self.is_on_its_way(kept.number));
            // The last one that came is not thrown away for being large.
            let Some(oldest) = oldest.filter(|_| 1 < self.kept.len()).and_then(|place| self.kept.remove(place)) else {
                break;
            };
            weight -= weight::of(&oldest.event);
        }
    }
}

/// The step that waits, whichever item of a loop it is for: an execution that begins anew waits anew.
fn step_of(ticket: &Ticket) -> String {
    let path = ticket.path.as_ref().map(|path| path.as_str()).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').map(|part| part.split(':').next().unwrap_or(part)).collect();
    format!("{}/{}#{}", ticket.execution, parts.join("/"), ticket.attempt)
}
