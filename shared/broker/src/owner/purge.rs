//! Purging: what is done with leaves the log, never anything above the checkpoint.
//!
//! Three things decide how much of it is kept, whichever comes first: how long (the history), how many subjects (each costs the
//! server memory, kept or not read), and how many bytes: a log that nears its limit gives up history rather than stop work.
//! The entry just below the checkpoint always stays: its time proves that the log is the one the checkpoint speaks of.

use std::time::Duration;

use super::{Halt, Owner, Watcher};
use crate::{
    machine::Machine,
    ports::{Failure, LogRoom, Ports, Sequence},
};
use sagaline_model::Moment;

/// How often what is old is removed from the log, and the part of a short history after which it is.
const PURGE_EVERY: Duration = Duration::from_secs(60);
const PURGES_IN_HISTORY: u32 = 10;

/// How often it is looked how full the log is: one request, answered from the server's memory. A log fills by a few percent
/// in this time at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often it is said that the history is shorter than wished.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Fuller than this, the log gives up history, down to the second figure. Both are well below where starts are refused, so that
/// a log of which much is done with never refuses any.
const FULL_PERCENT: u64 = 70;
const EASY_PERCENT: u64 = 60;

/// A log of too many subjects goes down to so much of the cap, so that not every look purges.
const SUBJECTS_LEFT_PERCENT: u64 = 90;

/// When the owner last looked after its log.
pub(super) struct Purging {
    by_time: Duration,
    by_room: Duration,
    said: Option<Duration>,
}

impl Purging {
    pub(super) fn from(now: Duration) -> Self {
        Self { by_time: now, by_room: now, said: None }
    }
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    /// Removes from the log what is below the checkpoint and need not be kept any longer.
    pub(super) async fn purge(&mut self, now: Duration) -> Result<(), Halt> {
        if self.checkpoint_in_flight {
            return Ok(());
        }
        let every = PURGE_EVERY.min(self.settings.history / PURGES_IN_HISTORY).max(LOOK_EVERY);
        let mut purged = Ok(());
        if now >= self.purging.by_time + every {
            self.purging.by_time = now;
            purged = self.purge_by_time().await;
        }
        if now >= self.purging.by_room + LOOK_EVERY {
            self.purging.by_room = now;
            purged = purged.and(self.purge_by_room(now).await);
        }
        if let Err(failure) = purged {
            self.watcher.retried("purge", &failure.to_string());
        }
        Ok(())
    }

    async fn purge_by_time(&mut self) -> Result<(), Failure> {
        let history = i64::try_from(self.settings.history.as_nanos()).unwrap_or(i64::MAX);
        let old = Moment::from_nanos(self.ports.now().as_nanos().saturating_sub(history));
        let kept = self.proof();
        let first = self.ports.first_after(old).await?;
        self.purge_if_ours(first.map_or(kept, |first| first.min(kept))).await?;
        Ok(())
    }

    async fn purge_by_room(&mut self, now: Duration) -> Result<(), Failure> {
        let room = self.ports.log_room().await?;
        let Some(early) = room.early(self.settings.history_subjects) else { return Ok(()) };
        let below = early.below.min(self.proof());
        if below <= room.first || !self.purge_if_ours(below).await? {
            return Ok(());
        }
        if self.purging.said.is_none_or(|said| now >= said + SAY_EVERY) {
            self.purging.said = Some(now);
            self.watcher.shortened(&format!(
                "the history is shorter than set: {}, so the oldest {} entries that are done with have left it",
                early.why,
                below - room.first
            ));
        }
        Ok(())
    }

    /// The log is full to its last byte, so that not even the owner's mark finds room. Everything that is done with goes, if
    /// the log is surely the one that the checkpoint speaks of.
    pub(super) async fn make_room(&mut self) -> Result<(), Failure> {
        let proof = self.proof();
        let room = self.ports.log_room().await?;
        if room.first < proof && self.purge_if_ours(proof).await? {
            return Ok(());
        }
        self.watcher.alarm(&format!(
            "the log of partition {} is full ({} bytes), and nothing in it may be removed: raise the `max_bytes` of its stream, \
             and work goes on by itself",
            self.settings.partition, room.bytes
        ));
        Ok(())
    }

    /// Purges, if the log is the one that the checkpoint speaks of: one that was deleted and made anew begins with what nobody has
    /// read yet.
    async fn purge_if_ours(&mut self, below: Sequence) -> Result<bool, Failure> {
        if below <= 1 {
            return Ok(false);
        }
        let there = self.ports.stored_at(self.proof()).await?;
        let is_ours = there.is_some() && there == self.checkpoint.time;
        if !is_ours && !self.settings.without.purge {
            return Ok(false);
        }
        self.ports.purge_below(below).await?;
        Ok(true)
    }

    /// The entry just below the checkpoint.
    fn proof(&self) -> Sequence {
        self.checkpoint.next.saturating_sub(1)
    }
}

/// What should leave before its time.
#[derive(Debug, PartialEq, Eq)]
struct Early {
    below: Sequence,
    why: String,
}

impl LogRoom {
    fn early(&self, subjects_max: u64) -> Option<Early> {
        let (bytes, limit) = (self.bytes, self.bytes_max.unwrap_or(u64::MAX));
        if self.subjects > subjects_max {
            let left = subjects_max / 100 * SUBJECTS_LEFT_PERCENT;
            let why = format!("the log has {} subjects, and {subjects_max} are allowed", self.subjects);
            return Some(Early { below: self.leaving(self.subjects, left), why });
        }
        if bytes > limit / 100 * FULL_PERCENT {
            let why = format!("the log has {bytes} bytes of {limit}");
            return Some(Early { below: self.leaving(bytes, limit / 100 * EASY_PERCENT), why });
        }
        None
    }

    /// Where the log begins once `there` has come down to `left`, if every entry has the same share in it.
    fn leaving(&self, there: u64, left: u64) -> Sequence {
        let surplus = u128::from(there.saturating_sub(left));
        let entries = (u128::from(self.entries) * surplus).div_ceil(u128::from(there.max(1)));
        self.first.saturating_add(u64::try_from(entries).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> LogRoom {
        LogRoom { first: 101, entries: 1000, bytes: 50_000, bytes_max: Some(100_000), subjects: 600 }
    }

    fn below(log: &LogRoom, subjects_max: u64) -> Option<Sequence> {
        log.early(subjects_max).map(|early| early.below)
    }

    #[test]
    fn a_log_with_room_keeps_its_history() {
        assert_eq!(below(&log(), 600), None);
        assert_eq!(below(&LogRoom { bytes: 70_000, ..log() }, 600), None);
        assert_eq!(below(&LogRoom { bytes: u64::MAX / 2, bytes_max: None, ..log() }, 600), None);
    }

    #[test]
    fn a_log_near_its_limit_goes_down_to_where_it_is_easy() {
        // A quarter of 80,000 must go to come to 60,000: a quarter of the entries.
        assert_eq!(below(&LogRoom { bytes: 80_000, ..log() }, 600), Some(101 + 250));
        assert_eq!(below(&LogRoom { bytes: 120_000, ..log() }, 600), Some(101 + 500));
    }

    #[test]
    fn a_log_of_too_many_subjects_goes_below_the_cap() {
        assert_eq!(below(&log(), 500), Some(101 + 250), "to 450 of 600");
        assert_eq!(below(&log(), 0), Some(101 + 1000), "whatever the checkpoint allows");
    }
}
