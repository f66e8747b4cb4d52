//! Rest: a state that waits for nothing but inputs and its timer leaves memory, once its snapshot holds all of it. A stub stays
//! in its place: where its snapshot is, how far that is, when its timer is due, and what a list shows of it.
//!
//! An owner of very many waiting executions so holds few of them. What wakes a stub is in [`super::wake`].

use std::{collections::BTreeMap, ops::Bound, sync::Arc, time::Duration};

use sagaline_model::{Moment, Span};

use super::{
    Owner, Watcher,
    slot::{Saving, Slot},
    wake::Waking,
};
use crate::{
    machine::Machine,
    ports::{Ports, Sequence},
};

/// How often it is looked which states may leave memory: one pass over those that are in it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is kept in memory of a state that rests. There may be very many, so it is small.
pub(super) struct Stub<G> {
    /// The revision of its snapshot in the bucket.
    pub(super) revision: Sequence,
    /// The last input in that snapshot, and when it was stored.
    pub(super) applied: (Sequence, Moment),
    /// The timer that is registered for it.
    pub(super) timer: Option<Moment>,
    pub(super) glance: G,
}

impl<G> Stub<G> {
    /// As [`Slot::covers`].
    pub(super) fn covers(&self, sequence: Sequence, time: Moment) -> bool {
        sequence <= self.applied.0 && time <= self.applied.1
    }
}

/// The states that are not in memory. A key is in one of these, or in the slots, or nowhere.
pub(super) struct Resting<M: Machine> {
    pub(super) stubs: BTreeMap<Arc<str>, Box<Stub<M::Glance>>>,
    /// Stubs whose snapshots are being read.
    pub(super) waking: BTreeMap<Arc<str>, Waking<M>>,
    /// How many inputs wait for their states to be read.
    pub(super) deferred: usize,
    /// And how many questions.
    pub(super) asked: usize,
    looked: Duration,
}

impl<M: Machine> Resting<M> {
    pub(super) fn from(now: Duration) -> Self {
        Self { stubs: BTreeMap::new(), waking: BTreeMap::new(), deferred: 0, asked: 0, looked: now }
    }

    pub(super) fn len(&self) -> usize {
        self.stubs.len() + self.waking.len()
    }

    /// The key itself, if what is under it rests.
    pub(super) fn key(&self, key: &str) -> Option<Arc<str>> {
        let asleep = self.stubs.get_key_value(key).map(|(key, _)| key);
        asleep.or_else(|| self.waking.get_key_value(key).map(|(key, _)| key)).cloned()
    }

    /// Whether it rests and nothing has come to wake it.
    pub(super) fn is_asleep(&self, key: &str) -> bool {
        self.stubs.contains_key(key)
    }

    pub(super) fn stub(&self, key: &str) -> Option<&Stub<M::Glance>> {
        let asleep = self.stubs.get(key);
        asleep.or_else(|| self.waking.get(key).map(|waking| &waking.stub)).map(|stub| &**stub)
    }
}

/// A state, or what is known of it while it rests.
pub(super) enum Held<'o, M: Machine> {
    State(&'o M::State),
    Glance(&'o M::Glance),
}

/// Everything that there is after `after`, in the order of the keys.
pub(super) fn held_after<'o, M: Machine>(
    slots: &'o BTreeMap<Arc<str>, Slot<M::State>>,
    resting: &'o Resting<M>,
    after: Bound<&str>,
) -> impl Iterator<Item = (&'o Arc<str>, Held<'o, M>)> {
    let range = (after, Bound::Unbounded);
    let slots = slots.range::<str, _>(range).map(|(key, slot)| (key, Held::State(&slot.state)));
    let stubs = resting.stubs.range::<str, _>(range).map(|(key, stub)| (key, Held::Glance(&stub.glance)));
    let waking = resting.waking.range::<str, _>(range).map(|(key, waking)| (key, Held::Glance(&waking.stub.glance)));
    merged(slots, merged(stubs, waking))
}

/// Two iterators in the order of their keys as one.
fn merged<'s, T>(
    left: impl Iterator<Item = (&'s Arc<str>, T)>,
    right: impl Iterator<Item = (&'s Arc<str>, T)>,
) -> impl Iterator<Item = (&'s Arc<str>, T)> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    std::iter::from_fn(move || match (left.peek(), right.peek()) {
        (Some((first, _)), Some((second, _))) if second < first => right.next(),
        (Some(_), _) => left.next(),
        (None, _) => right.next(),
    })
}

impl<S> Slot<S> {
    /// Whether its snapshot holds all of it and nothing of it is on its way.
    fn is_saved_whole(&self) -> bool {
        let settled = self.pending == 0 && self.saving == Saving::Nothing && self.unread.is_none();
        settled && self.uncovered.is_none() && self.revision.is_some()
    }
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    /// How many states there are, in memory or not.
    pub(super) fn open(&self) -> usize {
        self.slots.len() + self.resting.len()
    }

    /// The highest sequence that a snapshot or a record is known to hold.
    pub(super) fn highest_known(&self) -> Sequence {
        let slots = self.slots.values().map(|slot| slot.applied.0);
        let stubs = self.resting.stubs.values().map(|stub| stub.applied.0);
        let waking = self.resting.waking.values().map(|waking| waking.stub.applied.0);
        slots.chain(stubs).chain(waking).max().unwrap_or(0)
    }

    /// Lets the states leave memory that were not needed for a while; at once where very many are in it.
    pub(super) fn let_rest(&mut self, now: Duration) {
        let idle = self.settings.rest_after;
        if now < self.resting.looked + LOOK_EVERY.min(idle) {
            return;
        }
        self.resting.looked = now;
        let crowded = self.slots.len() > self.settings.rest_above;
        // Whoever is about to be woken need not fall asleep.
        let soon = self.now() + Span::from(idle);
        let Self { slots, machine, parts, .. } = self;
        let due = slots.iter().filter(|(key, slot)| {
            let unused = crowded || now >= slot.used + idle;
            unused && slot.is_saved_whole() && slot.timer.is_none_or(|timer| timer > soon) && machine.rests(&slot.state)
                // To read it again would cost more than it takes up.
                && !parts.is_stored(key)
        });
        let due: Vec<Arc<str>> = due.map(|(key, _)| Arc::clone(key)).collect();
        for key in due {
            self.rest(&key);
        }
    }

    /// Puts a stub in the place of a state.
    fn rest(&mut self, key: &Arc<str>) {
        let Some(slot) = self.slots.get(key) else { return };
        let (Some(revision), Some(glance)) = (slot.revision, self.machine.glance(&slot.state)) else { return };
        let stub = Stub { revision, applied: slot.applied, timer: slot.timer, glance };
        self.slots.remove(key);
        self.resting.stubs.insert(Arc::clone(key), Box::new(stub));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_orders_become_one() {
        let keys: Vec<Arc<str>> = ["a", "b", "c", "d", "e"].map(Arc::from).to_vec();
        let of = |places: &'static [usize]| places.iter().map(|&place| (&keys[place], place));
        let order = |left, right| merged(of(left), of(right)).map(|(_, place)| place).collect::<Vec<_>>();
        assert_eq!(order(&[0, 3], &[1, 2, 4]), [0, 1, 2, 3, 4]);
        assert_eq!(order(&[], &[1]), [1]);
        assert_eq!(order(&[4], &[]), [4]);
    }

    /// An owner holds one for each execution that waits.
    #[test]
    fn a_stub_is_small() {
        assert!(size_of::<Stub<[u64; 4]>>() <= 80, "{}", size_of::<Stub<[u64; 4]>>());
    }
}
