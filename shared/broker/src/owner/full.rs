//! What finds no room. All of it is tried again, less often than it could be; two things more slowly still, because there may be
//! very many of them: tasks for a queue that is full, and snapshots.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    Halt, Owner, Watcher,
    outbox::{Pending, Purpose},
    slot::Saving,
};
use crate::{
    machine::Machine,
    ports::{Ports, Sequence},
};

/// After a snapshot found no room, no other is tried for so long.
const SNAPSHOTS_PAUSE: Duration = Duration::from_secs(2);
/// After a task found no room, those that wait for room do so for so long. A full queue costs a few thousand tries a second at
/// most, however many tasks wait; one with room costs no time.
const TASKS_PAUSE: Duration = Duration::from_millis(100);

/// Until when what found no room is not tried again.
#[derive(Default)]
pub(super) struct NoRoom {
    snapshots_until: Duration,
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    pub(super) async fn found_no_room(&mut self, pending: Pending, why: &str) -> Result<(), Halt> {
        let now = self.ports.boot();
        match (&pending.purpose, &pending.key) {
            // A snapshot of a state that goes on must not hold up its end: the record of that is what frees room at last. So it
            // is given up, and the state saved again as it is later.
            (Purpose::Snapshot { .. }, Some(key)) if !self.is_last(key) => {
                self.watcher.retried(pending.subject(), why);
                self.no_room.snapshots_until = now + SNAPSHOTS_PAUSE;
                let key = Arc::clone(key);
                self.snapshot_given_up(&key);
                self.finish_if_over(&key);
                Ok(())
            }
            (Purpose::Part(_), Some(key)) if !self.is_last(key) => {
                self.watcher.retried(pending.subject(), why);
                self.no_room.snapshots_until = now + SNAPSHOTS_PAUSE;
                self.part_refused(&pending);
                Ok(())
            }
            (Purpose::Task { task, .. }, _) => {
                self.outbox.hold_line(&task.queue, now + TASKS_PAUSE);
                self.unanswered(pending, why).await
            }
            _ => self.unanswered(pending, why).await,
        }
    }

    fn is_last(&self, key: &str) -> bool {
        self.slots.get(key).is_some_and(|slot| slot.saving == Saving::Last)
    }

    /// Whether there is room to try a snapshot of a state whose last one is `revision`. Near the end of the room only those that
    /// take the place of others are written: whatever ends needs that, and removing what is there needs room too.
    pub(super) fn may_snapshot(&self, revision: Option<Sequence>) -> bool {
        self.ports.boot() >= self.no_room.snapshots_until && (revision.is_some() || !self.spares_snapshots())
    }

    /// Whether the end of the room is near. Then a snapshot in parts does not even take the place of another one: for a while there
    /// would have to be room for both.
    pub(super) fn spares_snapshots(&self) -> bool {
        self.settings.spare_snapshots.load(Ordering::Relaxed)
    }
}
