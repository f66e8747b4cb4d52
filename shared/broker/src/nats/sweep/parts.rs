//! Parts of snapshots that nothing names: an owner died before it wrote what names them, or before it removed them.
//!
//! Whoever owns the partition now removes its own. What former owners left goes an hour after it was stored: one that slept may be
//! about to name it, but not after that time, when its connection is long lost.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_model::Moment;

use super::{
    super::{Connection, api::ApiError},
    rule,
};
use crate::{
    names::{LogKind, PART_PREFIX},
    owner::{Checkpoint, Manifest},
    ports::Bucket,
};

/// The parts of one write of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Generation<'a> {
    /// The key of the snapshot.
    of: &'a str,
    generation: &'a str,
}

impl<'a> Generation<'a> {
    /// That of a part, by its key.
    fn of_part(key: &'a str) -> Option<Self> {
        let (all, _number) = key.strip_prefix(PART_PREFIX)?.rsplit_once('.')?;
        let (of, generation) = all.rsplit_once('.')?;
        Some(Self { of, generation })
    }

    /// The key of the checkpoint of the partition that the snapshot belongs to.
    fn checkpoint_key(&self) -> Option<String> {
        LogKind::ALL.into_iter().rev().find_map(|kind| {
            let (partition, _) = self.of.strip_prefix(kind.label_prefix())?.split_once('.')?;
            Some(kind.checkpoint_key(partition.parse().ok()?))
        })
    }
}

impl Connection {
    /// Removes parts that nothing names; how many snapshots had such.
    pub(super) async fn sweep_parts(&self, now: Moment) -> Result<usize, ApiError> {
        let stream = self.names().bucket_stream(Bucket::Executions);
        let bucket = self.names().key(Bucket::Executions, "");
        let subjects = self.subjects_of(&stream, &format!("{bucket}{PART_PREFIX}>")).await?;
        let mut generations: BTreeMap<Generation<'_>, BTreeSet<&str>> = BTreeMap::new();
        for subject in &subjects {
            if let Some(generation) = subject.strip_prefix(&bucket).and_then(Generation::of_part) {
                generations.entry(generation).or_default().insert(subject);
            }
        }
        let mut swept = 0;
        for (generation, parts) in generations {
            if self.is_orphaned(&stream, &generation, &parts, now).await? {
                let Generation { of, generation } = generation;
                self.purge_subject(&stream, &format!("{bucket}{PART_PREFIX}{of}.{generation}.*"), None).await?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    async fn is_orphaned(
        &self,
        stream: &str,
        generation: &Generation<'_>,
        parts: &BTreeSet<&str>,
        now: Moment,
    ) -> Result<bool, ApiError> {
        let (Some(epoch), Some(checkpoint)) = (Manifest::epoch_of(generation.generation), generation.checkpoint_key())
        else {
            return Ok(false);
        };
        let checkpoints = self.names().bucket_stream(Bucket::Partitions);
        let checkpoint = self.last_on(&checkpoints, &self.names().key(Bucket::Partitions, &checkpoint)).await?;
        let checkpoint = checkpoint.map(|last| last.value()).transpose()?.flatten();
        let checkpoint = checkpoint.and_then(|(_, json)| serde_json::from_slice::<Checkpoint>(&json).ok());
        if checkpoint.is_none_or(|checkpoint| checkpoint.epoch <= epoch) {
            return Ok(false);
        }
        if self.is_named(stream, generation).await? {
            return Ok(false);
        }
        let mut is_old = false;
        for part in parts {
            let Some(last) = self.last_on(stream, part).await? else { continue };
            // The mark of a removal goes by itself.
            let Some(_) = last.value()? else { continue };
            if !rule::is_past_grace(last.time, now) {
                return Ok(false);
            }
            is_old = true;
        }
        if !is_old {
            return Ok(false);
        }
        // An owner that slept may have named them meanwhile.
        Ok(!self.is_named(stream, generation).await?)
    }

    async fn is_named(&self, stream: &str, generation: &Generation<'_>) -> Result<bool, ApiError> {
        let snapshot = self.last_on(stream, &self.names().key(Bucket::Executions, generation.of)).await?;
        let snapshot = snapshot.map(|last| last.value()).transpose()?.flatten();
        let named = snapshot.and_then(|(_, value)| Manifest::read(&value));
        Ok(named.is_some_and(|manifest| manifest.generation == generation.generation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_whose_it_is() {
        for (kind, snapshot, checkpoint) in [
            (LogKind::Runs, "3.~places:a", "checkpoint.3"),
            (LogKind::Sagas, "compensator.3.a", "checkpoint.compensator.3"),
            (LogKind::Schedules, "scheduler.12.a", "checkpoint.scheduler.12"),
        ] {
            let (_, key) = snapshot.rsplit_once('.').expect("a key");
            let partition = if kind == LogKind::Schedules { 12 } else { 3 };
            let part = kind.part_key(partition, key, "7-1700", 5);
            let generation = Generation::of_part(&part).expect("it is one");
            assert_eq!(generation, Generation { of: snapshot, generation: "7-1700" });
            assert_eq!(generation.checkpoint_key().as_deref(), Some(checkpoint));
        }
        assert_eq!(Generation::of_part("3.a"), None);
    }
}
