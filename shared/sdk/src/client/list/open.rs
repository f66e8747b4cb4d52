//! The open executions of all partitions in one order, by id.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use futures::future::join_all;
use sagaline_events::{
    ask::{Answer, Page},
    record::ExecutionView,
};
use sagaline_model::ExecutionId;
use tokio::time::{Instant, sleep};

use super::{Asked, Client, Error, ListFilter};

/// What one answer of an owner holds at most, and what is asked for at least.
const OWNER_PAGE: std::ops::RangeInclusive<usize> = 20..=500;

/// A partition that is handed over has its next owner within this. One whose owner was killed may take longer: that is said.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// The feeds of all partitions, merged.
pub(super) struct Open(Vec<Feed>);

/// What a partition has, as far as it was read.
struct Feed {
    partition: u32,
    read: VecDeque<ExecutionView>,
    /// What was read is behind this.
    after: Option<ExecutionId>,
    /// There is nothing else, or nobody who says so.
    done: bool,
}

impl Open {
    pub(super) fn behind(partitions: u32, after: Option<ExecutionId>) -> Self {
        let feed = |partition| Feed { partition, read: VecDeque::new(), after: after.clone(), done: false };
        Self((0..partitions).map(feed).collect())
    }

    /// The next one of all. Partitions of which nobody answers are left out, and noted.
    pub(super) async fn next(
        &mut self,
        client: &Client,
        filter: &ListFilter,
        wanted: usize,
        silent: &mut BTreeSet<u32>,
    ) -> Result<Option<ExecutionView>, Error> {
        let Self(feeds) = self;
        // Twice an even share: one round is mostly enough.
        let share = wanted.saturating_mul(2) / feeds.len().max(1);
        let limit = share.clamp(*OWNER_PAGE.start(), *OWNER_PAGE.end());
        let empty = feeds.iter_mut().filter(|feed| feed.read.is_empty() && !feed.done);
        let read = join_all(empty.map(|feed| feed.fill(client, filter, limit))).await;
        for partition in read.into_iter().collect::<Result<Vec<_>, Error>>()? {
            silent.extend(partition);
        }
        let first = feeds.iter_mut().filter(|feed| !feed.read.is_empty());
        let first = first.min_by(|a, b| a.read[0].execution.cmp(&b.read[0].execution));
        Ok(first.and_then(|feed| feed.read.pop_front()))
    }
}

impl Feed {
    /// Reads on until there is something, or nothing else. Gives the partition if nobody answers for it.
    async fn fill(&mut self, client: &Client, filter: &ListFilter, limit: usize) -> Result<Option<u32>, Error> {
        let deadline = Instant::now() + PATIENCE;
        while self.read.is_empty() && !self.done {
            let question = filter.question(self.after.clone(), limit);
            let page = match client.ask(self.partition, &question).await? {
                Asked::Answered(Answer::Page(page)) => page,
                // An owner that does not know of pages: a full answer has more behind it.
                Asked::Answered(Answer::Executions(executions)) => {
                    let last = executions.last().filter(|_| limit <= executions.len());
                    Page { next: last.map(|view| view.execution.clone()), executions }
                }
                Asked::Nobody if Instant::now() < deadline => {
                    sleep(PAUSE).await;
                    continue;
                }
                Asked::Answered(_) | Asked::Nobody => {
                    self.done = true;
                    return Ok(Some(self.partition));
                }
            };
            self.done = page.next.is_none();
            self.after = page.next;
            self.read.extend(page.executions.into_iter().filter(|view| filter.takes(view)));
        }
        Ok(None)
    }
}
