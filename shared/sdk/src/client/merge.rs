//! What the partitions have, in one order: their owners give pages, each in that order, and the first of all is taken.
//!
//! A partition of which nobody answers is left out and noted: a list that lacks something says so.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::RangeInclusive,
};

use futures::future::join_all;
use sagaline_broker::names::LogKind;
use sagaline_events::ask::{Answer, Ask};
use tokio::time::{Duration, Instant, sleep};

use super::{Client, Error, ask::Asked};

/// A partition that is handed over has its next owner within this. One whose owner was killed may take longer: that is said.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// What is asked for, page by page.
pub(super) trait Paged {
    type Item;
    /// What it is ordered by.
    type Key: Clone + Ord;

    /// Whose owners are asked.
    const OF: LogKind;
    /// What one answer holds at most, and what is asked for at least.
    const PAGE: RangeInclusive<usize>;

    fn question(&self, after: Option<Self::Key>, limit: usize) -> Ask;

    /// Nothing if the answer is to another question.
    fn page(&self, answer: Answer, limit: usize) -> Option<Part<Self>>;

    fn key(item: &Self::Item) -> &Self::Key;
}

/// A page.
pub(super) struct Part<Q: Paged + ?Sized> {
    pub(super) items: Vec<Q::Item>,
    /// Behind this there is more.
    pub(super) next: Option<Q::Key>,
}

/// The lists of all partitions as one.
pub(super) struct Merged<Q: Paged> {
    asked: Q,
    feeds: Vec<Feed<Q>>,
    silent: BTreeSet<u32>,
}

/// What a partition has, as far as it was read.
struct Feed<Q: Paged> {
    partition: u32,
    read: VecDeque<Q::Item>,
    /// What was read is behind this.
    after: Option<Q::Key>,
    /// There is nothing else, or nobody who says so.
    done: bool,
}

impl<Q: Paged> Merged<Q> {
    /// What is behind `after`, or all of it.
    pub(super) fn behind(partitions: u32, asked: Q, after: Option<Q::Key>) -> Self {
        let feed = |partition| Feed { partition, read: VecDeque::new(), after: after.clone(), done: false };
        Self { asked, feeds: (0..partitions).map(feed).collect(), silent: BTreeSet::new() }
    }

    /// The next ones, so many or up to the end.
    pub(super) async fn next(&mut self, client: &Client, limit: usize) -> Result<Vec<Q::Item>, Error> {
        let mut items = vec![];
        while items.len() < limit {
            let Some(item) = self.next_of(client, limit - items.len()).await? else { break };
            items.push(item);
        }
        Ok(items)
    }

    /// The next one, where so many are wanted all in all.
    pub(super) async fn next_of(&mut self, client: &Client, wanted: usize) -> Result<Option<Q::Item>, Error> {
        let Self { asked, feeds, silent } = self;
        // Twice an even share: one round is mostly enough.
        let share = wanted.saturating_mul(2) / feeds.len().max(1);
        let limit = share.clamp(*Q::PAGE.start(), *Q::PAGE.end());
        let empty = feeds.iter_mut().filter(|feed| feed.read.is_empty() && !feed.done);
        let read = join_all(empty.map(|feed| feed.fill(client, asked, limit))).await;
        for partition in read.into_iter().collect::<Result<Vec<_>, Error>>()? {
            silent.extend(partition);
        }
        let heads = feeds.iter_mut().filter(|feed| !feed.read.is_empty());
        let first = heads.min_by(|a, b| Q::key(&a.read[0]).cmp(Q::key(&b.read[0])));
        Ok(first.and_then(|feed| feed.read.pop_front()))
    }

    /// Partitions of which nobody answered: what they have is missing.
    pub(super) fn silent(&self) -> impl Iterator<Item = u32> {
        self.silent.iter().copied()
    }
}

impl<Q: Paged> Feed<Q> {
    /// Reads on until there is something, or nothing else. Gives the partition if nobody answers for it.
    async fn fill(&mut self, client: &Client, asked: &Q, limit: usize) -> Result<Option<u32>, Error> {
        let deadline = Instant::now() + PATIENCE;
        while self.read.is_empty() && !self.done {
            let question = asked.question(self.after.clone(), limit);
            let answer = match client.ask_of(Q::OF, self.partition, &question).await? {
                Asked::Answered(answer) => Some(answer),
                Asked::Nobody if Instant::now() < deadline => {
                    sleep(PAUSE).await;
                    continue;
                }
                Asked::Nobody => None,
            };
            let Some(Part { items, next }) = answer.and_then(|answer| asked.page(answer, limit)) else {
                self.done = true;
                return Ok(Some(self.partition));
            };
            self.done = next.is_none();
            self.after = next;
            self.read.extend(items);
        }
        Ok(None)
    }
}
