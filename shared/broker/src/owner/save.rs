//! Saving: snapshots of open states, records of ended ones, and the checkpoint.
//!
//! Snapshots never go back: each carries the sequence of the last input applied, and only that decides, whoever wrote it. One is
//! written only when the effects of all inputs that it covers are acknowledged.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Halt, Mode, Owner, Watcher,
    cover::Checkpoint,
    outbox::{Pending, Purpose},
    parts::Manifest,
    quiet::OVERDUE,
    slot::{Saving, Slot},
};
use crate::{
    machine::Machine,
    ports::{Bucket, Failure, Message, Outcome, Ports, Sequence},
};
use sagaline_model::Moment;

/// So many snapshots may be in flight at once.
const SNAPSHOTS_AT_ONCE: usize = 256;

/// How long the mark stays that a state's snapshot was removed.
pub(super) const TOMBSTONE_TTL: Duration = Duration::from_secs(120);

/// The server counts in seconds.
const SHORTEST_TTL: Duration = Duration::from_secs(1);

/// What the buckets hold: the state or record, and the last input that is in it.
#[derive(Deserialize)]
pub(super) struct Saved<'a> {
    pub(super) applied: Sequence,
    pub(super) time: Moment,
    #[serde(borrow, default)]
    state: Option<&'a RawValue>,
    /// Instead of the state, where that is in parts.
    #[serde(default)]
    pub(super) parts: Option<Manifest>,
}

impl Saved<'_> {
    pub(super) fn state(&self) -> Result<&[u8], String> {
        self.state.map(|state| state.get().as_bytes()).ok_or_else(|| "there is no state in it".to_owned())
    }
}

/// The position alone, for whoever compares.
#[derive(Deserialize)]
pub(super) struct Position {
    pub(super) applied: Sequence,
    pub(super) time: Moment,
}

impl Position {
    /// Whether this is as far as `applied`, by sequence and time (after a lost tail, sequences are used again).
    pub(super) fn reaches(&self, applied: (Sequence, Moment)) -> bool {
        self.applied >= applied.0 && self.time >= applied.1
    }
}

fn wrap(state: Vec<u8>, applied: (Sequence, Moment)) -> Vec<u8> {
    let head = format!(r#"{{"applied":{},"time":"{}","state":"#, applied.0, applied.1);
    [head.as_bytes(), &state, b"}"].concat()
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    /// Once nothing of an ended state is in flight, its record is written; what holds nothing is forgotten.
    pub(super) fn finish_if_over(&mut self, key: &Arc<str>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        if slot.pending > 0 || slot.saving != Saving::Nothing {
            return;
        }
        if let Some(record) = self.machine.ending(&slot.state) {
            slot.saving = Saving::Record;
            let message = Message {
                subject: self.settings.names.key(Bucket::Results, &self.settings.log.record_key(key)),
                expected: None,
                msg_id: None,
                ttl: self.machine.kept_for(&slot.state).map(|span| Duration::from(span).max(SHORTEST_TTL)),
                headers: vec![],
                payload: wrap(record, slot.applied).into(),
            };
            self.outbox.send(&mut self.ports, Purpose::Record(Arc::new(message)), Some(Arc::clone(key)));
        } else if self.machine.is_idle(&slot.state, slot.applied.1) {
            self.remove(key);
        }
    }

    /// The end is recorded. Mostly that is all: a fold that starts anywhere gives this end or nothing. But where a snapshot is
    /// left, or an input came before the start, a fold that starts in between would give something else; so the end is
    /// snapshotted too, and stays until the checkpoint has passed it.
    pub(super) fn record_stored(&mut self, pending: &Pending) {
        let Some(key) = &pending.key else { return };
        let Some(slot) = self.slots.get_mut(key) else { return };
        if slot.revision.is_none() && self.machine.stands_alone(&slot.state) {
            return self.drop_slot(&Arc::clone(key));
        }
        slot.saving = Saving::Last;
        self.write_snapshot(&Arc::clone(key));
    }

    /// Removes the snapshot of a state, if there is one, and then the state.
    pub(super) fn remove(&mut self, key: &Arc<str>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let Some(revision) = slot.revision else { return self.drop_slot(key) };
        let recorded = matches!(slot.saving, Saving::Kept | Saving::Removal { recorded: true });
        slot.saving = Saving::Removal { recorded };
        self.remove_snapshot(key, revision, Some(Arc::clone(key)));
    }

    pub(super) fn remove_snapshot(&mut self, key: &str, revision: Sequence, of: Option<Arc<str>>) {
        let message = removal(self.snapshot_subject(key), Some(revision), TOMBSTONE_TTL);
        self.outbox.send(&mut self.ports, Purpose::Tombstone(Arc::new(message)), of);
    }

    /// The snapshot is gone, and the state with it, unless an input came meanwhile.
    pub(super) fn snapshot_removed(&mut self, pending: &Pending, revision: Sequence) {
        if let Some(key) = &pending.key {
            self.parts_known(key, None);
            self.removed(&Arc::clone(key), Some(revision));
        }
    }

    fn removed(&mut self, key: &Arc<str>, revision: Option<Sequence>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let recorded = slot.saving == Saving::Removal { recorded: true };
        if recorded || slot.pending == 0 && self.machine.is_idle(&slot.state, self.applied.1) {
            return self.drop_slot(key);
        }
        slot.revision = revision;
        slot.saving = Saving::Nothing;
        // Whatever came meanwhile may have ended it.
        self.finish_if_over(key);
    }

    fn drop_slot(&mut self, key: &Arc<str>) {
        let Some(mut slot) = self.slots.remove(key) else { return };
        self.parts.forget(key);
        slot.covered(key, None, &mut self.cover);
        if let Some(timer) = slot.timer {
            self.timers.remove(&(timer, Arc::clone(key)));
        }
        self.watcher.states(self.open());
    }

    pub(super) fn snapshot_subject(&self, key: &str) -> String {
        let key = self.settings.log.snapshot_key(self.settings.partition, key);
        self.settings.names.key(Bucket::Executions, &key)
    }

    /// Snapshots the states that hold the checkpoint longest, if they hold it too long.
    pub(super) fn save_oldest(&mut self) {
        if self.mode == Mode::Refolding {
            return;
        }
        let (applied, now) = (self.applied.0, self.now());
        let old = self.settings.snapshot_after_inputs;
        let long = sagaline_model::Span::from(self.settings.snapshot_after);
        let boot = self.ports.boot();
        let (mut due, mut wants_quiet): (Vec<Arc<str>>, bool) = (vec![], false);
        for (first, key) in self.cover.oldest().take(SNAPSHOTS_AT_ONCE * 2) {
            let Some(slot) = self.slots.get(key) else { continue };
            let (inputs, time) =
                (applied.saturating_sub(*first), now.since(self.cover.time_of(*first).unwrap_or(slot.applied.1)));
            if inputs < old && time < long {
                break;
            }
            // To save a large one costs time, in which the partition stands still.
            let slowness = self.parts.slowness(key);
            let is_due = |slowness: u32| old * u64::from(slowness) <= inputs || long.times(f64::from(slowness)) <= time;
            if !is_due(slowness) {
                continue;
            }
            if slot.pending > 0 && slot.saving == Saving::Nothing && is_due(slowness * OVERDUE) {
                wants_quiet |= self.quiet.is_wanted(slot.touched, boot);
            }
            if slot.pending == 0 && slot.saving == Saving::Nothing && due.len() < SNAPSHOTS_AT_ONCE {
                due.push(Arc::clone(key));
            }
        }
        self.quiet.keep(wants_quiet, boot);
        for key in due {
            self.save(&key);
        }
    }

    pub(super) fn save(&mut self, key: &Arc<str>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        // By the log's own time: a clock that is ahead must not forget what a fold of the log still knows.
        if self.machine.is_idle(&slot.state, self.applied.1) {
            return self.remove(key);
        }
        let revision = slot.revision;
        if !self.may_snapshot(revision) || self.parts.is_paused(key, self.ports.boot()) {
            return;
        }
        let Some(slot) = self.slots.get_mut(key) else { return };
        slot.saving = Saving::Snapshot { then: None };
        self.write_snapshot(key);
    }

    fn write_snapshot(&mut self, key: &Arc<str>) {
        let subject = self.snapshot_subject(key);
        let Some(slot) = self.slots.get(key) else { return };
        let payload = bytes::Bytes::from(wrap(self.machine.snapshot(&slot.state), slot.applied));
        if self.ports.message_room() < payload.len() {
            return self.write_in_parts(key, payload);
        }
        let message = Message {
            subject,
            expected: Some(slot.revision.unwrap_or(0)),
            msg_id: None,
            ttl: None,
            headers: vec![],
            payload,
        };
        let purpose = Purpose::Snapshot { message: Arc::new(message), applied: slot.applied };
        self.outbox.send(&mut self.ports, purpose, Some(Arc::clone(key)));
    }

    pub(super) fn snapshot_stored(&mut self, pending: &Pending, revision: Sequence) {
        let Some(key) = &pending.key else { return };
        let Some(slot) = self.slots.get_mut(key) else { return };
        slot.revision = Some(revision);
        self.parts_stored(key);
        self.is_saved(&Arc::clone(key));
    }

    /// What was being saved is in the bucket.
    fn is_saved(&mut self, key: &Arc<str>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        match slot.saving {
            Saving::Snapshot { then } => {
                slot.saving = Saving::Nothing;
                slot.covered(key, then, &mut self.cover);
                self.finish_if_over(key);
            }
            Saving::Last => {
                slot.saving = Saving::Kept;
                slot.covered(key, None, &mut self.cover);
                self.kept.insert((slot.applied.0, Arc::clone(key)));
            }
            Saving::Nothing | Saving::Record | Saving::Kept | Saving::Removal { .. } => {}
        }
    }

    pub(super) fn snapshot_given_up(&mut self, key: &Arc<str>) {
        self.parts_given_up(key);
        if let Some(slot) = self.slots.get_mut(key) {
            slot.saving = Saving::Nothing;
        }
    }

    /// Another owner, or an own earlier try, wrote this state's snapshot: what is there decides. Where nothing is there, it is the
    /// mark of a removal (ours, or one made by hand) that is in the way; the server told its sequence, `last`.
    pub(super) async fn save_contested(&mut self, pending: Pending, last: Option<Sequence>) -> Result<(), Halt> {
        let Some(key) = pending.key.clone() else { return Ok(()) };
        let snapshot_key = self.settings.log.snapshot_key(self.settings.partition, &key);
        let there = match self.ports.value(Bucket::Executions, &snapshot_key).await {
            Ok(there) => there,
            Err(failure) => return self.unanswered(pending, &failure.to_string()).await,
        };
        let Some(slot) = self.slots.get_mut(&key) else { return Ok(()) };
        let is_there = there.is_some();
        slot.revision = there.as_ref().map(|(revision, _)| *revision).or(last.filter(|last| *last > 0));
        // The mark of a removal, of which the server does not tell, is waited out, with the parts that the snapshot names.
        let waits_out = slot.saving == Saving::Last && slot.revision.is_none();
        let waits_out =
            waits_out && matches!(&pending.purpose, Purpose::Snapshot { message, .. } if message.expected == Some(0));
        if !waits_out {
            let manifest = there.as_ref().and_then(|(_, value)| Manifest::read(value));
            self.parts_known(&key, manifest);
        }
        let Some(slot) = self.slots.get_mut(&key) else { return Ok(()) };
        let position = there.and_then(|(_, value)| serde_json::from_slice::<Position>(&value).ok());
        match pending.purpose {
            Purpose::Snapshot { applied, .. } if position.is_some_and(|there| there.reaches(applied)) => {
                self.is_saved(&key);
            }
            Purpose::Snapshot { .. } if waits_out => {
                return self.unanswered(pending, "the mark of a removal is in the way").await;
            }
            Purpose::Snapshot { .. } if slot.saving == Saving::Last => self.write_snapshot(&key),
            Purpose::Snapshot { .. } => {
                slot.saving = Saving::Nothing;
                self.finish_if_over(&key);
            }
            Purpose::Tombstone(_) if is_there && slot.saving == (Saving::Removal { recorded: true }) => {
                self.remove(&key);
            }
            Purpose::Tombstone(_) => {
                let revision = slot.revision;
                self.removed(&key, revision);
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes how far everything is covered, if that moved.
    pub(super) fn write_checkpoint(&mut self, now: Duration) {
        let due = now >= self.checkpoint_at + self.settings.checkpoint_every;
        if self.mode == Mode::Refolding || self.checkpoint_in_flight || !due {
            return;
        }
        let next = self.cover.next(self.applied.0);
        if next <= self.checkpoint.next {
            return;
        }
        let time = self.cover.time_below(next);
        let moved = Checkpoint { epoch: self.checkpoint.epoch, next, time };
        self.checkpoint_at = now;
        self.checkpoint_in_flight = true;
        let message = Arc::new(self.checkpoint_message(&moved, self.checkpoint_revision));
        self.outbox.send(&mut self.ports, Purpose::Checkpoint { message, moved }, None);
    }

    pub(super) fn checkpoint_message(&self, checkpoint: &Checkpoint, expected: Sequence) -> Message {
        Message {
            subject: self
                .settings
                .names
                .key(Bucket::Partitions, &self.settings.log.checkpoint_key(self.settings.partition)),
            expected: Some(expected),
            msg_id: None,
            ttl: None,
            headers: vec![],
            payload: serde_json::to_vec(checkpoint).expect("a checkpoint is plain JSON").into(),
        }
    }

    pub(super) fn checkpoint_stored(&mut self, moved: &Checkpoint, revision: Sequence) {
        self.checkpoint = moved.clone();
        self.checkpoint_revision = revision;
        self.checkpoint_in_flight = false;
        self.remove_what_is_passed();
    }

    /// The ends that the checkpoint has passed need no snapshot any more.
    fn remove_what_is_passed(&mut self) {
        while let Some((applied, _)) = self.kept.first()
            && *applied < self.checkpoint.next
        {
            let Some((_, key)) = self.kept.pop_first() else { break };
            self.remove(&key);
        }
    }

    /// The checkpoint was not written as expected: either an own try got through unheard, or another owner has raised the epoch.
    pub(super) async fn checkpoint_contested(&mut self) -> Result<(), Halt> {
        self.checkpoint_in_flight = false;
        match self.stored_checkpoint().await {
            // Not now; the next write finds out.
            Err(_) => Ok(()),
            Ok(None) => Err(Halt::Restart("the checkpoint is gone".to_owned())),
            Ok(Some((revision, Ok(there)))) if there.epoch == self.checkpoint.epoch => {
                self.checkpoint = there;
                self.checkpoint_revision = revision;
                self.remove_what_is_passed();
                Ok(())
            }
            Ok(Some(_)) => Err(Halt::Fenced),
        }
    }

    /// The checkpoint that the bucket holds, or why it cannot be read.
    pub(super) async fn stored_checkpoint(
        &mut self,
    ) -> Result<Option<(Sequence, Result<Checkpoint, String>)>, Failure> {
        let key = self.settings.log.checkpoint_key(self.settings.partition);
        let there = self.ports.value(Bucket::Partitions, &key).await?;
        let read = |value: bytes::Bytes| serde_json::from_slice(&value).map_err(|fault| fault.to_string());
        Ok(there.map(|(revision, value)| (revision, read(value))))
    }
}

impl<S> Slot<S> {
    /// A state as a snapshot holds it.
    pub(super) fn restored(state: S, applied: (Sequence, Moment), revision: Sequence, now: Duration) -> Self {
        let mut slot = Self::new(state, now);
        slot.applied = applied;
        slot.revision = Some(revision);
        slot
    }
}

/// The removal of what is under a key of a bucket.
pub(super) fn removal(subject: String, expected: Option<Sequence>, ttl: Duration) -> Message {
    Message {
        subject,
        expected,
        msg_id: None,
        ttl: Some(ttl),
        headers: vec![("KV-Operation", "PURGE".to_owned()), ("Nats-Rollup", "sub".to_owned())],
        payload: bytes::Bytes::new(),
    }
}

/// What came of a write that was waited for.
pub(super) fn stored_revision(outcome: Outcome) -> Result<Sequence, Outcome> {
    match outcome {
        Outcome::Stored { sequence, .. } => Ok(sequence),
        other => Err(other),
    }
}
