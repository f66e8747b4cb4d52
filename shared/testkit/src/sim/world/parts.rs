//! Snapshots in parts: whatever names parts must name parts that are all there, at any moment.

use bytes::Bytes;
use sagaline_broker::{
    machine::Machine,
    names::PART_PREFIX,
    ports::{Bucket, Message},
};
use serde_json::Value;

use super::State;

impl<M: Machine> State<M> {
    /// What is under the key of a snapshot, its parts put together.
    pub(super) fn whole_snapshot(&self, key: &str) -> Option<Result<Bytes, String>> {
        let (_, value) = self.buckets.value(Bucket::Executions, key, self.since)?;
        let json: Value = serde_json::from_slice(&value).unwrap_or_default();
        let Some(generation) = json["parts"]["generation"].as_str() else { return Some(Ok(value)) };
        let mut whole = vec![];
        for number in 0..json["parts"]["count"].as_u64().unwrap_or(0) {
            let part = format!("{PART_PREFIX}{key}.{generation}.{number}");
            match self.buckets.value(Bucket::Executions, &part, self.since) {
                Some((_, bytes)) => whole.extend_from_slice(&bytes),
                None => return Some(Err(format!("`{part}` is not there, and `{key}` names it"))),
            }
        }
        Some(Ok(whole.into()))
    }

    /// Something was written to the bucket of snapshots: what the snapshot that it belongs to names is all there.
    pub(super) fn look_at_parts(&mut self, message: &Message) {
        let Some(key) = message.subject.strip_prefix(&self.names.key(Bucket::Executions, "")) else { return };
        let of_part = key.strip_prefix(PART_PREFIX).and_then(|part| part.rsplitn(3, '.').last());
        let name = self.name_of_snapshot(key);
        self.tally.parts += u64::from(of_part.is_some() && !message.payload.is_empty());
        if let Some(Err(why)) = self.whole_snapshot(of_part.unwrap_or(key))
            && !self.is_excused(&name)
        {
            self.violations.push(why);
        }
    }

    /// How many parts there are that nothing names.
    pub fn orphans(&self) -> usize {
        let keys = self.buckets.keys_below(Bucket::Executions, PART_PREFIX, self.since);
        let named = |part: &String| {
            let mut tokens = part.rsplitn(3, '.').skip(1);
            let (generation, key) = (tokens.next().unwrap_or_default(), tokens.next().unwrap_or_default());
            let there = self.buckets.value(Bucket::Executions, key, self.since);
            there.is_some_and(|(_, value)| String::from_utf8_lossy(&value).contains(generation))
        };
        keys.iter().filter(|part| !named(part)).count()
    }
}
