//! The slots of a worker: who has them, who is woken when one is free. Who gets one is said by [`crate::turns`].

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sagaline_model::{ActivityName, Name};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::turns::{Ask, LineId, Order, Turns};

/// An attempt that is over within this time is quick. Where all are, a round trip to the queue takes longer than they do, so tasks are
/// asked for ahead.
const QUICK: Duration = Duration::from_millis(5);
/// So many of them have to be quick in a row, for each slot.
const QUICK_IN_A_ROW: usize = 4;
/// So many tasks are held ahead for each that may run, and at most.
const AHEAD: usize = 3;
const AHEAD_MOST: usize = 256;
/// One that came ahead and cannot begin by then goes to somebody else.
const AHEAD_WITHIN: Duration = Duration::from_millis(50);

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
    /// As many attempts run at a time. There may be more slots than that.
    running: Arc<Semaphore>,
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
    /// How many attempts at a time may run.
    concurrency: usize,
    /// How many were quick, one after the other.
    quick: usize,
}

impl Book {
    fn is_idle(&self) -> bool {
        self.turns.free() == self.turns.slots() && self.storing == 0
    }

    /// Where several lines want the slots, what comes ahead would not come by their weights or in their order.
    fn ran_for(&mut self, time: Duration) {
        if QUICK < time || self.turns.is_contended() {
            return self.is_slow();
        }
        self.quick += 1;
        if self.quick == QUICK_IN_A_ROW * self.concurrency {
            self.turns.resize(self.concurrency + (AHEAD * self.concurrency).min(AHEAD_MOST));
        }
    }

    /// Nothing is asked for ahead.
    fn is_slow(&mut self) {
        self.quick = 0;
        self.turns.resize(self.concurrency);
    }
}

impl Slots {
    pub(super) fn new(sharing: Sharing) -> Self {
        let concurrency = sharing.concurrency.clamp(1, u32::MAX as usize);
        let turns = Turns::new(concurrency, sharing.order);
        let running = Arc::new(Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS)));
        let book = Book { turns, limits: BTreeMap::new(), wakes: vec![], storing: 0, concurrency, quick: 0 };
        Self { sharing, running, book: Mutex::new(book), idle: Notify::new() }
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
    /// It may run, or has just done so.
    running: Option<OwnedSemaphorePermit>,
}

impl Slot {
    /// Waits until the attempt may begin. `false`: others take too long, and the task is to be given back.
    pub async fn may_run(&mut self) -> bool {
        let running = self.slots.running.clone();
        let permit = match running.clone().try_acquire_owned() {
            Ok(permit) => Ok(permit),
            Err(_) => {
                timeout(AHEAD_WITHIN, running.acquire_owned()).await.map_err(drop).and_then(|got| got.map_err(drop))
            }
        };
        self.running = permit.ok();
        if self.running.is_none() {
            self.slots.change_all(Book::is_slow);
        }
        self.running.is_some()
    }

    /// The attempt has run, for so long. Another one may begin while its result is stored, but for as many as there are slots: where results cannot
    /// be stored, nothing more is begun.
    pub fn has_run(&mut self, time: Duration) {
        let (line, slots) = (self.line, self.slots.clone());
        slots.change_all(|book| {
            if !self.storing && book.storing < book.concurrency {
                self.storing = true;
                book.storing += 1;
                book.turns.release(line);
                self.running = None;
            }
            book.ran_for(time);
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
        taken.then(|| Slot { slots: self.slots.clone(), line: self.line, storing: false, running: None })
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

    const CONCURRENCY: usize = 2;
    const LONG: Duration = Duration::from_secs(1);

    fn line() -> (Arc<Slots>, Demand) {
        let slots = Arc::new(Slots::new(Sharing::of(CONCURRENCY)));
        let name = |text| Name::new(text).expect("a name");
        let demand = Demand::new(slots.clone(), &name("default"), &ActivityName::new("mail").expect("a name"));
        demand.begun(1000);
        (slots, demand)
    }

    /// As many tasks as there are slots for now.
    fn taken(demand: &Demand) -> Vec<Slot> {
        let mut taken = vec![];
        while let Some(ask) = demand.more() {
            taken.extend((0..ask.count).map(|_| demand.take(1000).expect("it was asked for")));
        }
        taken
    }

    fn is_idle(slots: &Slots) -> bool {
        slots.idle().now_or_never().is_some()
    }

    /// So many are done, one after the other, each in this time.
    fn done(demand: &Demand, count: usize, time: Duration) {
        for _ in 0..count {
            let mut slots = taken(demand);
            slots[0].has_run(time);
        }
    }

    #[test]
    fn what_has_run_makes_room_for_another_while_its_result_is_stored_but_not_for_any_number() {
        let (_, demand) = line();
        let mut storing = vec![];
        // None is ever stored.
        loop {
            let mut begun = taken(&demand);
            assert!(begun.len() <= CONCURRENCY, "no more run than may");
            if begun.is_empty() {
                break;
            }
            begun.iter_mut().for_each(|slot| slot.has_run(LONG));
            storing.append(&mut begun);
        }
        assert_eq!(storing.len(), 2 * CONCURRENCY);
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
        begun.iter_mut().for_each(|slot| slot.has_run(LONG));
        begun.iter_mut().for_each(|slot| slot.has_run(LONG));
        assert!(!is_idle(&slots), "results are on their way");
        drop(begun);
        assert!(is_idle(&slots));
    }

    #[test]
    fn quick_tasks_are_asked_for_ahead_until_one_is_slow() {
        let (slots, demand) = line();
        done(&demand, QUICK_IN_A_ROW * CONCURRENCY - 1, QUICK);
        assert_eq!(taken(&demand).len(), CONCURRENCY);
        done(&demand, 1, QUICK);
        assert_eq!(taken(&demand).len(), (1 + AHEAD) * CONCURRENCY);
        done(&demand, 1, LONG);
        assert_eq!(taken(&demand).len(), CONCURRENCY);
        assert!(is_idle(&slots));
    }

    #[test]
    fn nothing_is_asked_for_ahead_while_several_lines_have_tasks() {
        let (slots, demand) = line();
        let name = |text| Name::new(text).expect("a name");
        let other = Demand::new(slots.clone(), &name("low"), &ActivityName::new("mail").expect("a name"));
        done(&demand, QUICK_IN_A_ROW * CONCURRENCY, QUICK);
        assert!(CONCURRENCY < slots.book().turns.slots());
        other.begun(1000);
        done(&demand, 1, QUICK);
        assert_eq!(slots.book().turns.slots(), CONCURRENCY);
        done(&demand, QUICK_IN_A_ROW * CONCURRENCY, QUICK);
        assert_eq!(slots.book().turns.slots(), CONCURRENCY);
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_ahead_and_cannot_begin_is_given_back_and_nothing_more_comes_ahead() {
        let (slots, demand) = line();
        done(&demand, QUICK_IN_A_ROW * CONCURRENCY, QUICK);
        let mut held = taken(&demand);
        assert_eq!(held.len(), (1 + AHEAD) * CONCURRENCY);
        // No more than one that waits, to see what becomes of it.
        held.truncate(CONCURRENCY + 2);
        for slot in &mut held[..CONCURRENCY] {
            assert!(slot.may_run().now_or_never().expect("at once"));
        }
        let mut waits = held.pop().expect("one more than may run");
        assert!(!waits.may_run().await, "those that run take long");
        drop(waits);
        assert!(demand.more().is_none(), "no slot is free: as many run as may");
        // One of them has run, and is only stored now.
        held[0].has_run(LONG);
        let mut waits = held.pop().expect("one more than may run");
        assert!(waits.may_run().now_or_never().expect("at once"));
        drop((held, waits));
        assert!(is_idle(&slots));
        assert_eq!(taken(&demand).len(), CONCURRENCY);
    }
}
