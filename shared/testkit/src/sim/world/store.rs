//! The modelled log and buckets.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use sagaline_broker::{
    names::Names,
    ports::{Bucket, Content, Entry, LogRoom, Message, Outcome, Sequence, Snapshots, Stored},
};
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

    /// As if every entry took a byte, and there were room for few: what is done with leaves a log that nears its limit at once.
    pub fn room(&self) -> LogRoom {
        let entries = self.entries.len() as u64;
        let subjects = self.last_on.len() as u64;
        LogRoom { first: self.purged + 1, entries, bytes: entries, bytes_max: Some(100), subjects }
    }

    pub fn purge_below(&mut self, sequence: Sequence) {
        while self.purged + 1 < sequence && self.entries.pop_front().is_some() {
            self.purged += 1;
        }
        let purged = self.purged;
        self.last_on.retain(|_, last| *last > purged);
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

/// Every bucket, as subjects: revisions are counted over all of them, which is stricter than needed and does no harm.
#[derive(Default)]
pub struct Buckets {
    revisions: Sequence,
    values: BTreeMap<(&'static str, String), Value>,
}

struct Value {
    revision: Sequence,
    bytes: Bytes,
    removed: bool,
    until: Option<Duration>,
    /// What was there before, for whoever asks a node that does not know of this one yet.
    previous: Option<(Sequence, Bytes)>,
}

impl Value {
    fn is_gone(&self, now: Duration) -> bool {
        self.removed || self.until.is_some_and(|until| until <= now)
    }
}

impl Buckets {
    pub(super) fn publish(&mut self, names: &Names, message: &Message, now: Duration) -> Outcome {
        let place = Bucket::ALL.iter().find_map(|bucket| {
            let key = message.subject.strip_prefix(&names.key(*bucket, ""))?;
            Some((bucket.name(), key.to_owned()))
        });
        let Some(place) = place else { return Outcome::Unknown(format!("no bucket takes `{}`", message.subject)) };
        let there = self.values.get(&place).filter(|value| value.until.is_none_or(|until| until > now));
        let last = there.map_or(0, |value| value.revision);
        if message.expected.is_some_and(|expected| expected != last) {
            return Outcome::Conflict { last: Some(last) };
        }
        self.revisions += 1;
        let value = Value {
            revision: self.revisions,
            bytes: message.payload.clone(),
            removed: header(message, "KV-Operation").is_some(),
            until: message.ttl.map(|ttl| now + ttl),
            previous: there.filter(|value| !value.removed).map(|value| (value.revision, value.bytes.clone())),
        };
        self.values.insert(place, value);
        Outcome::Stored { sequence: self.revisions, duplicate: false }
    }

    pub fn put(&mut self, bucket: Bucket, key: &str, bytes: impl Into<Bytes>) {
        self.revisions += 1;
        let value =
            Value { revision: self.revisions, bytes: bytes.into(), removed: false, until: None, previous: None };
        self.values.insert((bucket.name(), key.to_owned()), value);
    }

    /// The keys below `prefix` that have a value.
    pub fn keys_below(&self, bucket: Bucket, prefix: &str, now: Duration) -> Vec<String> {
        let there = self.values.iter().filter(|((of, _), value)| *of == bucket.name() && !value.is_gone(now));
        there.filter_map(|((_, key), _)| key.strip_prefix(prefix).map(str::to_owned)).collect()
    }

    /// Removes a value without a trace.
    pub(super) fn remove(&mut self, bucket: Bucket, key: &str) {
        self.values.remove(&(bucket.name(), key.to_owned()));
    }

    /// Puts the mark of a removal in the place of a value.
    pub(super) fn delete(&mut self, bucket: Bucket, key: &str) {
        self.revisions += 1;
        if let Some(value) = self.values.get_mut(&(bucket.name(), key.to_owned())) {
            (value.revision, value.removed, value.until) = (self.revisions, true, None);
        }
    }

    pub fn value(&self, bucket: Bucket, key: &str, now: Duration) -> Option<(Sequence, Bytes)> {
        let value = self.values.get(&(bucket.name(), key.to_owned()))?;
        (!value.is_gone(now)).then(|| (value.revision, value.bytes.clone()))
    }

    /// The value that was there before the last one.
    pub(super) fn previous(&self, bucket: Bucket, key: &str) -> Option<(Sequence, Bytes)> {
        self.values.get(&(bucket.name(), key.to_owned()))?.previous.clone()
    }

    /// Some snapshots, in the order of their revisions, from `from` on.
    pub fn page_below(&self, prefix: &str, from: Sequence, most: usize, now: Duration) -> Snapshots {
        let of_it = |(bucket, key): &(&str, String)| *bucket == Bucket::Executions.name() && key.starts_with(prefix);
        let all = self.values.iter().filter(|(place, value)| of_it(place) && value.revision >= from);
        let mut stored: Vec<Stored> = all
            .map(|((_, key), value)| Stored {
                key: key[prefix.len()..].to_owned(),
                revision: value.revision,
                value: (!value.is_gone(now)).then(|| value.bytes.clone()),
            })
            .collect();
        stored.sort_by_key(|stored| stored.revision);
        let next = stored.get(most).map(|stored| stored.revision);
        stored.truncate(most);
        Snapshots { stored, next }
    }
}
