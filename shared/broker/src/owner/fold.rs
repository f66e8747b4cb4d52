//! Folding: an entry becomes an input, the input changes its state, and what follows is performed.

use std::{sync::Arc, time::Duration};

use super::{
    Halt, Mode, Owner, Watcher,
    outbox::{Purpose, as_repeat},
    slot::Slot,
};
use crate::{
    machine::{Act, Machine, Need, Origin, Read, Rejection},
    ports::{Entry, Failure, Ports, Sequence},
    rejected::rejected,
};

/// The pause before a value that could not be read is asked for again.
const LEARN_PAUSE: Duration = Duration::from_millis(200);

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    pub(super) async fn fold(&mut self, entry: Entry) -> Result<(), Halt> {
        if entry.sequence <= self.applied.0 {
            return Ok(());
        }
        if entry.sequence > self.applied.0 + 1 {
            self.gap(entry.sequence)?;
        }
        let (sequence, time) = (entry.sequence, entry.time);
        match self.machine.read(&entry) {
            Ok(Read::Input(key, input)) => self.fold_input(entry, &key, input).await?,
            Ok(Read::Mark) => {}
            Err(rejection) => self.reject(&entry, &rejection),
        }
        self.applied = (sequence, time);
        self.cover.passed(sequence, time);
        self.watcher.applied(sequence, time);
        self.answer_at_head();
        Ok(())
    }

    /// Entries are missing. Live, that means that this owner was left behind; while recovering, an operator removed them.
    fn gap(&mut self, found: Sequence) -> Result<(), Halt> {
        let what = format!("entries {} to {} of the log are not there", self.applied.0 + 1, found - 1);
        match self.mode {
            Mode::Live => Err(Halt::Restart(what)),
            Mode::Refolding => {
                if self.applied.0 >= self.checkpoint.next {
                    self.watcher.alarm(&what);
                }
                Ok(())
            }
        }
    }

    /// An input of a state that is in memory, of one that rests, or of a new one.
    async fn fold_input(&mut self, entry: Entry, key: &Arc<str>, input: M::Input) -> Result<(), Halt> {
        if self.ended.get(key).is_some_and(|end| entry.sequence <= end.0 && entry.time <= end.1) {
            return Ok(());
        }
        match self.resting.stub(key) {
            Some(stub) if stub.covers(entry.sequence, entry.time) => Ok(()),
            Some(_) => {
                self.defer(key, entry, input);
                Ok(())
            }
            None => self.apply(&entry, key, input).await,
        }
    }

    /// Applies an input to its state, if that does not hold it already.
    pub(super) async fn apply(&mut self, entry: &Entry, key: &Arc<str>, input: M::Input) -> Result<(), Halt> {
        if self.slots.get(key).is_some_and(|slot| slot.covers(entry.sequence, entry.time)) {
            return Ok(());
        }
        while let Some(need) = self.machine.needs(self.slots.get(key).map(|slot| &slot.state), Some(&input)) {
            self.learn(&need).await?;
        }
        let origin = Origin {
            sequence: entry.sequence,
            time: entry.time,
            traceparent: entry.content.as_ref().ok().and_then(|content| content.traceparent.clone()),
            again: self.mode == Mode::Refolding,
        };
        let now = self.ports.boot();
        let Self { slots, machine, cover, .. } = self;
        let slot = slots.entry(Arc::clone(key)).or_insert_with(|| Slot::new(machine.fresh(key), now));
        let acts = machine.apply(key, &mut slot.state, input, &origin);
        (slot.touched, slot.used) = (now, now);
        if !slot.is_ending() {
            slot.moved(key, entry.sequence, entry.time, cover);
        }
        if slot.unread.is_some() {
            self.keep_unread(key);
        }
        self.arm(key);
        self.perform_all(key, entry, acts);
        self.finish_if_over(key);
        Ok(())
    }

    pub(super) async fn learn(&mut self, need: &Need) -> Result<(), Halt> {
        loop {
            match self.ports.value(need.bucket, &need.key).await {
                Ok(value) => {
                    self.machine.learn(need, value.map(|(_, bytes)| bytes));
                    return Ok(());
                }
                Err(Failure::Refused { what, why }) => return Err(Failure::Refused { what, why }.into()),
                Err(Failure::NoAnswer(what)) => {
                    self.watcher.retried(&need.key, &what);
                    if !self.ports.holds_lease() {
                        return Err(Halt::LeaseLost);
                    }
                    self.ports.pause(LEARN_PAUSE).await;
                }
            }
        }
    }

    /// Registers the state's first timer.
    pub(super) fn arm(&mut self, key: &Arc<str>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let mut next = self.machine.next_timer(&slot.state);
        // Its input came before it was due: our clock is ahead of the server's, so what is missing is waited for once more.
        if let Some(due) = next.filter(|due| slot.fired == Some(*due) && slot.applied.1 < *due) {
            next = Some(self.ports.now().max(self.applied.1) + due.since(slot.applied.1));
        }
        if next == slot.timer {
            return;
        }
        if let Some(old) = slot.timer {
            self.timers.remove(&(old, Arc::clone(key)));
        }
        if let Some(next) = next {
            self.timers.insert((next, Arc::clone(key)));
        }
        slot.timer = next;
    }

    fn perform_all(&mut self, key: &Arc<str>, entry: &Entry, acts: Vec<Act>) {
        for act in acts {
            match act {
                // Which tasks of the past are missing is found out when the fold is at the head.
                Act::Task(_) if self.mode == Mode::Refolding => {}
                Act::Reject(rejection) => self.reject(entry, &rejection),
                act => self.perform(key, act, false),
            }
        }
    }

    /// Sends one act on its way. Until it is acknowledged, the state may not be snapshotted.
    pub(super) fn perform(&mut self, key: &Arc<str>, act: Act, repeat: bool) {
        let purpose = match act {
            Act::Task(task) => {
                let message = if repeat { as_repeat(&task.message) } else { task.message.clone() };
                Purpose::Task { task: Arc::new(task), message: Arc::new(message), repeat }
            }
            Act::Send(message) => Purpose::Send(Arc::new(message)),
            Act::Revoke { queue, subject, execution, notice } => {
                self.ports.tell(&execution, notice);
                Purpose::Revoke { queue, subject }
            }
            Act::LookUp { bucket, key } => Purpose::LookUp { bucket, key },
            Act::Start(starting) => {
                let starting = Arc::new(*starting);
                let again = repeat || self.mode == Mode::Refolding;
                let message = if again { &starting.again } else { &starting.start };
                Purpose::Start { message: Arc::new(message.clone()), starting }
            }
            Act::Reject(_) => return,
        };
        if let Some(slot) = self.slots.get_mut(key) {
            slot.pending += 1;
        }
        self.outbox.send(&mut self.ports, purpose, Some(Arc::clone(key)));
    }

    fn reject(&mut self, entry: &Entry, rejection: &Rejection) {
        self.watcher.rejected(rejection.reason, &rejection.detail, entry.sequence);
        let Self { settings, .. } = self;
        let copy =
            rejected(&settings.names, settings.log, settings.partition, entry, rejection.reason, &rejection.detail);
        self.cover.hold_loose(entry.sequence);
        let purpose = Purpose::Rejected { message: Arc::new(copy), sequence: entry.sequence };
        self.outbox.send(&mut self.ports, purpose, None);
    }
}
