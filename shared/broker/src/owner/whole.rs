//! Reading snapshots that are stored in parts.

use std::{collections::BTreeMap, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::{Halt, Owner, Watcher, parts::Manifest, save::Saved, slot::Slot};
use crate::{
    machine::Machine,
    ports::{Bucket, Failure, Ports, Sequence, Stored},
};

/// So many parts are read at a time; between those it is looked whether the lease holds.
const PARTS_AT_ONCE: usize = 16;

/// What the bucket holds of states whose snapshots are in parts: read when all others are.
pub(super) type InParts = BTreeMap<Arc<str>, (Sequence, Bytes, Manifest)>;

/// What became of an attempt to put parts together.
pub(super) enum Whole {
    Is(Bytes),
    /// Another snapshot, or none, took its place meanwhile, and its parts are being removed.
    Moved(Option<(Sequence, Bytes)>),
    /// A part is missing, or they are not those that were written.
    Unfit(String),
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    /// Puts together what the manifest names that is under the key at `revision`.
    pub(super) async fn whole(&mut self, key: &str, revision: Sequence, manifest: &Manifest) -> Result<Whole, Failure> {
        let (log, partition) = (self.settings.log, self.settings.partition);
        let mut whole = BytesMut::new();
        let mut missing = None;
        for first in (0..manifest.count).step_by(PARTS_AT_ONCE) {
            let numbers = (first..manifest.count).take(PARTS_AT_ONCE);
            let part = |number| log.part_key(partition, key, &manifest.generation, number);
            let keys: Vec<String> = numbers.clone().map(part).collect();
            let found = self.ports.values(Bucket::Executions, &keys).await?;
            missing = found.iter().zip(numbers).find(|(part, _)| part.is_none()).map(|(_, number)| number);
            if missing.is_some() {
                break;
            }
            if !self.ports.holds_lease() {
                return Err(Failure::NoAnswer(format!("read the parts of `{key}` while the lease holds")));
            }
            found.into_iter().flatten().for_each(|(_, part)| whole.extend_from_slice(&part));
        }
        let fault = match missing {
            Some(number) => Err(format!("part {number} of {} is missing", manifest.count)),
            None => manifest.check(&whole),
        };
        let Err(why) = fault else { return Ok(Whole::Is(whole.freeze())) };
        let there = self.ports.value(Bucket::Executions, &log.snapshot_key(partition, key)).await?;
        let is_the_same = there.as_ref().is_some_and(|(now, _)| *now == revision);
        Ok(if is_the_same { Whole::Unfit(why) } else { Whole::Moved(there) })
    }

    /// The states whose snapshots are in parts. They stay in memory: they are large, and few.
    pub(super) async fn load_in_parts(&mut self, mut in_parts: InParts) -> Result<(), Halt> {
        while let Some((key, (revision, value, manifest))) = in_parts.pop_first() {
            if !self.ports.holds_lease() {
                return Err(Halt::LeaseLost);
            }
            match self.whole(&key, revision, &manifest).await? {
                Whole::Is(whole) => match self.read_whole(&whole) {
                    Ok((state, applied)) => {
                        let slot = Slot::restored(state, applied, revision, self.ports.boot());
                        self.parts.found(&key, manifest);
                        self.slots.insert(key, slot);
                    }
                    Err(why) => self.load_unreadable(&key, &why, revision, &whole),
                },
                Whole::Moved(there) => {
                    let (revision, value) = there.map_or((revision, None), |(revision, value)| (revision, Some(value)));
                    let stored = Stored { key: key.to_string(), revision, value };
                    let end = self.ends_of(std::slice::from_ref(&stored)).await?.pop().flatten();
                    self.load(&stored, end, &mut in_parts).await?;
                }
                Whole::Unfit(why) => self.load_unreadable(&key, &why, revision, &value),
            }
        }
        Ok(())
    }

    /// The state that was written, and up to which input.
    pub(super) fn read_whole(&self, whole: &[u8]) -> Result<(M::State, (Sequence, sagaline_model::Moment)), String> {
        let saved: Saved<'_> = serde_json::from_slice(whole).map_err(|fault| fault.to_string())?;
        let state = self.machine.restore(saved.state()?)?;
        Ok((state, (saved.applied, saved.time)))
    }
}
