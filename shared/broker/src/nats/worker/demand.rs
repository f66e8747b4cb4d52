//! How many tasks a consumer asks for: never more than the worker has free slots, and no more than it has lately been given.
//!
//! A slot that is asked for is taken, or another consumer of the same worker would ask for it too. So a consumer that gets
//! nothing asks for one, and one that gets all it asks for asks for twice as many: from one to hundreds it is a few round trips.

use std::sync::Arc;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

pub(super) struct Demand {
    slots: Arc<Semaphore>,
    concurrency: usize,
    /// The slots for what is asked for and not delivered yet.
    reserved: Option<OwnedSemaphorePermit>,
    /// How many it would like to have asked for.
    want: usize,
    /// Whether no other consumer shares the slots.
    alone: bool,
    /// Whether anything was delivered since the last request.
    fed: bool,
}

impl Demand {
    pub(super) fn new(slots: Arc<Semaphore>, concurrency: usize, sharing: usize) -> Self {
        Self { slots, concurrency, reserved: None, want: 1, alone: sharing <= 1, fed: false }
    }

    /// Asked for and not delivered yet.
    pub(super) fn asked(&self) -> usize {
        self.reserved.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// How many more to ask for now. Their slots are taken.
    pub(super) fn more(&mut self) -> usize {
        let asked = self.asked();
        if self.want < 2 * asked {
            return 0;
        }
        let want = if self.fed { (self.want * 2).min(self.concurrency) } else { self.want };
        let free = self.slots.available_permits();
        // Half of what is free stays so for the others.
        let share = if self.alone { free } else { free.div_ceil(2) };
        let more = (want - asked).min(share);
        // Many small requests are dear; what is on its way wakes us soon enough.
        if more == 0 || (0 < asked && more < want / 4) {
            return 0;
        }
        let Ok(slots) = self.slots.clone().try_acquire_many_owned(u32::try_from(more).unwrap_or(u32::MAX)) else {
            return 0;
        };
        self.add(slots);
        (self.want, self.fed) = (want, false);
        more
    }

    /// The next slot that is free.
    pub(super) fn slot(&self) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send + use<> {
        self.slots.clone().acquire_owned()
    }

    /// A slot that was waited for.
    pub(super) fn add(&mut self, slots: OwnedSemaphorePermit) {
        match &mut self.reserved {
            Some(reserved) => reserved.merge(slots),
            None => self.reserved = Some(slots),
        }
    }

    /// The slot of a task that has come. Without one it was not asked for, or no longer.
    pub(super) fn take(&mut self) -> Option<OwnedSemaphorePermit> {
        self.fed = true;
        let reserved = self.reserved.as_mut()?;
        if reserved.num_permits() == 1 { self.reserved.take() } else { reserved.split(1) }
    }

    /// So many that were asked for will not come: nobody had them.
    pub(super) fn unfilled(&mut self, count: usize) {
        self.want = (self.want / 2).max(1);
        let Some(reserved) = &mut self.reserved else { return };
        match reserved.num_permits().checked_sub(count) {
            None | Some(0) => self.reserved = None,
            Some(_) => drop(reserved.split(count)),
        }
    }

    /// Nothing that was asked for will come.
    pub(super) fn forget(&mut self) {
        self.reserved = None;
        self.want = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(concurrency: usize, sharing: usize) -> (Arc<Semaphore>, Demand) {
        let slots = Arc::new(Semaphore::new(concurrency));
        (slots.clone(), Demand::new(slots, concurrency, sharing))
    }

    #[test]
    fn it_grows_while_all_is_given_and_never_beyond_the_slots() {
        let (slots, mut demand) = demand(64, 1);
        let mut held = vec![];
        assert_eq!(demand.more(), 1);
        for _ in 0..20 {
            while 0 < demand.asked() {
                held.push(demand.take().expect("asked for"));
            }
            demand.more();
            assert_eq!(held.len() + demand.asked() + slots.available_permits(), 64);
        }
        assert_eq!((held.len(), slots.available_permits()), (64, 0));
        held.truncate(32);
        assert_eq!(demand.more(), 32, "what is free again is asked for at once");
    }

    #[test]
    fn what_nobody_had_is_free_for_the_others() {
        let (slots, mut demand) = demand(64, 2);
        for asked in [1, 2, 4, 8] {
            assert_eq!(demand.more(), asked);
            (0..asked).for_each(|_| drop(demand.take()));
        }
        assert_eq!(demand.more(), 16);
        demand.unfilled(16);
        assert_eq!((demand.asked(), slots.available_permits()), (0, 64));
        assert_eq!(demand.more(), 8, "it wants less now");
        (0..4).for_each(|_| demand.unfilled(8));
        assert_eq!(demand.more(), 1, "and whoever gets nothing keeps one slot from the others");
    }

    #[test]
    fn half_of_what_is_free_is_left_to_the_others() {
        let (slots, mut first) = demand(4, 2);
        let mut second = Demand::new(slots.clone(), 4, 2);
        assert_eq!((first.more(), second.more()), (1, 1));
        let (one, two) = (first.take(), second.take());
        assert_eq!((first.more(), second.more()), (1, 1));
        assert_eq!(slots.available_permits(), 0);
        drop((one, two));
    }

    #[test]
    fn what_was_not_asked_for_gets_no_slot() {
        let (slots, mut demand) = demand(4, 1);
        assert!(demand.take().is_none());
        assert_eq!(demand.more(), 2);
        demand.forget();
        assert_eq!(slots.available_permits(), 4);
        assert!(demand.take().is_none());
    }
}
