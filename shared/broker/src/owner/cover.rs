//! What is covered: which inputs need not be folded again, and so how far the checkpoint may move.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use sagaline_model::Moment;
use serde::{Deserialize, Serialize};

use crate::ports::Sequence;

/// What the bucket holds about a partition: every input below `next` is covered by snapshots and records, and its effects are out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Raised by every new owner.
    pub epoch: u64,
    pub next: Sequence,
    /// When the message just below `next` was stored, by which a lost tail is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Moment>,
}

/// The states that hold the checkpoint, each with the first of its inputs that nothing covers.
#[derive(Default)]
pub(super) struct Cover {
    dirty: BTreeSet<(Sequence, Arc<str>)>,
    /// Rejected entries whose copy is not acknowledged yet.
    loose: BTreeMap<Sequence, u32>,
    /// When each entry from the last checkpoint on was stored.
    times: VecDeque<(Sequence, Moment)>,
}

impl Cover {
    pub(super) fn passed(&mut self, sequence: Sequence, time: Moment) {
        self.times.push_back((sequence, time));
    }

    pub(super) fn hold(&mut self, first: Sequence, key: &Arc<str>) {
        self.dirty.insert((first, Arc::clone(key)));
    }

    pub(super) fn release(&mut self, first: Sequence, key: &Arc<str>) {
        self.dirty.remove(&(first, Arc::clone(key)));
    }

    pub(super) fn hold_loose(&mut self, sequence: Sequence) {
        *self.loose.entry(sequence).or_default() += 1;
    }

    pub(super) fn release_loose(&mut self, sequence: Sequence) {
        if let Some(count) = self.loose.get_mut(&sequence) {
            *count -= 1;
            if *count == 0 {
                self.loose.remove(&sequence);
            }
        }
    }

    /// The states that hold it longest come first.
    pub(super) fn oldest(&self) -> impl Iterator<Item = &(Sequence, Arc<str>)> {
        self.dirty.iter()
    }

    /// The first sequence that is not covered, when `applied` is the last one that was folded.
    pub(super) fn next(&self, applied: Sequence) -> Sequence {
        let dirty = self.dirty.first().map(|(first, _)| *first);
        let loose = self.loose.first_key_value().map(|(first, _)| *first);
        dirty.into_iter().chain(loose).fold(applied + 1, Sequence::min)
    }

    /// When the entry at `sequence` was stored, if it was folded here.
    pub(super) fn time_of(&self, sequence: Sequence) -> Option<Moment> {
        let place = self.times.partition_point(|(passed, _)| *passed < sequence);
        self.times.get(place).filter(|(passed, _)| *passed == sequence).map(|(_, time)| *time)
    }

    /// When the entry just below `next` was stored, if it was folded here; forgets what came before it.
    pub(super) fn time_below(&mut self, next: Sequence) -> Option<Moment> {
        while self.times.get(1).is_some_and(|(sequence, _)| *sequence < next) {
            self.times.pop_front();
        }
        self.times.front().filter(|(sequence, _)| *sequence + 1 == next).map(|(_, time)| *time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkpoint_stands_below_everything_that_is_not_covered() {
        let mut cover = Cover::default();
        let key: Arc<str> = "a".into();
        assert_eq!(cover.next(7), 8);
        cover.hold(5, &key);
        cover.hold_loose(6);
        assert_eq!(cover.next(7), 5);
        cover.release(5, &key);
        assert_eq!(cover.next(7), 6);
        cover.release_loose(6);
        assert_eq!(cover.next(7), 8);
    }

    #[test]
    fn the_time_below_the_checkpoint_is_that_of_the_entry_before_it() {
        let mut cover = Cover::default();
        for sequence in 1..=4 {
            cover.passed(sequence, Moment::from_millis(sequence as i64));
        }
        assert_eq!(cover.time_below(1), None);
        assert_eq!(cover.time_below(3), Some(Moment::from_millis(2)));
        assert_eq!(cover.time_below(5), Some(Moment::from_millis(4)));
    }
}
