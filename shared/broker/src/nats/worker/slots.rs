//! The slots of a worker: who has them, who is woken when one is free. Who gets one is said by [`crate::turns`].

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sagaline_model::{ActivityName, Name};
use tokio::sync::Notify;

use crate::turns::{Ask, LineId, Order, Turns};

/// How the tasks that a worker holds are shared out.
#[derive(Clone, Debug)]
pub struct Sharing {
    /// How many attempts at most run in it at a time, over all queues and activities. As many others may have run, and be on their way to be stored.
    pub concurrency: usize,
    pub order: Order,
    /// How many of an activity, over all queues.
    pub limits: BTreeMap<ActivityName, usize>,
}

impl Sharing {
    /// So many tasks at a time, queues by their weights.
    pub fn of(concurrency: usize) -> Self {
        Self { concurrency, order: Order::Weighted, limits: BTreeMap::new() }
    }
}

pub(super) struct Slots {
    sharing: Sharing,
    book: Mutex<Book>,
    /// All slots are free, and all results are stored.
    idle: Notify,
}

struct Book {
    turns: Turns,
    /// Where each activity with a limit has it.
    limits: BTreeMap<ActivityName, usize>,
    /// What wakes each line.
    wakes: Vec<Arc<Notify>>,
    /// How many tasks have run, whose results are being stored.
    storing: usize,
}

impl Book {
    fn is_idle(&self) -> bool {
        self.turns.free() == self.turns.slots() && self.storing == 0
    }
}

impl Slots {
    pub(super) fn new(sharing: Sharing) -> Self {
        let turns = Turns::new(sharing.concurrency.clamp(1, u32::MAX as usize), sharing.order);
        let book = Mutex::new(Book { turns, limits: BTreeMap::new(), wakes: vec![], storing: 0 });
        Self { sharing, book, idle: Notify::new() }
    }

    pub(super) fn weigh(&self, queue: &Name, weight: u32) {
        self.book().turns.weigh(queue, weight);
    }

    /// Waits until no task is held any more.
    pub(super) async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.book().is_idle() {
                return;
            }
            idle.await;
        }
    }

    /// What is guarded is whole at every moment, so a panic elsewhere does no harm to it.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes who has what, and wakes whose turn it is now.
    fn change<T>(&self, change: impl FnOnce(&mut Turns) -> T) -> T {
        self.change_all(|book| change(&mut book.turns))
    }

    fn change_all<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let mut book = self.book();
        let changed = change(&mut book);
        if let Some(line) = book.turns.next()
            && (book.turns.asked(line) == 0 || book.turns.is_contended())
        {
            // Whoever has asked already hears of it with its next task, unless others wait for that.
            book.wakes[line].notify_one();
        }
        if book.is_idle() {
            self.idle.notify_waiters();
        }
        changed
    }
}

/// The slot of a task that was delivered; free again when this is dropped, or when the task has run.
pub struct Slot {
    slots: Arc<Slots>,
    line: LineId,
    /// The slot is somebody else's, and the result is being stored.
    storing: bool,
}

impl Slot {
    /// The attempt has run. Another one may begin while its result is stored, but for as many as there are slots: where results cannot
    /// be stored, nothing more is begun.
    pub fn has_run(&mut self) {
        let (line, slots) = (self.line, self.slots.clone());
        slots.change_all(|book| {
            if !self.storing && book.storing < book.turns.slots() {
                self.storing = true;
                book.storing += 1;
                book.turns.release(line);
            }
        });
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("line", &self.line).finish_non_exhaustive()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.change_all(|book| match self.storing {
            true => book.storing -= 1,
            false => book.turns.release(self.line),
        });
    }
}

/// What one line asks for, and may ask for.
pub(super) struct Demand {
    slots: Arc<Slots>,
    line: LineId,
    wake: Arc<Notify>,
}

impl Demand {
    pub(super) fn new(slots: Arc<Slots>, queue: &Name, activity: &ActivityName) -> Self {
        let wake = Arc::new(Notify::new());
        let line = {
            let most = slots.sharing.limits.get(activity).copied();
            let mut book = slots.book();
            let known = book.limits.get(activity).copied();
            let limit = known.or_else(|| most.map(|most| book.turns.limit(most)));
            if let Some(limit) = limit {
                book.limits.insert(activity.clone(), limit);
            }
            book.wakes.push(wake.clone());
            book.turns.line(queue, limit)
        };
        Self { slots, line, wake }
    }

    /// Asked for and not delivered yet.
    pub(super) fn asked(&self) -> usize {
        self.slots.book().turns.asked(self.line)
    }

    /// Whether it has to take turns with the slots that there are.
    pub(super) fn is_scarce(&self) -> bool {
        self.slots.book().turns.is_scarce(self.line)
    }

    /// What to ask for now. The slots are taken.
    pub(super) fn more(&self) -> Option<Ask> {
        let mut book = self.slots.book();
        let ask = book.turns.ask(self.line);
        // What it leaves, or may not have, is somebody else's who may not know.
        if let Some(next) = book.turns.next().filter(|next| *next != self.line) {
            book.wakes[next].notify_one();
        }
        ask
    }

    /// Something may be there to ask for.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// It has a consumer, for which so many tasks wait.
    pub(super) fn begun(&self, waiting: u64) {
        self.slots.change(|turns| turns.begun(self.line, waiting));
    }

    /// It has none.
    pub(super) fn away(&self) {
        self.slots.change(|turns| turns.away(self.line));
    }

    /// It has to be looked at.
    pub(super) fn unsure(&self) {
        self.slots.change(|turns| turns.unsure(self.line));
    }

    /// The slot of a task that has come, after which so many wait. Without one it was not asked for, or no longer.
    pub(super) fn take(&self, waiting: u64) -> Option<Slot> {
        let taken = self.slots.book().turns.delivered(self.line, waiting);
        taken.then(|| Slot { slots: self.slots.clone(), line: self.line, storing: false })
    }

    /// What is waited for does not come.
    pub(super) fn quiet(&self) {
        self.slots.change(|turns| turns.quiet(self.line));
    }

    /// So many that were asked for will not come: nobody had them.
    pub(super) fn unfilled(&self, count: usize) {
        self.slots.change(|turns| turns.unfilled(self.line, count));
    }

    /// Nothing that was asked for will come.
    pub(super) fn forget(&self) {
        self.slots.change(|turns| turns.forget(self.line));
    }

    /// It looked and found nothing; others first.
    pub(super) fn rest(&self) {
        self.slots.change(|turns| turns.rest(self.line));
    }

    pub(super) fn rested(&self) {
        self.slots.change(|turns| turns.rested(self.line));
    }
}

impl Drop for Demand {
    fn drop(&mut self) {
        self.away();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const SLOTS: usize = 2;

    fn line() -> (Arc<Slots>, Demand) {
        let slots = Arc::new(Slots::new(Sharing::of(SLOTS)));
        let name = |text| Name::new(text).expect("a name");
        let demand = Demand::new(slots.clone(), &name("default"), &ActivityName::new("mail").expect("a name"));
        demand.begun(1000);
        (slots, demand)
    }

    /// As many tasks as there are slots for now.
    fn taken(demand: &Demand) -> Vec<Slot> {
        let asked = demand.more().map_or(0, |ask| ask.count);
        (0..asked).map(|_| demand.take(1000).expect("it was asked for")).collect()
    }

    fn is_idle(slots: &Slots) -> bool {
        slots.idle().now_or_never().is_some()
    }

    #[test]
    fn what_has_run_makes_room_for_another_while_its_result_is_stored_but_not_for_any_number() {
        let (_, demand) = line();
        let mut storing = vec![];
        // None is ever stored.
        loop {
            let mut begun = taken(&demand);
            assert!(begun.len() <= SLOTS, "no more run than there are slots");
            if begun.is_empty() {
                break;
            }
            begun.iter_mut().for_each(Slot::has_run);
            storing.append(&mut begun);
        }
        assert_eq!(storing.len(), 2 * SLOTS);
        // Each that is stored lets one begin.
        drop(storing.pop());
        assert_eq!(taken(&demand).len(), 1);
    }

    #[test]
    fn a_worker_is_idle_when_all_results_are_stored() {
        let (slots, demand) = line();
        assert!(is_idle(&slots));
        let mut begun = taken(&demand);
        // It is told twice.
        begun.iter_mut().for_each(Slot::has_run);
        begun.iter_mut().for_each(Slot::has_run);
        assert!(!is_idle(&slots), "results are on their way");
        drop(begun);
        assert!(is_idle(&slots));
    }
}
