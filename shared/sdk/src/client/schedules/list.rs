//! The schedules of all partitions in one order: by name.

use std::collections::{BTreeSet, VecDeque};

use futures::future::join_all;
use sagaline_broker::names::LogKind;
use sagaline_events::{
    ask::{Answer, Ask},
    schedule_view::{SchedulePage, ScheduleView},
};
use sagaline_model::Name;
use tokio::time::{Duration, Instant, sleep};

use super::super::{Client, Error, ask::Asked};

/// What one answer holds at most, and what is asked for at least.
const OWNER_PAGE: std::ops::RangeInclusive<usize> = 20..=200;
/// A partition that is handed over has its next owner within this.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// Which schedules to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleFilter {
    /// Only those that are paused.
    pub paused: bool,
    pub workflow: Option<Name>,
}

/// A list of schedules that is being read.
pub struct ScheduleListing {
    client: Client,
    filter: ScheduleFilter,
    feeds: Vec<Feed>,
    silent: BTreeSet<u32>,
}

/// What a partition has, as far as it was read.
struct Feed {
    partition: u32,
    read: VecDeque<ScheduleView>,
    /// What was read is behind this.
    after: Option<Name>,
    /// There is nothing else, or nobody who says so.
    done: bool,
}

impl Client {
    /// Lists the schedules, from behind a name or from the first.
    pub fn schedules(&self, filter: ScheduleFilter, after: Option<Name>) -> ScheduleListing {
        let feed = |partition| Feed { partition, read: VecDeque::new(), after: after.clone(), done: false };
        let feeds = (0..self.partitions).map(feed).collect();
        ScheduleListing { client: self.clone(), filter, feeds, silent: BTreeSet::new() }
    }
}

impl ScheduleListing {
    /// The next ones, so many or up to the end of the list.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<ScheduleView>, Error> {
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
            let first = full.min_by(|a, b| a.read[0].name.cmp(&b.read[0].name));
            let Some(view) = first.and_then(|feed| feed.read.pop_front()) else { break };
            listed.push(view);
        }
        Ok(listed)
    }

    /// Partitions of which nobody answered: their schedules are missing.
    pub fn silent(&self) -> impl Iterator<Item = u32> {
        self.silent.iter().copied()
    }
}

impl Feed {
    /// Reads on until there is something, or nothing else. Gives the partition if nobody answers for it.
    async fn fill(&mut self, client: &Client, filter: &ScheduleFilter, limit: usize) -> Result<Option<u32>, Error> {
        let deadline = Instant::now() + PATIENCE;
        while self.read.is_empty() && !self.done {
            let (workflow, after) = (filter.workflow.clone(), self.after.clone());
            let question = Ask::Schedules { workflow, paused: filter.paused, after, limit };
            match client.ask_of(LogKind::Schedules, self.partition, &question).await? {
                Asked::Answered(Answer::Schedules(SchedulePage { schedules, next })) => {
                    self.done = next.is_none();
                    self.after = next;
                    self.read.extend(schedules);
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
