//! Recovery: the same fold, in seven steps. Nothing is performed that is still out there, and nothing that is wanted is missed.

use std::{collections::BTreeSet, ops::Bound, sync::Arc, time::Duration};

use super::{Halt, Mode, Owner, Watcher, cover::Checkpoint, save::stored_revision};
use crate::{
    machine::{Act, Machine, QueuedTask},
    ports::{Failure, Message, Outcome, Ports, Sequence},
};

/// How often a write of recovery is tried before the owner gives up and starts anew: a cluster may take nine seconds to elect a
/// leader, and beginning anew would only take longer.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(250);

/// So many tasks are looked for at once.
const TASKS_AT_ONCE: usize = 1000;

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    pub(super) async fn recover(&mut self) -> Result<(), Halt> {
        let begun = self.ports.boot();
        self.raise_epoch().await?; // 1
        self.load_snapshots().await?; // 2
        let head = self.read_from_checkpoint().await?;
        self.fold_to(head).await?; // 3
        let queued = self.queued_tasks().await?; // 4
        let head = self.append(self.mark()).await?;
        self.fold_to(head).await?; // 5
        self.perform_what_is_missing(&queued).await?; // 6
        self.mode = Mode::Live; // 7
        let took = self.ports.boot().saturating_sub(begun);
        self.watcher.recovered(took, self.applied.0 + 1 - self.checkpoint.next.max(1), self.open());
        Ok(())
    }

    /// (1) From now on no older owner can move the checkpoint.
    async fn raise_epoch(&mut self) -> Result<(), Halt> {
        for _ in 0..TRIES {
            let none = || (0, Ok(Checkpoint { epoch: 0, next: 1, time: None }));
            let (revision, old) = self.stored_checkpoint().await?.unwrap_or_else(none);
            let old = old.map_err(|why| {
                let what = format!("read the checkpoint of partition {}", self.settings.partition);
                Failure::Refused { what, why }
            })?;
            // Whoever slept since it took the lease would fence the owner that has it now.
            if !self.ports.holds_lease() {
                return Err(Halt::LeaseLost);
            }
            if self.settings.without.epoch {
                (self.checkpoint, self.checkpoint_revision) = (old, revision);
                return Ok(());
            }
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

    /// The reader first, then the proof of its place: what is lost before the proof is seen by it, and what is lost after, by the
    /// reader. Where the proof sets the checkpoint back, both begin anew.
    async fn read_from_checkpoint(&mut self) -> Result<Sequence, Halt> {
        loop {
            let next = self.checkpoint.next.max(1);
            self.ports.read_from(next).await?;
            let head = self.prove_place().await?;
            if self.checkpoint.next.max(1) == next {
                self.applied.0 = next - 1;
                return Ok(head);
            }
        }
    }

    /// (3, 5) Folds until everything up to `head` is folded, performing all but tasks; nothing is left deferred.
    async fn fold_to(&mut self, head: Sequence) -> Result<(), Halt> {
        let mut quiet_since = self.ports.boot();
        while self.applied.0 < head || !self.resting.waking.is_empty() {
            let before = self.applied.0;
            // Behind the head nothing is taken, or a busy log would have something deferred for ever.
            self.round(before < head).await?;
            let now = self.ports.boot();
            if self.applied.0 > before || before >= head || !self.has_room() {
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
        let mut queued = BTreeSet::new();
        let mut after = Bound::Unbounded;
        loop {
            // A state may wait for many tasks: pages are bounded by these, not by the states.
            let mut tasks: Vec<(String, String)> = vec![];
            let mut last = None;
            for (key, slot) in
                self.slots.range::<str, _>((after.as_ref().map(|key: &Arc<str>| &**key), Bound::Unbounded))
            {
                let wanted = self.machine.tasks(key, &slot.state);
                tasks.extend(wanted.into_iter().map(|task| (task.queue, task.message.subject)));
                last = Some(Arc::clone(key));
                if tasks.len() >= TASKS_AT_ONCE {
                    break;
                }
            }
            let Some(last) = last else { return Ok(queued) };
            after = Bound::Excluded(last);
            if !self.ports.holds_lease() {
                return Err(Halt::LeaseLost);
            }
            let there = self.ports.queued(&tasks).await?;
            queued.extend(tasks.into_iter().zip(there).filter(|(_, there)| *there).map(|((_, subject), _)| subject));
        }
    }

    /// (6) Tasks that were absent and are still waited for go out again, and whatever else a state needs done again: as many at
    /// a time as may be in flight.
    async fn perform_what_is_missing(&mut self, queued: &BTreeSet<String>) -> Result<(), Halt> {
        let keys: Vec<Arc<str>> = self.slots.keys().cloned().collect();
        for key in keys {
            while !self.has_room() {
                self.round(false).await?;
            }
            let Some(slot) = self.slots.get(&key) else { continue };
            let wanted = |task: &QueuedTask| !queued.contains(&task.message.subject);
            let tasks = self.machine.tasks(&key, &slot.state).into_iter().filter(wanted).map(Act::Task);
            let acts: Vec<Act> = tasks.chain(self.machine.resume(&key, &slot.state)).collect();
            for act in acts {
                self.perform(&key, act, true);
            }
            self.finish_if_over(&key);
        }
        Ok(())
    }

    /// Publishes a message of the owner's own on the log and waits for its sequence.
    pub(super) async fn append(&mut self, message: Message) -> Result<Sequence, Halt> {
        for _ in 0..TRIES {
            match self.ports.publish_and_wait(message.clone()).await {
                Outcome::Stored { sequence, .. } => return Ok(sequence),
                Outcome::Refused(why) => return Err(refused("append to the log", why)),
                Outcome::Full(_) => {
                    self.make_room().await?;
                    self.pause_held().await?;
                }
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
