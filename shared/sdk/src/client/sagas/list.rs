//! The sagas that are not over, of all partitions in one order: by the id of their execution.

use std::collections::{BTreeSet, VecDeque};

use futures::future::join_all;
use sagaline_broker::names::LogKind;
use sagaline_events::{
    ask::{Answer, Ask},
    saga::{SagaPage, SagaView},
};
use sagaline_model::{ExecutionId, Name};
use tokio::time::{Duration, Instant, sleep};

use super::super::{Client, Error, ask::Asked};

/// What one answer holds at most, and what is asked for at least.
const OWNER_PAGE: std::ops::RangeInclusive<usize> = 20..=200;
/// A partition that is handed over has its next owner within this.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// Which sagas to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SagaFilter {
    /// Only those that are stuck.
    pub stuck: bool,
    pub workflow: Option<Name>,
}

/// A list of sagas that is being read.
pub struct SagaListing {
    client: Client,
    filter: SagaFilter,
    feeds: Vec<Feed>,
    silent: BTreeSet<u32>,
}

/// What a partition has, as far as it was read.
struct Feed {
    partition: u32,
    read: VecDeque<SagaView>,
    /// What was read is behind this.
    after: Option<ExecutionId>,
    /// There is nothing else, or nobody who says so.
    done: bool,
}

impl Client {
    /// Lists the sagas that are not over, from behind an execution or from the first.
    pub fn sagas(&self, filter: SagaFilter, after: Option<ExecutionId>) -> SagaListing {
        let feed = |partition| Feed { partition, read: VecDeque::new(), after: after.clone(), done: false };
        let feeds = (0..self.partitions).map(feed).collect();
        SagaListing { client: self.clone(), filter, feeds, silent: BTreeSet::new() }
    }
}

impl SagaListing {
    /// The next ones, so many or up to the end of the list.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<SagaView>, Error> {
        let mut listed = vec![];
        while listed.len() < limit {
            let share = (limit - listed.len()).saturating_mul(2) / self.feeds.len().max(1);
            let share = share.clamp(*OWNER_PAGE.start(), *OWNER_PAGE.end());
            let (client, filter) = (&self.client, &self.filter);
            let empty = self.feeds.iter_mut().filter(|feed| feed.read.is_empty() && !feed.done);
            let read = join_all(empty.map(|feed| feed.fill(client, filter, share))).await;
            for silent in read.into_iter().collect::<Result<Vec<_>, Error>>()? {
                self.silent.extend(silent);
            }
            let full = self.feeds.iter_mut().filter(|feed| !feed.read.is_empty());
            let first = full.min_by(|a, b| a.read[0].execution.cmp(&b.read[0].execution));
            let Some(view) = first.and_then(|feed| feed.read.pop_front()) else { break };
            listed.push(view);
        }
        Ok(listed)
    }

    /// Partitions of which nobody answered: their sagas are missing.
    pub fn silent(&self) -> impl Iterator<Item = u32> {
        self.silent.iter().copied()
    }
}

impl Feed {
    /// Reads on until there is something, or nothing else. Gives the partition if nobody answers for it.
    async fn fill(&mut self, client: &Client, filter: &SagaFilter, limit: usize) -> Result<Option<u32>, Error> {
        let deadline = Instant::now() + PATIENCE;
        while self.read.is_empty() && !self.done {
            let (workflow, after) = (filter.workflow.clone(), self.after.clone());
            let question = Ask::Sagas { stuck: filter.stuck, workflow, after, limit };
            match client.ask_of(LogKind::Sagas, self.partition, &question).await? {
                Asked::Answered(Answer::Sagas(SagaPage { sagas, next })) => {
                    self.done = next.is_none();
                    self.after = next;
                    self.read.extend(sagas);
                }
                Asked::Nobody if Instant::now() < deadline => sleep(PAUSE).await,
                Asked::Answered(_) | Asked::Nobody => {
                    self.done = true;
                    return Ok(Some(self.partition));
                }
            }
        }
        Ok(None)
    }
}
