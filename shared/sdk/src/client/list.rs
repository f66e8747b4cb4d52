//! Lists of executions: first the open ones by id, as their owners have them, then the ended ones from `results`, the last to
//! end first.
//!
//! Whatever was listed already, the next one costs the same: an owner goes on behind an id, and `results` below a sequence. One
//! that ends meanwhile is not missed, since its owner lets go of it only when it is in `results`; and not listed twice.

mod cursor;
mod ended;
mod open;

use std::collections::BTreeSet;

use sagaline_events::{
    ask::{Ask, JobsAsked},
    record::{ExecutionView, Status},
};
use sagaline_model::{ExecutionId, Moment, Name};
use serde::Serialize;

pub use self::cursor::{Cursor, NotACursor};
use self::ended::Ended;
use super::{Client, Error, ask::Asked, merge::Merged};

/// Which executions to list. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListFilter {
    /// Any of these; empty: whatever the status.
    pub status: Vec<Status>,
    pub workflow: Option<Name>,
    /// Tags that an execution has; with a value, exactly this one.
    pub tags: Vec<(String, Option<String>)>,
    /// Started at this moment or later.
    pub since: Option<Moment>,
    /// Only jobs, and of those only these.
    pub jobs: Option<JobsAsked>,
}

/// An execution in a list, without its steps and output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    pub view: ExecutionView,
    /// Where it is: a list after this goes on behind it.
    pub cursor: Cursor,
}

/// A list that is being read.
pub struct Listing {
    client: Client,
    filter: ListFilter,
    open: Merged<ListFilter>,
    /// Nothing more of those is wanted.
    open_is_read: bool,
    ended: Option<Ended>,
    /// What was open when it was listed, in case it has ended since.
    seen: BTreeSet<ExecutionId>,
}

impl Client {
    /// Lists executions, from behind a cursor or from the first.
    pub fn list(&self, filter: ListFilter, after: Option<Cursor>) -> Listing {
        let wants =
            |over: bool| filter.status.is_empty() || filter.status.iter().any(|status| status.is_over() == over);
        let (behind, below) = match after {
            None => (Some(None), None),
            Some(Cursor::Open(id)) => (Some(Some(id)), None),
            Some(Cursor::Ended(sequence)) => (None, Some(sequence)),
        };
        let open_is_read = behind.is_none() || !wants(false);
        let open = Merged::behind(self.partitions, filter.clone(), behind.flatten());
        let ended = wants(true).then(|| Ended::below(below));
        Listing { client: self.clone(), filter, open, open_is_read, ended, seen: BTreeSet::new() }
    }

    /// The partitions of which nobody answers questions about what is open.
    pub async fn silent_partitions(&self) -> Result<Vec<u32>, Error> {
        let ask = ListFilter::default().ask(None, 1);
        let asked = (0..self.partitions).map(|partition| self.ask(partition, &ask));
        let mut silent = vec![];
        for (partition, asked) in (0..).zip(futures::future::join_all(asked).await) {
            if let Asked::Nobody = asked? {
                silent.push(partition);
            }
        }
        Ok(silent)
    }
}

impl Listing {
    /// The next executions, so many or up to the end of the list.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<Listed>, Error> {
        let mut listed = vec![];
        while listed.len() < limit {
            let wanted = limit - listed.len();
            if !self.open_is_read {
                match self.open.next_of(&self.client, wanted).await? {
                    Some(view) => {
                        self.seen.insert(view.execution.clone());
                        listed.push(Listed { cursor: Cursor::Open(view.execution.clone()), view });
                    }
                    None => self.open_is_read = true,
                }
            } else if let Some(ended) = &mut self.ended {
                match ended.next(&self.client, &self.filter, wanted).await? {
                    Some((_, view)) if self.seen.contains(&view.execution) => {}
                    Some((sequence, view)) => listed.push(Listed { cursor: Cursor::Ended(sequence), view }),
                    None => self.ended = None,
                }
            } else {
                break;
            }
        }
        Ok(listed)
    }

    /// Partitions of which nobody answered: open executions of these are missing.
    pub fn silent(&self) -> impl Iterator<Item = u32> {
        self.open.silent()
    }
}

impl ListFilter {
    fn takes(&self, view: &ExecutionView) -> bool {
        let has = |(name, wanted): &(String, Option<String>)| {
            view.tags.get(name).is_some_and(|given| wanted.as_ref().is_none_or(|wanted| wanted == given))
        };
        let is_job =
            |asked: &JobsAsked| view.job.as_ref().is_some_and(|job| asked.takes(&job.activity, &job.queue, job.status));
        (self.status.is_empty() || self.status.contains(&view.status))
            && self.workflow.as_ref().is_none_or(|workflow| *workflow == view.workflow)
            && self.tags.iter().all(has)
            && self.since.is_none_or(|since| since <= view.started_at)
            && self.jobs.as_ref().is_none_or(is_job)
    }

    /// For the owner of a partition. Two values for one tag it cannot be asked for; nothing has both.
    fn ask(&self, after: Option<ExecutionId>, limit: usize) -> Ask {
        Ask::List {
            status: self.status.iter().map(|status| status.as_str().to_owned()).collect(),
            workflow: self.workflow.clone(),
            tags: self.tags.iter().cloned().collect(),
            since: self.since,
            after,
            limit,
            paged: true,
            jobs: self.jobs.clone().map(Box::new),
        }
    }
}
