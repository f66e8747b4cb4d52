//! Snapshots that do not fit in one message are stored in parts, beside the snapshots: all parts first, then under the key of the
//! snapshot a *manifest* that names them, then the parts that it takes the place of are removed.
//!
//! Each write has a *generation* of its own, in the keys of its parts, so no part is ever written over: at any moment what is under
//! the key names parts that are all there. Of a generation whose manifest was sent nobody knows whether it will be stored, until
//! something else is known to be under the key; so long its parts stay. What an owner that dies leaves behind is swept later
//! (`nats/sweep`).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use sagaline_model::Moment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Owner, Watcher,
    outbox::{Pending, Purpose},
    save::{TOMBSTONE_TTL, removal},
    slot::Saving,
};
use crate::{
    machine::Machine,
    ports::{Bucket, Message, Ports, Sequence},
};

/// A part is no longer than this: what else goes out over the connection waits behind it.
const PART_BYTES: usize = 512 * 1024;
/// So many parts of a snapshot are on their way at a time, for the same reason.
const PARTS_AT_ONCE: u32 = 4;
/// A state whose snapshot is larger is not saved.
pub(super) const SNAPSHOT_BYTES_MAX: usize = 64 << 20;
/// After such a snapshot was given up, none is taken of this state for so long: to take it costs time.
const PAUSE: Duration = Duration::from_secs(60);

/// A snapshot of so many bytes is taken half as often as a small one, of twice as many a third as often, and so on.
const SLOWER_PER_BYTES: usize = 4 << 20;
/// At most so much more seldom: what was not saved is folded again.
const SLOWEST: u32 = 6;

/// What is under the key of a snapshot that is stored in parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) generation: String,
    pub(super) count: u32,
    pub(super) bytes: usize,
    pub(super) sha256: String,
}

impl Manifest {
    /// The epoch of the owner that wrote a generation; nothing if no owner named it.
    pub(crate) fn epoch_of(generation: &str) -> Option<u64> {
        generation.split_once('-')?.0.parse().ok()
    }

    /// The one in what is under the key of a snapshot; nothing if it is not in parts.
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Saved {
            #[serde(default)]
            parts: Option<Manifest>,
        }
        serde_json::from_slice::<Saved>(value).ok()?.parts
    }

    /// Whether these are all of the bytes.
    pub(super) fn check(&self, whole: &[u8]) -> Result<(), String> {
        if whole.len() != self.bytes {
            return Err(format!("its parts have {} bytes and should have {}", whole.len(), self.bytes));
        }
        if sha256(whole) == self.sha256 { Ok(()) } else { Err("its parts are not those that were written".to_owned()) }
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The snapshots in parts that this owner knows of.
#[derive(Default)]
pub(super) struct Parts {
    /// The manifests under the keys of snapshots.
    stored: BTreeMap<Arc<str>, Manifest>,
    writing: BTreeMap<Arc<str>, Writing>,
    /// Manifests that were given up after they were sent.
    doubtful: BTreeMap<Arc<str>, Vec<Manifest>>,
    /// Of which states no snapshot is taken, until when.
    paused: BTreeMap<Arc<str>, Duration>,
    /// Tells the generations of this owner apart, and those of an epoch that was counted anew.
    last: i64,
}

/// A snapshot whose parts are being written.
struct Writing {
    manifest: Manifest,
    applied: (Sequence, Moment),
    whole: Bytes,
    part_bytes: usize,
    /// The first part that was not sent yet.
    next: u32,
    in_flight: u32,
    /// A part was not taken: no more of them are sent.
    is_given_up: bool,
    /// The manifest was sent.
    is_announced: bool,
}

impl Parts {
    pub(super) fn is_stored(&self, key: &str) -> bool {
        self.stored.contains_key(key)
    }

    /// This manifest is under the key.
    pub(super) fn found(&mut self, key: &Arc<str>, manifest: Manifest) {
        self.stored.insert(Arc::clone(key), manifest);
    }

    /// How many times more seldom the state is saved than a small one.
    pub(super) fn slowness(&self, key: &str) -> u32 {
        let slower = self.stored.get(key).map_or(0, |manifest| manifest.bytes / SLOWER_PER_BYTES);
        u32::try_from(slower).unwrap_or(SLOWEST).saturating_add(1).min(SLOWEST)
    }

    /// Whether no snapshot is to be taken of this state now.
    pub(super) fn is_paused(&mut self, key: &str, now: Duration) -> bool {
        let is_over = self.paused.get(key).is_some_and(|until| *until <= now);
        if is_over {
            self.paused.remove(key);
        }
        self.paused.contains_key(key)
    }

    /// The state is forgotten. What may be left of it is swept.
    pub(super) fn forget(&mut self, key: &str) {
        self.stored.remove(key);
        self.doubtful.remove(key);
        self.paused.remove(key);
    }
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    /// What is too long for one message. Near the end of the room, and beyond what is bearable, it is given up.
    pub(super) fn write_in_parts(&mut self, key: &Arc<str>, whole: Bytes) {
        let Some(slot) = self.slots.get(key) else { return };
        let (is_last, applied) = (slot.saving == Saving::Last, slot.applied);
        let is_too_large = whole.len() > SNAPSHOT_BYTES_MAX;
        if !is_last && (is_too_large || self.spares_snapshots()) {
            if is_too_large {
                self.watcher.alarm(&format!(
                    "the state of `{key}` has {} bytes, more than the {SNAPSHOT_BYTES_MAX} that are saved of one; until it is \
                     smaller, nothing is removed from the log of partition {} that came after input {}",
                    whole.len(),
                    self.settings.partition,
                    self.checkpoint.next
                ));
            }
            self.parts.paused.insert(Arc::clone(key), self.ports.boot() + PAUSE);
            return self.snapshot_given_up(key);
        }
        let part_bytes = self.ports.message_room().clamp(1, PART_BYTES);
        self.parts.last = self.ports.now().as_nanos().max(self.parts.last + 1);
        let manifest = Manifest {
            generation: format!("{}-{}", self.checkpoint.epoch, self.parts.last),
            count: u32::try_from(whole.len().div_ceil(part_bytes)).unwrap_or(u32::MAX),
            bytes: whole.len(),
            sha256: sha256(&whole),
        };
        let writing = Writing {
            manifest,
            applied,
            whole,
            part_bytes,
            next: 0,
            in_flight: 0,
            is_given_up: false,
            is_announced: false,
        };
        self.parts.writing.insert(Arc::clone(key), writing);
        if self.settings.without.parts {
            self.announce(key);
        }
        self.write_on(key);
    }

    /// Sends what may be sent now: parts, and when all are stored, the manifest.
    fn write_on(&mut self, key: &Arc<str>) {
        let (log, partition) = (self.settings.log, self.settings.partition);
        let Some(writing) = self.parts.writing.get_mut(key) else { return };
        while !writing.is_given_up && writing.next < writing.manifest.count && writing.in_flight < PARTS_AT_ONCE {
            let first = writing.next as usize * writing.part_bytes;
            let end = writing.whole.len().min(first + writing.part_bytes);
            let part = log.part_key(partition, key, &writing.manifest.generation, writing.next);
            let message = Message {
                subject: self.settings.names.key(Bucket::Executions, &part),
                expected: None,
                msg_id: None,
                ttl: None,
                headers: vec![],
                payload: writing.whole.slice(first..end),
            };
            writing.next += 1;
            writing.in_flight += 1;
            self.outbox.send(&mut self.ports, Purpose::Part(Arc::new(message)), Some(Arc::clone(key)));
        }
        if writing.in_flight > 0 {
            return;
        }
        if writing.is_given_up {
            self.snapshot_given_up(key);
            return self.finish_if_over(key);
        }
        if !writing.is_announced {
            self.announce(key);
        }
    }

    pub(super) fn part_stored(&mut self, pending: &Pending) {
        self.part_settled(pending, true);
    }

    /// A part was not taken: without it, the others are of no use.
    pub(super) fn part_refused(&mut self, pending: &Pending) {
        self.part_settled(pending, false);
    }

    fn part_settled(&mut self, pending: &Pending, is_stored: bool) {
        let Some(key) = &pending.key else { return };
        let Some(writing) = self.parts.writing.get_mut(key) else { return };
        writing.in_flight = writing.in_flight.saturating_sub(1);
        writing.is_given_up |= !is_stored;
        self.write_on(&Arc::clone(key));
    }

    /// Puts the manifest under the key of the snapshot.
    fn announce(&mut self, key: &Arc<str>) {
        let subject = self.snapshot_subject(key);
        let (Some(writing), Some(slot)) = (self.parts.writing.get_mut(key), self.slots.get(key)) else { return };
        writing.is_announced = true;
        let (applied, time) = writing.applied;
        let manifest = serde_json::json!({ "applied": applied, "time": time, "parts": &writing.manifest });
        let message = Message {
            subject,
            expected: Some(slot.revision.unwrap_or(0)),
            msg_id: None,
            ttl: None,
            headers: vec![],
            payload: serde_json::to_vec(&manifest).expect("a manifest is plain JSON").into(),
        };
        let purpose = Purpose::Snapshot { message: Arc::new(message), applied: writing.applied };
        self.outbox.send(&mut self.ports, purpose, Some(Arc::clone(key)));
    }

    /// The snapshot that was being written is stored: what is under the key names what was written, if that was in parts.
    pub(super) fn parts_stored(&mut self, key: &Arc<str>) {
        let manifest = self.parts.writing.get(key).map(|writing| writing.manifest.clone());
        self.parts_known(key, manifest);
    }

    /// Known to be under the key is this manifest, or nothing in parts; so no other can come to be there that was sent before.
    pub(super) fn parts_known(&mut self, key: &Arc<str>, manifest: Option<Manifest>) {
        let Parts { stored, writing, doubtful, .. } = &mut self.parts;
        let before = stored.remove(key).into_iter();
        let before = before.chain(writing.remove(key).map(|writing| writing.manifest));
        let before: Vec<Manifest> = before.chain(doubtful.remove(key).unwrap_or_default()).collect();
        let there = manifest.as_ref().map(|manifest| manifest.generation.clone());
        stored.extend(manifest.map(|manifest| (Arc::clone(key), manifest)));
        for old in before.iter().filter(|old| there.as_ref() != Some(&old.generation)) {
            self.remove_parts(key, &old.generation, old.count);
        }
    }

    /// The snapshot that was being written is given up. If its manifest was sent, it may yet be stored.
    pub(super) fn parts_given_up(&mut self, key: &Arc<str>) {
        let Some(writing) = self.parts.writing.remove(key) else { return };
        if writing.is_announced {
            self.parts.doubtful.entry(Arc::clone(key)).or_default().push(writing.manifest);
        } else {
            self.remove_parts(key, &writing.manifest.generation, writing.next);
        }
    }

    fn remove_parts(&mut self, key: &str, generation: &str, count: u32) {
        for number in 0..count {
            let part = self.settings.log.part_key(self.settings.partition, key, generation, number);
            let message = removal(self.settings.names.key(Bucket::Executions, &part), None, TOMBSTONE_TTL);
            self.outbox.send(&mut self.ports, Purpose::PartGone(Arc::new(message)), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_told_from_a_snapshot_in_one_message() {
        let manifest = Manifest { generation: "3-1700".into(), count: 2, bytes: 5, sha256: sha256(b"whole") };
        let json = serde_json::json!({ "applied": 7, "time": "2026-01-01T00:00:00Z", "parts": &manifest }).to_string();
        assert_eq!(Manifest::read(json.as_bytes()), Some(manifest.clone()));
        assert_eq!(Manifest::read(br#"{"applied":7,"time":"2026-01-01T00:00:00Z","state":{"parts":{}}}"#), None);
        assert_eq!((Manifest::epoch_of("3-1700"), Manifest::epoch_of("x")), (Some(3), None));
        assert_eq!(manifest.check(b"whole"), Ok(()));
        assert!(manifest.check(b"whale").is_err_and(|why| why.contains("not those")));
        assert!(manifest.check(b"who").is_err_and(|why| why.contains("3 bytes and should have 5")));
    }

    #[test]
    fn the_larger_a_state_the_more_seldom_it_is_saved() {
        let mut parts = Parts::default();
        let key: Arc<str> = "a".into();
        assert_eq!(parts.slowness("a"), 1);
        for (mib, slowness) in [(1, 1), (4, 2), (10, 3), (64, 6)] {
            let manifest = Manifest { generation: "1-1".into(), count: 1, bytes: mib << 20, sha256: String::new() };
            parts.found(&key, manifest);
            assert_eq!(parts.slowness("a"), slowness, "{mib} MiB");
        }
    }
}
