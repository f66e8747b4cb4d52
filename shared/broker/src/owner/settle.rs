//! Settling: how each thing in flight ended, and what that means.

use std::sync::Arc;

use sagaline_model::Span;

use super::{
    Halt, Mode, Owner, Watcher,
    outbox::{Pending, Purpose},
    slot::Saving,
};
use crate::{
    machine::{Machine, Need, QueuedTask},
    ports::{Message, Outcome, Ports, Sequence, Ticket},
};

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    pub(super) async fn settled(&mut self, ticket: Ticket, outcome: Outcome) -> Result<(), Halt> {
        let Some(pending) = self.outbox.take(ticket, self.ports.boot()) else { return Ok(()) };
        match outcome {
            Outcome::Stored { sequence, duplicate } => self.stored(pending, sequence, duplicate).await,
            Outcome::Conflict { last } => self.conflicted(pending, last).await,
            Outcome::Gone => {
                self.done(&pending);
                Ok(())
            }
            Outcome::Found(value) if matches!(pending.purpose, Purpose::Wake { .. }) => {
                self.woken(pending, value).await
            }
            Outcome::Found(value) => {
                self.found(&pending, value.map(|(_, bytes)| bytes));
                Ok(())
            }
            Outcome::Contended => self.unanswered(pending, "another write was in flight").await,
            Outcome::Full(why) => self.found_no_room(pending, &why).await,
            Outcome::Unknown(why) => self.unanswered(pending, &why).await,
            Outcome::Refused(why) => {
                self.refused(pending, &why);
                Ok(())
            }
        }
    }

    async fn stored(&mut self, pending: Pending, sequence: Sequence, duplicate: bool) -> Result<(), Halt> {
        match &pending.purpose {
            // Stored once, but perhaps not there any more: it is looked at again.
            Purpose::Task { repeat: true, .. } if duplicate => {
                if let Some(slot) = pending.key.as_ref().and_then(|key| self.slots.get_mut(key)) {
                    slot.touched = std::time::Duration::ZERO;
                }
                self.done(&pending);
            }
            Purpose::Timer(_) => {
                // It comes through the log. While that is read late, more of the same would only make it later.
                if let Some(key) = pending.key.as_ref().filter(|_| self.applied.0 < sequence) {
                    self.rearm(key, TIMER_LOST);
                }
                self.done(&pending);
            }
            Purpose::Task { .. } | Purpose::Send(_) | Purpose::Start { .. } => self.done(&pending),
            Purpose::Snapshot { .. } => self.snapshot_stored(&pending, sequence),
            Purpose::Record(_) => self.record_stored(&pending),
            Purpose::Tombstone(_) => self.snapshot_removed(&pending, sequence),
            Purpose::Checkpoint { moved, .. } => self.checkpoint_stored(moved, sequence),
            Purpose::Mark(_) => self.mark_stored(sequence),
            Purpose::Rejected { sequence, .. } => self.cover.release_loose(*sequence),
            Purpose::Revoke { .. } | Purpose::LookUp { .. } | Purpose::Wake { .. } => self.done(&pending),
            Purpose::Part(_) => self.part_stored(&pending),
            Purpose::PartGone(_) => {}
        }
        Ok(())
    }

    /// The expected sequence was another.
    async fn conflicted(&mut self, pending: Pending, last: Option<Sequence>) -> Result<(), Halt> {
        match &pending.purpose {
            // The task is in its queue; what is to be published once is there already.
            Purpose::Task { .. } | Purpose::Send(_) | Purpose::Timer(_) => {
                self.done(&pending);
                Ok(())
            }
            Purpose::Start { starting, .. } => {
                match starting.if_there.clone() {
                    Some(message) => {
                        let instead = Purpose::Send(Arc::new(message));
                        self.outbox.send(&mut self.ports, instead, pending.key);
                    }
                    None => self.done(&pending),
                }
                Ok(())
            }
            Purpose::Snapshot { .. } | Purpose::Record(_) | Purpose::Tombstone(_) => {
                self.save_contested(pending, last).await
            }
            Purpose::Checkpoint { .. } => self.checkpoint_contested().await,
            Purpose::Mark(_)
            | Purpose::Rejected { .. }
            | Purpose::Revoke { .. }
            | Purpose::LookUp { .. }
            | Purpose::Part(_)
            | Purpose::PartGone(_)
            | Purpose::Wake { .. } => self.unanswered(pending, "an expected sequence that was never given").await,
        }
    }

    /// Nobody knows whether it was done. Everything has a name, so it is done again.
    pub(super) async fn unanswered(&mut self, pending: Pending, why: &str) -> Result<(), Halt> {
        self.watcher.retried(pending.subject(), why);
        self.not_taken(&pending, why);
        match &pending.purpose {
            Purpose::Checkpoint { .. } => self.checkpoint_contested().await,
            // It comes due again after a pause.
            Purpose::Timer(_) => {
                self.done(&pending);
                Ok(())
            }
            _ => {
                let now = self.ports.boot();
                self.outbox.again(now, pending);
                Ok(())
            }
        }
    }

    /// The server will never take it.
    fn refused(&mut self, pending: Pending, why: &str) {
        self.watcher.alarm(&format!("NATS refuses `{}`: {why}", pending.subject()));
        match (&pending.purpose, &pending.key) {
            (Purpose::Task { task, .. }, Some(key)) => {
                if let Some(answer) = self.machine.task_refused(key, task, why) {
                    let key = Arc::clone(key);
                    // The answer takes over the task's place, so that nothing is snapshotted between the two.
                    self.outbox.send(&mut self.ports, Purpose::Send(Arc::new(answer)), Some(key));
                    return;
                }
                self.done(&pending);
            }
            (Purpose::Start { starting, .. }, Some(_)) => {
                let instead = Purpose::Send(Arc::new(starting.if_refused.clone()));
                self.outbox.send(&mut self.ports, instead, pending.key);
            }
            (Purpose::Snapshot { .. } | Purpose::Part(_), Some(key))
                if self.slots.get(key).is_some_and(|slot| slot.saving == Saving::Last) =>
            {
                self.outbox.again(self.ports.boot(), pending);
            }
            (Purpose::Snapshot { .. }, Some(key)) => self.snapshot_given_up(&Arc::clone(key)),
            (Purpose::Part(_), _) => self.part_refused(&pending),
            (Purpose::Rejected { sequence, .. }, _) => self.cover.release_loose(*sequence),
            (Purpose::Checkpoint { .. }, _) => self.checkpoint_in_flight = false,
            (Purpose::Mark(_), _) => self.questions.mark_lost(),
            // Until an operator allows it: nothing else may take the place of the end of a state.
            (Purpose::Record(_) | Purpose::Tombstone(_) | Purpose::Wake { .. }, _) => {
                self.outbox.again(self.ports.boot(), pending)
            }
            (_, _) => self.done(&pending),
        }
    }

    fn found(&mut self, pending: &Pending, value: Option<bytes::Bytes>) {
        if let Some(key) = &pending.key
            && let Some(slot) = self.slots.get(key)
            && let Purpose::LookUp { bucket, key: name } = &pending.purpose
        {
            let of = Need { bucket: *bucket, key: name.clone() };
            for act in self.machine.found(key, &slot.state, &of, value) {
                self.perform(key, act, self.mode == Mode::Refolding);
            }
        }
        self.done(pending);
    }

    /// One effect less is in flight for its state.
    pub(super) fn done(&mut self, pending: &Pending) {
        let Some(key) = &pending.key else { return };
        if let Some(slot) = self.slots.get_mut(key) {
            slot.pending = slot.pending.saturating_sub(1);
            if matches!(pending.purpose, Purpose::Task { .. }) {
                slot.untaken = None;
            }
        }
        if matches!(pending.purpose, Purpose::Timer(_)) {
            self.rearm(key, TIMER_AGAIN);
        }
        self.finish_if_over(key);
    }

    /// If the timer's input does not come through (it was early, or lost with the log's tail), it is due again after this time.
    fn rearm(&mut self, key: &Arc<str>, patience: Span) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        if slot.timer.is_none() && self.machine.next_timer(&slot.state).is_some() {
            let again = self.ports.now().max(self.applied.1) + patience;
            slot.timer = Some(again);
            self.timers.insert((again, Arc::clone(key)));
        }
    }
}

/// How long after its input was published a timer that is still armed comes due again.
const TIMER_AGAIN: Span = Span::from_millis(250);
/// The same, if it is known to be in the log, further on than this owner has read.
const TIMER_LOST: Span = Span::from_secs(10);

/// A task under another id: the server has forgotten that it removed the one it knows.
pub(super) fn under_another_id(task: &QueuedTask, epoch: u64, time: u128) -> QueuedTask {
    let id = task.message.msg_id.as_deref().unwrap_or_default();
    let message = Message { msg_id: Some(format!("{id}#{epoch}.{time}")), ..task.message.clone() };
    QueuedTask { queue: task.queue.clone(), message }
}
