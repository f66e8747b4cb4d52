//! The modelled log and buckets.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use sagaline_broker::{
    names::Names,
    ports::{Bucket, Content, Entry, Message, Outcome, Sequence, Stored},
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
        if let Some(expected) = message.expected
            && self.last_on.get(&message.subject).copied().unwrap_or(0) != expected
        {
            return Outcome::Conflict;
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
}

impl Buckets {
    pub(super) fn publish(&mut self, names: &Names, message: &Message, now: Duration) -> Outcome {
        let place = Bucket::ALL.iter().find_map(|bucket| {
            let key = message.subject.strip_prefix(&names.key(*bucket, ""))?;
            Some((bucket.name(), key.to_owned()))
        });
        let Some(place) = place else { return Outcome::Unknown(format!("no bucket takes `{}`", message.subject)) };
        let there = self.values.get(&place).filter(|value| value.until.is_none_or(|until| until > now));
        if message.expected.is_some_and(|expected| there.map_or(0, |value| value.revision) != expected) {
            return Outcome::Conflict;
        }
        self.revisions += 1;
        let value = Value {
            revision: self.revisions,
            bytes: message.payload.clone(),
            removed: header(message, "KV-Operation").is_some(),
            until: message.ttl.map(|ttl| now + ttl),
        };
        self.values.insert(place, value);
        Outcome::Stored { sequence: self.revisions, duplicate: false }
    }

    pub fn put(&mut self, bucket: Bucket, key: &str, bytes: impl Into<Bytes>) {
        self.revisions += 1;
        let value = Value { revision: self.revisions, bytes: bytes.into(), removed: false, until: None };
        self.values.insert((bucket.name(), key.to_owned()), value);
    }

    /// The keys below `prefix` that have a value.
    pub fn keys_below(&self, bucket: Bucket, prefix: &str, now: Duration) -> Vec<String> {
        self.all_below(bucket, prefix, now).into_iter().map(|stored| stored.key).collect()
    }

    /// Removes a value without a trace.
    pub(super) fn remove(&mut self, bucket: Bucket, key: &str) {
        self.values.remove(&(bucket.name(), key.to_owned()));
    }

    pub fn value(&self, bucket: Bucket, key: &str, now: Duration) -> Option<(Sequence, Bytes)> {
        let value = self.values.get(&(bucket.name(), key.to_owned()))?;
        let gone = value.removed || value.until.is_some_and(|until| until <= now);
        (!gone).then(|| (value.revision, value.bytes.clone()))
    }

    pub fn all_below(&self, bucket: Bucket, prefix: &str, now: Duration) -> Vec<Stored> {
        let all = self.values.iter().filter(|((of, _), _)| *of == bucket.name());
        let below = all.filter_map(|((_, key), value)| Some((key.strip_prefix(prefix)?, value)));
        let there = below.filter(|(_, value)| !value.removed && value.until.is_none_or(|until| until > now));
        there
            .map(|(key, value)| Stored { key: key.to_owned(), revision: value.revision, value: value.bytes.clone() })
            .collect()
    }
}
