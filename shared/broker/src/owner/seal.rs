//! Sealing: an execution whose snapshot is lost or cannot be read is set aside, visible with its cause, and the others go on.
//! Its later inputs would be misread by a state that is not its own.

use std::sync::Arc;

use bytes::Bytes;

use super::{Halt, Owner, Watcher, outbox::Purpose, rest::Stub, save::Position, slot::Slot};
use crate::{
    machine::Machine,
    ports::{Entry, Ports, Sequence},
    rejected::rejected_snapshot,
};

/// Why a snapshot is of no use.
pub(super) enum Unfit {
    /// It is not there, or older than what was written.
    Missing(String),
    Unreadable(String),
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    /// In the place of a state whose snapshot is missing. It is to be written before long, or nobody would know of it: it holds
    /// the checkpoint at `first`.
    pub(super) fn seal_missing(
        &mut self,
        key: &Arc<str>,
        why: &str,
        stub: &Stub<M::Glance>,
        there: Option<Sequence>,
        first: Sequence,
    ) -> Option<Slot<M::State>> {
        let cause = format!("its snapshot is lost: {why}");
        let mut slot = self.sealed(key, Some(&stub.glance), &cause)?;
        slot.applied = stub.applied;
        slot.revision = there;
        slot.uncovered = Some(first);
        Some(slot)
    }

    /// In the place of a state whose snapshot cannot be read, perhaps because a later version wrote it. The snapshot stays until
    /// an input takes its place.
    pub(super) fn seal_unreadable(
        &mut self,
        key: &Arc<str>,
        why: &str,
        glance: Option<&M::Glance>,
        (revision, bytes): (Sequence, Bytes),
    ) -> Option<Slot<M::State>> {
        let cause = format!("its snapshot cannot be read: {why}");
        let mut slot = self.sealed(key, glance, &cause)?;
        if let Ok(position) = serde_json::from_slice::<Position>(&bytes) {
            slot.applied = (position.applied, position.time);
        }
        slot.revision = Some(revision);
        slot.unread = Some(bytes);
        Some(slot)
    }

    fn sealed(&mut self, key: &Arc<str>, glance: Option<&M::Glance>, cause: &str) -> Option<Slot<M::State>> {
        let sealed = self.machine.seal(key, glance, cause, self.now());
        let what = match &sealed {
            Some(_) => "is set aside (parked); cancelling closes it",
            None => "is left where it is, because nothing can have this name",
        };
        self.watcher.alarm(&format!("`{key}` {what}: {cause}"));
        Some(Slot::new(sealed?, self.ports.boot()))
    }

    /// What could not be read is about to be written over: it is kept for people, and the snapshot waits until it is.
    pub(super) fn keep_unread(&mut self, key: &Arc<str>) {
        let (subject, time) = (self.snapshot_subject(key), self.now());
        let Some(slot) = self.slots.get_mut(key) else { return };
        let (Some(payload), Some(sequence)) = (slot.unread.take(), slot.revision) else { return };
        slot.pending += 1;
        let why = "the snapshot cannot be read";
        let snapshot = Entry { sequence, time, subject, content: Err(why.to_owned()), payload };
        let copy = rejected_snapshot(&self.settings.names, self.settings.log, &snapshot, why);
        self.outbox.send(&mut self.ports, Purpose::Send(Arc::new(copy)), Some(Arc::clone(key)));
    }

    /// Whether another owner has taken over, as far as can be learnt now.
    pub(super) async fn prove_epoch(&mut self) -> Result<bool, Halt> {
        match self.stored_checkpoint().await {
            Ok(Some((_, Ok(there)))) if there.epoch == self.checkpoint.epoch => Ok(true),
            Ok(_) => Err(Halt::Fenced),
            Err(_) => Ok(false),
        }
    }
}
