//! A reader trusts no position: before the log is read from somewhere, it is proved that this is the log the owner knows.
//!
//! A mark is appended; its sequence is the head and must lie above everything applied, snapshotted or checkpointed, and the entry
//! below the checkpoint must have the time that the checkpoint notes. If not, an acknowledged tail is lost (a power cut on a lazily
//! synced node, a restore, a stream made anew).

use std::sync::Arc;

use sagaline_events::input::FILLER;
use sagaline_model::Moment;

use super::{Halt, Mode, Owner, Watcher, cover::Checkpoint, outbox::Purpose, save::stored_revision};
use crate::{
    machine::Machine,
    ports::{Failure, Outcome, Ports, Sequence},
};

/// Fillers on their way at a time: enough to keep a cluster busy that syncs them to its disks together.
const FILLERS_AT_ONCE: usize = 1024;

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    /// For recovery: the head to fold to. A lost tail is dealt with first.
    pub(super) async fn prove_place(&mut self) -> Result<Sequence, Halt> {
        let head = self.append(self.mark()).await?;
        let used = self.highest_known().max(self.checkpoint.next.saturating_sub(1));
        let below = self.checkpoint.next.saturating_sub(1);
        let is_ours = match self.checkpoint.time {
            // It was set back to where its log began, so nothing stood below it. What stands there now is another log's.
            None if below > 0 => below < self.ports.log_room().await?.first,
            time => self.is_stored_at(below, time).await?,
        };
        if head > used && is_ours || self.settings.without.place {
            return Ok(head);
        }
        self.tail_lost(used).await
    }

    /// The reader lost its place while the owner lived: it goes on behind what was applied, if that is still there.
    pub(super) async fn find_place(&mut self, why: &str) -> Result<(), Halt> {
        if self.mode == Mode::Refolding {
            return Err(Failure::NoAnswer(format!("read the log while recovering: {why}")).into());
        }
        self.watcher.retried("the reader", why);
        let (sequence, time) = self.applied;
        // The reader first, then the proof: what is lost before it is seen by the proof, and what is lost after, by the reader.
        self.ports.read_from(sequence + 1).await?;
        let head = self.append(self.mark()).await?;
        let is_ours = sequence < head && self.is_stored_at(sequence, Some(time)).await?;
        if !is_ours && !self.settings.without.place {
            return Err(Halt::Restart("the log is not the one that was folded".to_owned()));
        }
        self.places_found += 1;
        self.questions.place_found();
        Ok(())
    }

    async fn is_stored_at(&mut self, sequence: Sequence, time: Option<Moment>) -> Result<bool, Halt> {
        let Some(time) = time.filter(|_| sequence > 0) else { return Ok(true) };
        Ok(self.ports.stored_at(sequence).await? == Some(time))
    }

    /// The checkpoint goes back to the first input later than its time, because what is purged goes by it; then the log is filled
    /// until no sequence in use lies above its head.
    async fn tail_lost(&mut self, used: Sequence) -> Result<Sequence, Halt> {
        let partition = self.settings.partition;
        self.watcher.alarm(&format!(
            "the log of partition {partition} has lost acknowledged entries (up to {used} were known); \
             going on from the last one that the checkpoint vouches for"
        ));
        let time = self.checkpoint.time.unwrap_or(Moment::EPOCH);
        // Our own mark is later; if even that is gone, the tail was lost once more, and what comes now takes those sequences.
        let Some(first) = self.ports.first_after(time).await? else {
            return Err(Halt::Restart("the tail of the log was lost again".to_owned()));
        };
        // A log that was made anew may begin far above: nothing can be lost below its beginning.
        let begins = self.ports.log_room().await?.first;
        let next = first.min(self.checkpoint.next).max(begins).max(1);
        // Nothing stands below the first. Anywhere else something did a moment ago: if it is gone, the tail was lost once more, and
        // the older time stays, which the next proof of the place will not find there.
        let time = if next > begins.max(1) { self.ports.stored_at(next - 1).await?.or(Some(time)) } else { None };
        let back = Checkpoint { epoch: self.checkpoint.epoch, next, time };
        let message = self.checkpoint_message(&back, self.checkpoint_revision);
        match stored_revision(self.ports.publish_and_wait(message).await) {
            Ok(revision) => self.checkpoint_revision = revision,
            Err(Outcome::Conflict { .. }) => return Err(Halt::Fenced),
            Err(_) => return Err(Halt::Restart("the checkpoint could not be set back".to_owned())),
        }
        self.checkpoint = back;
        loop {
            let head = self.append(self.own_input(FILLER)).await?;
            if head > used {
                return Ok(head);
            }
            self.fill(used - head).await?;
        }
    }

    /// Appends so many fillers. Many are on their way at once, and one that is stored twice does no harm.
    async fn fill(&mut self, mut missing: Sequence) -> Result<(), Halt> {
        let filler = Arc::new(self.own_input(FILLER));
        let others = self.outbox.len();
        while missing > 0 || self.outbox.len() > others {
            while missing > 0 && self.outbox.len() < others + FILLERS_AT_ONCE {
                self.outbox.send(&mut self.ports, Purpose::Send(Arc::clone(&filler)), None);
                missing -= 1;
            }
            // Lets go if the lease is lost meanwhile.
            self.take_events(false).await?;
            if self.stopping.is_some() {
                return Err(Halt::Stopped);
            }
            for pending in self.outbox.overdue(self.ports.boot()) {
                self.unanswered(pending, "no answer in time").await?;
            }
            self.outbox.resend(&mut self.ports);
        }
        Ok(())
    }
}
