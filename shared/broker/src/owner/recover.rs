//! Recovery: the same fold, in seven steps. Nothing is performed that is still out there, and nothing that is wanted is missed.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    Halt, Mode, Owner, Watcher,
    cover::Checkpoint,
    save::{Position, Saved, stored_revision},
    slot::Slot,
};
use crate::{
    machine::{Act, Machine, QueuedTask},
    names::Names,
    ports::{Bucket, Failure, Message, Outcome, Ports, Sequence},
};

/// How often a write of recovery is tried before the owner gives up and starts anew.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// So many states are asked about in the bucket of ended ones at once.
const PAGE: usize = 1000;

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    pub(super) async fn recover(&mut self) -> Result<(), Halt> {
        let begun = self.ports.boot();
        self.raise_epoch().await?; // 1
        self.load_snapshots().await?; // 2
        let head = self.prove_place().await?;
        self.applied.0 = self.checkpoint.next.saturating_sub(1);
        self.ports.read_from(self.checkpoint.next.max(1)).await?;
        self.fold_to(head).await?; // 3
        let queued = self.queued_tasks().await?; // 4
        let head = self.append(self.mark()).await?;
        self.fold_to(head).await?; // 5
        self.perform_what_is_missing(&queued); // 6
        self.mode = Mode::Live; // 7
        let took = self.ports.boot().saturating_sub(begun);
        self.watcher.recovered(took, self.applied.0 + 1 - self.checkpoint.next.max(1), self.slots.len());
        Ok(())
    }

    /// (1) From now on no older owner can move the checkpoint.
    async fn raise_epoch(&mut self) -> Result<(), Halt> {
        let key = Names::checkpoint_key(self.settings.partition);
        for _ in 0..TRIES {
            let there = self.ports.value(Bucket::Partitions, &key).await?;
            let revision = there.as_ref().map_or(0, |(revision, _)| *revision);
            let old = match there.as_ref().map(|(_, value)| serde_json::from_slice::<Checkpoint>(value)) {
                None => Checkpoint { epoch: 0, next: 1, time: None },
                Some(Ok(old)) => old,
                Some(Err(fault)) => {
                    let what = format!("read the checkpoint of partition {}", self.settings.partition);
                    return Err(Failure::Refused { what, why: fault.to_string() }.into());
                }
            };
            let raised = Checkpoint { epoch: old.epoch + 1, ..old };
            let message = self.checkpoint_message(&raised, revision);
            match stored_revision(self.ports.publish_and_wait(message).await) {
                Ok(revision) => {
                    self.checkpoint = raised;
                    self.checkpoint_revision = revision;
                    return Ok(());
                }
                Err(Outcome::Refused(why)) => return Err(refused("raise the epoch", why)),
                Err(_) => self.pause_held().await?,
            }
        }
        Err(Failure::NoAnswer("raise the epoch".to_owned()).into())
    }

    /// (2) The states that were open, and those that had ended but not been passed by the checkpoint.
    async fn load_snapshots(&mut self) -> Result<(), Halt> {
        let stored = self.ports.snapshots().await?;
        let now = self.ports.boot();
        for page in stored.chunks(PAGE) {
            let keys: Vec<String> = page.iter().map(|stored| stored.key.clone()).collect();
            let ended = self.ports.values(Bucket::Results, &keys).await?;
            for (stored, ended) in page.iter().zip(ended) {
                let saved: Saved<'_> = match serde_json::from_slice(&stored.value) {
                    Ok(saved) => saved,
                    Err(fault) => {
                        self.watcher.alarm(&format!("the snapshot of `{}` cannot be read: {fault}", stored.key));
                        continue;
                    }
                };
                let end = ended.and_then(|(_, record)| serde_json::from_slice::<Position>(&record).ok());
                // Its end is recorded and will not be folded again: an owner that slept wrote this snapshot too late.
                let next = self.checkpoint.next;
                if end.as_ref().is_some_and(|end| end.reaches((saved.applied, saved.time)) && end.applied < next) {
                    self.remove_snapshot(&stored.key, stored.revision, None);
                    continue;
                }
                // Its end is recorded, with all effects out, and the checkpoint may have passed inputs between the two: then too
                // this snapshot came too late. It goes at the next recovery, when the checkpoint has passed the end.
                if let Some(end) =
                    end.filter(|end| end.reaches((saved.applied, saved.time)) && saved.applied < end.applied)
                {
                    self.ended.insert(stored.key.as_str().into(), (end.applied, end.time));
                    continue;
                }
                match self.machine.restore(saved.state.get().as_bytes()) {
                    Ok(state) => {
                        let slot = Slot::restored(state, (saved.applied, saved.time), stored.revision, now);
                        self.slots.insert(stored.key.as_str().into(), slot);
                    }
                    Err(why) => self.watcher.alarm(&format!("the snapshot of `{}` cannot be read: {why}", stored.key)),
                }
            }
        }
        let keys: Vec<Arc<str>> = self.slots.keys().cloned().collect();
        for key in keys {
            while let Some(need) = self.slots.get(&key).and_then(|slot| self.machine.needs(Some(&slot.state), None)) {
                self.learn(&need).await?;
            }
            self.arm(&key);
        }
        Ok(())
    }

    /// (3, 5) Folds until everything up to `head` is folded, performing all but tasks.
    async fn fold_to(&mut self, head: Sequence) -> Result<(), Halt> {
        let mut quiet_since = self.ports.boot();
        while self.applied.0 < head {
            let before = self.applied.0;
            self.round().await?;
            let now = self.ports.boot();
            if self.applied.0 > before || self.outbox.burden() >= self.settings.in_flight {
                quiet_since = now;
            } else if now > quiet_since + Duration::from_secs(10) {
                return Err(Halt::Restart(format!("the log stopped at {before}, below its head {head}")));
            }
            if self.stopping.is_some() {
                return Err(Halt::Stopped);
            }
        }
        Ok(())
    }

    /// (4) Which of the tasks that are waited for are still in their queues.
    async fn queued_tasks(&mut self) -> Result<BTreeSet<String>, Halt> {
        let states = self.slots.iter();
        let tasks: Vec<(String, String)> = states
            .flat_map(|(key, slot)| self.machine.tasks(key, &slot.state))
            .map(|task| (task.queue, task.message.subject))
            .collect();
        let there = self.ports.queued(&tasks).await?;
        let queued = tasks.into_iter().zip(there).filter(|(_, there)| *there);
        Ok(queued.map(|((_, subject), _)| subject).collect())
    }

    /// (6) Tasks that were absent and are still waited for go out again, and whatever else a state needs done again.
    fn perform_what_is_missing(&mut self, queued: &BTreeSet<String>) {
        let mut missing: Vec<(Arc<str>, Act)> = vec![];
        for (key, slot) in &self.slots {
            let wanted = |task: &QueuedTask| !queued.contains(&task.message.subject);
            let tasks = self.machine.tasks(key, &slot.state).into_iter().filter(wanted).map(Act::Task);
            let acts = tasks.chain(self.machine.resume(key, &slot.state));
            missing.extend(acts.map(|act| (Arc::clone(key), act)));
        }
        for (key, act) in missing {
            self.perform(&key, act, true);
        }
        let keys: Vec<Arc<str>> = self.slots.keys().cloned().collect();
        for key in keys {
            self.finish_if_over(&key);
        }
    }

    /// Publishes a message of the owner's own on the log and waits for its sequence.
    pub(super) async fn append(&mut self, message: Message) -> Result<Sequence, Halt> {
        for _ in 0..TRIES {
            match self.ports.publish_and_wait(message.clone()).await {
                Outcome::Stored { sequence, .. } => return Ok(sequence),
                Outcome::Refused(why) => return Err(refused("append to the log", why)),
                _ => self.pause_held().await?,
            }
        }
        Err(Failure::NoAnswer("append to the log".to_owned()).into())
    }

    pub(super) async fn pause_held(&mut self) -> Result<(), Halt> {
        if !self.ports.holds_lease() {
            return Err(Halt::LeaseLost);
        }
        self.ports.pause(PAUSE).await;
        Ok(())
    }
}

fn refused(what: &str, why: String) -> Halt {
    Failure::Refused { what: what.to_owned(), why }.into()
}
