//! The modelled buckets, and what a replica that lags behind knows of them.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use sagaline_broker::{
    names::Names,
    ports::{Bucket, Message, Outcome, Sequence, Snapshots, Stored},
};

use super::header;

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
    /// Everything that was there before, the oldest first; nothing where it was removed.
    past: Vec<(Sequence, Option<Bytes>)>,
}

impl Value {
    fn is_gone(&self, now: Duration) -> bool {
        self.removed || self.until.is_some_and(|until| until <= now)
    }

    /// Everything that was there, this included.
    fn with_past(mut self, now: Duration) -> Vec<(Sequence, Option<Bytes>)> {
        let gone = self.is_gone(now);
        self.past.push((self.revision, (!gone).then_some(self.bytes)));
        self.past
    }

    /// What a replica has that knows of nothing above `level`.
    fn as_of(&self, level: Sequence, now: Duration) -> Option<(Sequence, Option<Bytes>)> {
        if self.revision <= level {
            return Some((self.revision, (!self.is_gone(now)).then(|| self.bytes.clone())));
        }
        self.past.iter().rev().find(|(revision, _)| *revision <= level).cloned()
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
            past: self.values.remove(&place).map(|value| value.with_past(now)).unwrap_or_default(),
        };
        self.values.insert(place, value);
        Outcome::Stored { sequence: self.revisions, duplicate: false }
    }

    pub fn put(&mut self, bucket: Bucket, key: &str, bytes: impl Into<Bytes>) {
        self.revisions += 1;
        let value = Value {
            revision: self.revisions,
            bytes: bytes.into(),
            removed: false,
            until: None,
            previous: None,
            past: vec![],
        };
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
            value.past.push((value.revision, Some(value.bytes.clone())));
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

    /// The revision of the last write: who has it has everything.
    pub fn newest(&self) -> Sequence {
        self.revisions
    }

    /// A value as a replica has it that knows of nothing above `level`.
    pub fn value_as_of(&self, bucket: Bucket, key: &str, level: Sequence, now: Duration) -> Option<(Sequence, Bytes)> {
        let (revision, bytes) = self.values.get(&(bucket.name(), key.to_owned()))?.as_of(level, now)?;
        Some((revision, bytes?))
    }

    /// Some snapshots, in the order of their revisions, from `from` on, as a replica has them that knows of nothing above `level`.
    pub fn page_below(&self, prefix: &str, from: Sequence, most: usize, level: Sequence, now: Duration) -> Snapshots {
        let of_it = |(bucket, key): &(&str, String)| *bucket == Bucket::Executions.name() && key.starts_with(prefix);
        let all = self.values.iter().filter(|(place, _)| of_it(place));
        let known = all.filter_map(|((_, key), value)| Some((key, value.as_of(level, now)?)));
        let mut stored: Vec<Stored> = known
            .filter(|(_, (revision, _))| *revision >= from)
            .map(|(key, (revision, value))| Stored { key: key[prefix.len()..].to_owned(), revision, value })
            .collect();
        stored.sort_by_key(|stored| stored.revision);
        let next = stored.get(most).map(|stored| stored.revision);
        stored.truncate(most);
        Snapshots { stored, next }
    }
}
