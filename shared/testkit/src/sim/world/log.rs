//! The modelled log of a partition.

use std::collections::{BTreeMap, VecDeque};

use sagaline_broker::ports::{Content, Entry, LogRoom, Message, Outcome, Sequence};
use sagaline_model::Moment;

use super::header;

#[derive(Default)]
pub struct Log {
    /// How many entries are gone from the front.
    purged: Sequence,
    entries: VecDeque<(Moment, Message)>,
    last_on: BTreeMap<String, Sequence>,
}

impl Log {
    pub fn head(&self) -> Sequence {
        self.purged + self.entries.len() as Sequence
    }

    pub(super) fn publish(&mut self, message: &Message, now: Moment) -> Outcome {
        let last = self.last_on.get(&message.subject).copied().unwrap_or(0);
        if message.expected.is_some_and(|expected| expected != last) {
            return Outcome::Conflict { last: Some(last) };
        }
        self.entries.push_back((now, message.clone()));
        let sequence = self.head();
        self.last_on.insert(message.subject.clone(), sequence);
        Outcome::Stored { sequence, duplicate: false }
    }

    fn at(&self, sequence: Sequence) -> Option<&(Moment, Message)> {
        self.entries.get(usize::try_from(sequence.checked_sub(self.purged + 1)?).ok()?)
    }

    pub fn time_of(&self, sequence: Sequence) -> Option<Moment> {
        self.at(sequence).map(|(time, _)| *time)
    }

    pub fn entry(&self, sequence: Sequence) -> Option<Entry> {
        let (time, message) = self.at(sequence)?;
        let content = header(message, "ce-type").map(|kind| Content {
            kind: kind.to_owned(),
            traceparent: None,
            data: message.payload.clone(),
        });
        Some(Entry {
            sequence,
            time: *time,
            subject: message.subject.clone(),
            content: content.ok_or_else(|| "it has no `ce-type`".to_owned()),
            payload: message.payload.clone(),
        })
    }

    pub fn entries_from(&self, sequence: Sequence, most: usize) -> Vec<Entry> {
        let first = sequence.max(self.purged + 1);
        (first..=self.head()).take(most).filter_map(|sequence| self.entry(sequence)).collect()
    }

    pub fn first_after(&self, time: Moment) -> Option<Sequence> {
        let place = self.entries.iter().position(|(stored, _)| *stored > time)?;
        Some(self.purged + 1 + place as Sequence)
    }

    /// As if every entry took a byte, and there were room for so many: what is done with leaves a log that nears its limit at once.
    pub fn room(&self, limit: u64) -> LogRoom {
        let entries = self.entries.len() as u64;
        let subjects = self.last_on.len() as u64;
        LogRoom { first: self.first(), entries, bytes: entries, bytes_max: Some(limit), subjects }
    }

    pub fn purge_below(&mut self, sequence: Sequence) {
        while self.purged + 1 < sequence && self.entries.pop_front().is_some() {
            self.purged += 1;
        }
        let purged = self.purged;
        self.last_on.retain(|_, last| *last > purged);
    }

    /// The first sequence that is there, or will be.
    pub fn first(&self) -> Sequence {
        self.purged + 1
    }

    pub(super) fn lose_tail(&mut self, most: usize) {
        for _ in 0..most.min(self.entries.len().saturating_sub(1)) {
            self.entries.pop_back();
        }
        self.last_on.clear();
        for (place, (_, message)) in self.entries.iter().enumerate() {
            self.last_on.insert(message.subject.clone(), self.purged + 1 + place as Sequence);
        }
    }
}
