//! What befalls the modelled broker: restarts, power cuts, and operators.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use sagaline_broker::{
    machine::Machine,
    owner::Checkpoint,
    ports::{Bucket, Event, Outcome, Sequence},
};

use super::{InFlight, State, kinds::is_a_beginning, log::Log, nodes::Stream};
use crate::sim::faults::Nodes;

/// Stages of what nothing has begun yet, in snapshots.
const UNBORN: [&str; 3] = ["unborn", r#""unasked":"#, r#""recalling":"#];
/// From now on a node that is behind answers for so long.
const STALE_WITHIN: Duration = Duration::from_secs(3);
/// A log that is deleted is made anew after so long at least, and at most. What was on its way to the old one is over by then.
const REMADE_AFTER: Duration = Duration::from_secs(3);
const REMADE_WITHIN: Duration = Duration::from_secs(6);

impl<M: Machine> State<M> {
    /// From now on, and for a while, a node that is behind answers. Not all the time: one is found out before long.
    pub fn grow_stale(&mut self) {
        if self.stale_until + STALE_WITHIN * 3 <= self.since {
            self.stale_until = self.since + STALE_WITHIN;
        }
    }

    /// kill -9 of every node, and a start from the disks. A single one forgets what only its memory held.
    pub fn restart(&mut self) {
        self.restarts += 1;
        if self.shape.nodes == Nodes::One {
            self.queue.forget();
        }
        for flight in std::mem::take(&mut self.flight) {
            if self.dice.chance(300)
                && let InFlight::Publish(message) = &flight.what
            {
                self.receive(message);
            }
            if let Some(inbox) = self.inboxes.get_mut(&flight.from) {
                inbox
                    .events
                    .push_back(Event::Settled(flight.ticket, Outcome::Unknown("the connection was lost".into())));
            }
        }
        for inbox in self.inboxes.values_mut() {
            inbox.lose_reader("the connection was lost");
        }
        self.questions.clear();
    }

    /// The power fails: the ends of the logs, though acknowledged, were not on disk yet.
    pub fn cut_power(&mut self) {
        for partition in 0..self.shape.partitions {
            if self.shape.partitions == 1 || self.dice.chance(600) {
                let lost = 1 + self.dice.below(12);
                self.logs[partition as usize].lose_tail(lost);
                self.has_lost(partition);
            }
        }
        self.restart();
    }

    /// An operator deletes a log and makes it anew: it begins at 1, and knows nothing.
    pub fn remake_log(&mut self) {
        let partition = self.dice.below(self.logs.len()) as u32;
        self.logs[partition as usize] = Log::default();
        self.tally.remade += 1;
        self.has_lost(partition);
        self.lose_leader(Stream::Log(partition), REMADE_AFTER, REMADE_WITHIN);
        self.lose_reader(partition, "the consumer is gone");
    }

    /// The log of a partition lost acknowledged entries: of its executions, those are still promised whose start or snapshot is left.
    fn has_lost(&mut self, partition: u32) {
        self.cut.insert(partition);
        let kept = self.logs[partition as usize].entries_from(1, usize::MAX);
        let begins =
            kept.iter().filter(|entry| entry.content.as_ref().is_ok_and(|content| is_a_beginning(&content.kind)));
        let starts: BTreeSet<String> = begins.filter_map(|entry| self.name_in(&entry.subject)).collect();
        let mut started = std::mem::take(&mut self.started);
        started.retain(|key| {
            self.partition_of(key) != partition
                || starts.contains(key.as_str())
                || self.is_born(key)
                || self.value_of_result(key).is_some()
        });
        self.started = started;
    }

    /// Whether there is a snapshot of an execution that was taken after its start: before it, it holds only what came early.
    fn is_born(&self, key: &str) -> bool {
        let place = self.snapshot_key(key);
        let snapshot = self.whole_snapshot(&place);
        snapshot.and_then(Result::ok).is_some_and(|value| {
            let text = String::from_utf8_lossy(&value);
            !UNBORN.iter().any(|stage| text.contains(stage))
        })
    }

    /// Whether an execution must come to its end. Nothing is promised of what a log lost with its tail.
    pub fn is_promised(&self, key: &str) -> bool {
        !self.is_excused(key) && (!self.has_cut(key) || self.started.contains(key))
    }

    /// Whether an operator removed its snapshot, or that of one that it is a child of: whoever begins a second time starts its
    /// children a second time. They are named after it.
    pub fn is_excused(&self, key: &str) -> bool {
        let ends = key.match_indices('-').map(|(end, _)| end).chain([key.len()]);
        ends.into_iter().any(|end| self.excused.contains(&key[..end]))
    }

    /// Nothing is promised of what has this name.
    pub fn is_exempt(&self, name: &str) -> bool {
        self.is_excused(name) || self.has_cut(name)
    }

    /// Whether the log of an execution lost acknowledged entries.
    pub fn has_cut(&self, key: &str) -> bool {
        self.cut.contains(&self.partition_of(key))
    }

    /// Whether any log lost acknowledged entries.
    pub fn has_lost_some(&self) -> bool {
        !self.cut.is_empty()
    }

    /// An operator purges a log by hand, anywhere below its checkpoint, at times with the entry that proves its place. A checkpoint
    /// that speaks of another log is none to go by.
    pub fn purge_log(&mut self) {
        let partition = self.dice.below(self.logs.len()) as u32;
        let log = &self.logs[partition as usize];
        let there = self.buckets.value(Bucket::Partitions, &self.checkpoint_key(partition), self.since);
        let Some(checkpoint) = there.and_then(|(_, json)| serde_json::from_slice::<Checkpoint>(&json).ok()) else {
            return;
        };
        let (first, mut next) = (log.first(), checkpoint.next);
        if self.faults.without.purge_bound {
            next = log.head();
        } else if checkpoint.time.is_none() || log.time_of(next.saturating_sub(1)) != checkpoint.time {
            return;
        }
        let keeps = Sequence::from(self.dice.chance(700));
        let span = usize::try_from(next.saturating_sub(first + keeps)).unwrap_or(0);
        let below = first + 1 + self.dice.below(span) as Sequence;
        if below + keeps <= next {
            self.tally.purged += 1;
            self.logs[partition as usize].purge_below(below);
        }
    }

    /// An operator removes one of the snapshots, with a trace or without.
    pub fn remove_snapshot(&mut self) {
        let places = self.buckets.keys_below(Bucket::Executions, "", self.since);
        if let Some(place) = places.get(self.dice.below(places.len())) {
            match self.dice.chance(500) {
                true => self.buckets.remove(Bucket::Executions, place),
                // By `kv del`, which leaves a mark for ever.
                false => self.buckets.delete(Bucket::Executions, place),
            }
            let name = self.name_of_snapshot(place);
            if self.kinds.len() > 1 {
                // What is set aside is waited for until a person comes, by whatever belongs together.
                let (_, key) = self.parts_of(&name);
                let root = key.split('-').next().unwrap_or(key).to_owned();
                self.excused.extend(self.kinds.iter().map(|kind| kind.record_key(&root)));
            }
            self.excused.insert(name);
        }
    }

    pub fn value_of_result(&self, key: &str) -> Option<Bytes> {
        self.buckets.value(Bucket::Results, key, self.since).map(|(_, value)| value)
    }
}
