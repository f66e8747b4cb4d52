//! Loading the snapshots, in recovery: a page at a time, and what rests becomes a stub at once, so that the memory this takes
//! does not grow with how many there are.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Halt, Owner, Watcher,
    rest::Stub,
    save::{Position, Saved},
    slot::Slot,
    whole::InParts,
};
use crate::{
    machine::Machine,
    ports::{Bucket, Failure, Ports, Sequence, Stored},
};

/// So many states are asked about in the bucket of ended ones at once.
const PAGE: usize = 1000;

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    /// (2) The states that were open, and those that had ended but not been passed by the checkpoint.
    pub(super) async fn load_snapshots(&mut self) -> Result<(), Halt> {
        let mut from = None;
        let mut in_parts = InParts::new();
        loop {
            let page = self.ports.snapshots(from).await?;
            for stored in page.stored.chunks(PAGE) {
                if !self.ports.holds_lease() {
                    return Err(Halt::LeaseLost);
                }
                let ends = self.ends_of(stored).await?;
                for (stored, end) in stored.iter().zip(ends) {
                    self.load(stored, end, &mut in_parts).await?;
                }
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        self.load_in_parts(in_parts).await?;
        let keys: Vec<Arc<str>> = self.slots.keys().cloned().collect();
        for key in keys {
            while let Some(need) = self.slots.get(&key).and_then(|slot| self.machine.needs(Some(&slot.state), None)) {
                self.learn(&need).await?;
            }
            self.count(&key).await?;
            self.arm(&key);
        }
        Ok(())
    }

    /// Which of these states have a recorded end, and where.
    pub(super) async fn ends_of(&mut self, stored: &[Stored]) -> Result<Vec<Option<Position>>, Failure> {
        let keys: Vec<String> = stored.iter().map(|stored| self.settings.log.record_key(&stored.key)).collect();
        let ends = self.ports.values(Bucket::Results, &keys).await?;
        let position = |(_, record): (Sequence, Bytes)| serde_json::from_slice::<Position>(&record).ok();
        Ok(ends.into_iter().map(|end| end.and_then(position)).collect())
    }

    /// What the bucket holds under a key, and the end of it that is recorded. What is in parts is put aside.
    pub(super) async fn load(
        &mut self,
        stored: &Stored,
        end: Option<Position>,
        in_parts: &mut InParts,
    ) -> Result<(), Halt> {
        let key: Arc<str> = stored.key.as_str().into();
        // A newer revision of what came before, written while we read.
        self.unload(&key);
        in_parts.remove(&key);
        let Some(value) = &stored.value else { return Ok(()) };
        let saved: Saved<'_> = match serde_json::from_slice(value) {
            Ok(saved) => saved,
            Err(fault) => {
                self.load_unreadable(&key, &fault.to_string(), stored.revision, value);
                return Ok(());
            }
        };
        let applied = (saved.applied, saved.time);
        if let Some(end) = end.filter(|end| end.reaches(applied)) {
            // Its end is recorded and will not be folded again: an owner that slept wrote this snapshot too late.
            if end.applied < self.checkpoint.next {
                self.remove_snapshot(&key, stored.revision, None);
                return Ok(());
            }
            // Its end is recorded, with all effects out, and the checkpoint may have passed inputs between the two: then too
            // this snapshot came too late. It goes at the next recovery, when the checkpoint has passed the end.
            if saved.applied < end.applied {
                self.ended.insert(key, (end.applied, end.time));
                return Ok(());
            }
        }
        if let Some(manifest) = saved.parts {
            in_parts.insert(key, (stored.revision, value.clone(), manifest));
            return Ok(());
        }
        match saved.state().and_then(|state| self.machine.restore(state)) {
            Ok(state) => return self.place(key, state, applied, stored.revision).await,
            Err(why) => self.load_unreadable(&key, &why, stored.revision, value),
        }
        Ok(())
    }

    /// A state that rests is not kept in memory.
    async fn place(
        &mut self,
        key: Arc<str>,
        state: M::State,
        applied: (Sequence, sagaline_model::Moment),
        revision: Sequence,
    ) -> Result<(), Halt> {
        let glance = if self.machine.rests(&state) { self.machine.glance(&state) } else { None };
        match glance {
            Some(glance) => {
                while let Some(need) = self.machine.stands(&key, Some(&state)) {
                    self.learn(&need).await?;
                }
                let timer = self.machine.next_timer(&state);
                self.timers.extend(timer.map(|timer| (timer, Arc::clone(&key))));
                self.resting.stubs.insert(key, Box::new(Stub { revision, applied, timer, glance }));
            }
            None => {
                let slot = Slot::restored(state, applied, revision, self.ports.boot());
                self.slots.insert(key, slot);
            }
        }
        Ok(())
    }

    /// What is under the key was read from a snapshot, and can be worked with.
    pub(super) async fn count(&mut self, key: &Arc<str>) -> Result<(), Halt> {
        while let Some(slot) = self.slots.get(key)
            && let Some(need) = self.machine.stands(key, Some(&slot.state))
        {
            self.learn(&need).await?;
        }
        Ok(())
    }

    pub(super) fn load_unreadable(&mut self, key: &Arc<str>, why: &str, revision: Sequence, bytes: &Bytes) {
        if let Some(slot) = self.seal_unreadable(key, why, None, (revision, bytes.clone())) {
            self.slots.insert(Arc::clone(key), slot);
        }
    }

    fn unload(&mut self, key: &Arc<str>) {
        self.slots.remove(key);
        self.ended.remove(key);
        let _ = self.machine.stands(key, None);
        if let Some(timer) = self.resting.stubs.remove(key).and_then(|stub| stub.timer) {
            self.timers.remove(&(timer, Arc::clone(key)));
        }
    }
}
