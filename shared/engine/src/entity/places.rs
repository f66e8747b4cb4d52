//! Places: so many are taken at once, and who began to ask first is first.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_events::{Says, Ticket, entity::Acquire};
use sagaline_model::{Moment, OnLimit, Span};
use serde::{Deserialize, Serialize};

use super::{Said, recent::Recent};

/// How long after it was granted somebody is asked whether a place is still wanted; then twice as long, and so on.
const FIRST_ASKED: Span = Span::from_secs(60);

/// The pause is doubled so often at most: it is an hour then, and a bit.
const DOUBLED_MOST: u32 = 6;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Places {
    /// How many there are, in the word of who began to ask last, and when that was.
    limit: u32,
    worded: Moment,
    #[serde(default, with = "pairs", skip_serializing_if = "BTreeMap::is_empty")]
    held: BTreeMap<Ticket, Held>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    queue: BTreeSet<Ticket>,
    #[serde(default, skip_serializing_if = "Recent::is_empty")]
    recent: Recent,
    /// When each who holds one is asked. Derived, kept at hand.
    #[serde(skip)]
    asks: BTreeSet<(Moment, Ticket)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    /// When it is asked whether it still wants it.
    ask_at: Moment,
    /// How often it was asked.
    #[serde(default)]
    asked: u32,
    /// It was told to give it up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    leaves: bool,
}

impl Places {
    /// How many places are taken.
    pub fn taken(&self) -> usize {
        self.held.len()
    }

    pub fn limit(&self) -> u32 {
        self.limit
    }

    pub fn holders(&self) -> impl Iterator<Item = &Ticket> {
        self.held.keys()
    }

    /// Who waits, the first first.
    pub fn waiting(&self) -> impl Iterator<Item = &Ticket> {
        self.queue.iter()
    }

    pub(super) fn acquire(&mut self, ask: &Acquire, at: Moment) -> Vec<Said> {
        let ticket = &ask.ticket;
        if self.recent.knows(ticket, at) {
            return vec![];
        }
        if self.worded <= ticket.since {
            (self.limit, self.worded) = (ask.limit.max(1), ticket.since);
        }
        let mut said = vec![];
        if self.held.contains_key(ticket) {
            said.push((ticket.clone(), Says::Granted));
        } else {
            self.queue.insert(ticket.clone());
        }
        if ask.on_limit == OnLimit::CancelOld {
            self.make_room(ticket, &mut said);
        }
        self.grant(at, &mut said);
        if ask.on_limit == OnLimit::Skip && self.queue.remove(ticket) {
            said.push((ticket.clone(), Says::Refused { limit: self.limit }));
        }
        said
    }

    pub(super) fn release(&mut self, ticket: &Ticket, at: Moment) -> Vec<Said> {
        // Also one that nobody knows: it may have overtaken what it gives back.
        self.recent.note(ticket, at);
        self.queue.remove(ticket);
        if let Some(held) = self.held.remove(ticket) {
            self.asks.remove(&(held.ask_at, ticket.clone()));
        }
        let mut said = vec![];
        self.grant(at, &mut said);
        said
    }

    /// Asks those who have held their places for long.
    pub(super) fn ask_after(&mut self, at: Moment) -> Vec<Said> {
        let mut said = vec![];
        while let Some((due, _)) = self.asks.first()
            && *due <= at
        {
            let Some((_, ticket)) = self.asks.pop_first() else { break };
            let Some(held) = self.held.get_mut(&ticket) else { continue };
            held.asked = (held.asked + 1).min(DOUBLED_MOST);
            held.ask_at = at + FIRST_ASKED.times(f64::from(1_u32 << held.asked));
            self.asks.insert((held.ask_at, ticket.clone()));
            said.push((ticket, Says::StillThere));
        }
        said
    }

    pub(super) fn next_timer(&self) -> Option<Moment> {
        self.asks.first().map(|(at, _)| *at)
    }

    pub(super) fn is_blank(&self, now: Moment) -> bool {
        self.held.is_empty() && self.queue.is_empty() && self.recent.is_over(now)
    }

    pub(super) fn reindex(&mut self) {
        self.asks = self.held.iter().map(|(ticket, held)| (held.ask_at, ticket.clone())).collect();
    }

    /// Gives what is free to those who wait.
    fn grant(&mut self, at: Moment, said: &mut Vec<Said>) {
        while self.held.len() < self.limit as usize
            && let Some(ticket) = self.queue.pop_first()
        {
            let ask_at = at + FIRST_ASKED;
            self.held.insert(ticket.clone(), Held { ask_at, asked: 0, leaves: false });
            self.asks.insert((ask_at, ticket.clone()));
            said.push((ticket, Says::Granted));
        }
    }

    /// Of all who hold a place or want one, the newest have one; the others give theirs up, for the sake of this one. It may itself
    /// be the oldest, if its message took long.
    fn make_room(&mut self, newcomer: &Ticket, said: &mut Vec<Said>) {
        let to = || Says::GiveUp { to: newcomer.execution.clone() };
        let staying = self.held.values().filter(|held| !held.leaves).count();
        let mut surplus = (staying + self.queue.len()).saturating_sub(self.limit as usize);
        while surplus > 0 {
            surplus -= 1;
            let oldest = self.held.iter().find(|(_, held)| !held.leaves).map(|(ticket, _)| ticket.clone());
            let waiting = self.queue.first().cloned();
            match (oldest, waiting) {
                (Some(oldest), waiting) if waiting.as_ref().is_none_or(|waiting| oldest < *waiting) => {
                    if let Some(held) = self.held.get_mut(&oldest) {
                        held.leaves = true;
                    }
                    said.push((oldest, to()));
                }
                (_, Some(waiting)) => {
                    self.queue.remove(&waiting);
                    said.push((waiting, to()));
                }
                (_, None) => break,
            }
        }
    }
}

/// A map whose keys are no texts, as a list of pairs.
pub(super) mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
