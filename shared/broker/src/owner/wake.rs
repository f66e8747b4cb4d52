//! Waking: an input, a timer or a question for a state that rests has its snapshot read. The partition goes on meanwhile: what
//! comes for this state is deferred, in its order, and folded when the state is there.
//!
//! What is deferred counts as not covered, and as in flight: it holds the checkpoint, and bounds how much more is taken on. What
//! is read must be at least as far as the stub remembers. If it stays missing, the execution is sealed: set aside, for people to
//! see, rather than gone on with from a state that is not its own.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use sagaline_events::ask::Ask;

use super::{
    Halt, Owner, Watcher,
    answers::QUESTIONS_LIMIT,
    outbox::{Pending, Purpose},
    parts::Manifest,
    rest::Stub,
    save::{Position, Saved},
    seal::Unfit,
    slot::Slot,
    whole::Whole,
};
use crate::{
    machine::Machine,
    ports::{Asker, Entry, Ports, Sequence},
};

/// So often a snapshot may be missing or too old before it counts as lost. With the pauses between, that is some six seconds,
/// longer than a leader can be one without knowing that it no longer is.
const MISSES: u32 = 8;

/// A stub whose snapshot is being read.
pub(super) struct Waking<M: Machine> {
    pub(super) stub: Box<Stub<M::Glance>>,
    /// The inputs that came for it since.
    deferred: VecDeque<(Entry, M::Input)>,
    questions: Vec<(Ask, Asker)>,
    /// How often what was read was not it.
    misses: u32,
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    /// An input for a state that rests: it waits until the state is there.
    pub(super) fn defer(&mut self, key: &Arc<str>, entry: Entry, input: M::Input) {
        let without = self.settings.without;
        let Some(waking) = self.wake(key).filter(|_| !without.deferring) else { return };
        let first = waking.deferred.is_empty().then_some(entry.sequence);
        waking.deferred.push_back((entry, input));
        self.resting.deferred += 1;
        if let Some(first) = first.filter(|_| !without.holding) {
            self.cover.hold(first, key);
        }
    }

    /// A question about a state that rests: it is answered when that is awake.
    pub(super) fn ask_awake(&mut self, key: &Arc<str>, ask: Ask, asker: Asker) {
        if self.resting.asked >= QUESTIONS_LIMIT {
            return;
        }
        if let Some(waking) = self.wake(key) {
            waking.questions.push((ask, asker));
            self.resting.asked += 1;
        }
    }

    /// The timer of a state that rests is due. It is registered anew when the state is there.
    pub(super) fn wake_for_timer(&mut self, key: &Arc<str>) {
        if let Some(waking) = self.wake(key) {
            waking.stub.timer = None;
        }
    }

    /// Has the snapshot of a stub read, if that is not under way.
    fn wake(&mut self, key: &Arc<str>) -> Option<&mut Waking<M>> {
        if let Some(stub) = self.resting.stubs.remove(key) {
            let waking = Waking { stub, deferred: VecDeque::new(), questions: vec![], misses: 0 };
            self.resting.waking.insert(Arc::clone(key), waking);
            let purpose = Purpose::Wake { key: self.settings.log.snapshot_key(self.settings.partition, key) };
            self.outbox.send(&mut self.ports, purpose, Some(Arc::clone(key)));
        }
        self.resting.waking.get_mut(key)
    }

    /// What the bucket holds for a stub.
    pub(super) async fn woken(&mut self, pending: Pending, found: Option<(Sequence, Bytes)>) -> Result<(), Halt> {
        let Some(key) = pending.key.clone() else { return Ok(()) };
        if !self.resting.waking.contains_key(&key) {
            return Ok(());
        }
        let (found, unfit) = match self.found_whole(&key, found).await {
            Ok(found) => found,
            Err(why) => return self.unanswered(pending, &why).await,
        };
        let Some(mut waking) = self.resting.waking.remove(&key) else { return Ok(()) };
        let now = self.ports.boot();
        let revision = found.as_ref().map(|(revision, _)| *revision);
        let read = unfit.map_or_else(|| read(&self.machine, &waking.stub, found.as_ref()), Err);
        let slot = match read {
            Ok((state, position, revision)) => {
                Some(Slot::restored(state, (position.applied, position.time), revision, now))
            }
            Err(Unfit::Missing(why)) => {
                waking.misses += 1;
                // Before it is given up: whoever took over may have ended it and removed the snapshot.
                if waking.misses < MISSES || !self.prove_epoch().await? {
                    self.resting.waking.insert(key, waking);
                    return self.unanswered(pending, &why).await;
                }
                let first = waking.deferred.front().map_or(self.applied.0, |(entry, _)| entry.sequence);
                self.seal_missing(&key, &why, &waking.stub, revision, first)
            }
            Err(Unfit::Unreadable(why)) => {
                found.and_then(|found| self.seal_unreadable(&key, &why, Some(&waking.stub.glance), found))
            }
        };
        self.is_awake(&key, slot, waking).await
    }

    /// What is in parts does not rest, but whoever slept may have written it so since: it is put together here, and nothing else
    /// happens meanwhile. Or why it is to be looked up again.
    async fn found_whole(
        &mut self,
        key: &Arc<str>,
        found: Option<(Sequence, Bytes)>,
    ) -> Result<(Option<(Sequence, Bytes)>, Option<Unfit>), String> {
        let manifest = found.as_ref().and_then(|(revision, value)| Some((*revision, Manifest::read(value)?)));
        let Some((revision, manifest)) = manifest else { return Ok((found, None)) };
        match self.whole(key, revision, &manifest).await.map_err(|failure| failure.to_string())? {
            Whole::Is(whole) => {
                self.parts.found(key, manifest);
                Ok((Some((revision, whole)), None))
            }
            Whole::Moved(_) => Err("another snapshot took its place".to_owned()),
            Whole::Unfit(why) => Ok((found, Some(Unfit::Unreadable(why)))),
        }
    }

    /// The state is there: what was deferred is folded, then what was asked is answered.
    async fn is_awake(&mut self, key: &Arc<str>, slot: Option<Slot<M::State>>, waking: Waking<M>) -> Result<(), Halt> {
        let Waking { stub, deferred, questions, .. } = waking;
        self.resting.deferred -= deferred.len();
        self.resting.asked -= questions.len();
        self.watcher.woken(deferred.len());
        if let Some((first, _)) = deferred.front() {
            self.cover.release(first.sequence, key);
        }
        if let Some(mut slot) = slot {
            while let Some(need) = self.machine.needs(Some(&slot.state), None) {
                self.learn(&need).await?;
            }
            slot.timer = stub.timer;
            if let Some(first) = slot.uncovered {
                self.cover.hold(first, key);
            }
            self.slots.insert(Arc::clone(key), slot);
            self.count(key).await?;
            self.arm(key);
        }
        for (entry, input) in deferred {
            self.apply(&entry, key, input).await?;
        }
        self.finish_if_over(key);
        for (ask, asker) in questions {
            let answer = self.answer_of(key, &ask);
            self.ports.answer(asker, &answer);
        }
        Ok(())
    }
}

/// The state in what was found, if that is the snapshot which the stub remembers, or a later one.
fn read<M: Machine>(
    machine: &M,
    stub: &Stub<M::Glance>,
    found: Option<&(Sequence, Bytes)>,
) -> Result<(M::State, Position, Sequence), Unfit> {
    let wanted = stub.revision;
    let Some((revision, bytes)) = found else {
        return Err(Unfit::Missing(format!("revision {wanted} was written, and nothing is there")));
    };
    if *revision < wanted {
        return Err(Unfit::Missing(format!("revision {wanted} was written, and {revision} is there")));
    }
    let saved: Saved<'_> = serde_json::from_slice(bytes).map_err(|fault| Unfit::Unreadable(fault.to_string()))?;
    let position = Position { applied: saved.applied, time: saved.time };
    if !position.reaches(stub.applied) {
        let (applied, there) = (stub.applied.0, position.applied);
        return Err(Unfit::Missing(format!("it held everything up to input {applied}, and now up to {there} only")));
    }
    let state = saved.state().and_then(|state| machine.restore(state)).map_err(Unfit::Unreadable)?;
    Ok((state, position, *revision))
}
