//! Lists of executions: the open ones as their owners have them, the ended ones from `results`, newest first.

use sagaline_broker::ports::{Bucket, Sequence};
use sagaline_events::{
    ask::{Answer, Ask},
    record::{ExecutionView, Status},
};
use sagaline_model::{ExecutionId, Moment, Name};

use super::{Client, Error, ask::Asked, pages::Position, results};

/// What one answer of an owner holds at most.
const OWNER_PAGE: usize = 500;
/// So many open executions of a partition are looked through, since owners list by id and not by time.
const OPEN_MAX: usize = 20_000;
/// So far back, in messages of the bucket's stream, ended ones are looked for.
const RESULTS_MAX: u64 = 50_000;
/// One request's worth of results.
const RESULTS_PAGE: usize = 500;

/// Which executions to list. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListFilter {
    /// Any of these; empty: whatever the status.
    pub status: Vec<Status>,
    pub workflow: Option<Name>,
    /// Tags that an execution has, with these values.
    pub tags: Vec<(String, String)>,
    /// Started at this moment or later.
    pub since: Option<Moment>,
    /// At most so many.
    pub limit: usize,
}

/// Executions, newest start first, without their steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    pub executions: Vec<ExecutionView>,
    /// There are more than the limit, or more to look through than is looked through.
    pub more: bool,
    /// Partitions of which nobody answered: their open executions are missing.
    pub silent: Vec<u32>,
}

impl Client {
    pub async fn list(&self, filter: &ListFilter) -> Result<Listed, Error> {
        let mut listed = Listed::default();
        let open = filter.status.is_empty() || filter.status.iter().any(|status| !status.is_over());
        let over = filter.status.is_empty() || filter.status.iter().any(|status| status.is_over());
        for partition in (0..self.partitions).filter(|_| open) {
            self.list_open(partition, filter, &mut listed).await?;
        }
        if over {
            self.list_over(filter, &mut listed).await?;
        }
        // One that ended meanwhile is in both: as ended, which is newer.
        listed.executions.sort_by(|a, b| {
            let newest_first = b.started_at.cmp(&a.started_at).then_with(|| a.execution.cmp(&b.execution));
            newest_first.then(b.status.is_over().cmp(&a.status.is_over()))
        });
        listed.executions.dedup_by(|later, earlier| later.execution == earlier.execution);
        listed.more |= filter.limit < listed.executions.len();
        listed.executions.truncate(filter.limit);
        Ok(listed)
    }

    async fn list_open(&self, partition: u32, filter: &ListFilter, listed: &mut Listed) -> Result<(), Error> {
        let status: Vec<String> = filter.status.iter().map(|status| status.as_str().to_owned()).collect();
        let mut after: Option<ExecutionId> = None;
        let mut seen = 0;
        loop {
            let workflow = filter.workflow.clone();
            let ask = Ask::List { status: status.clone(), workflow, after: after.clone(), limit: OWNER_PAGE };
            let page = match self.ask(partition, &ask).await? {
                Asked::Answered(Answer::Executions(page)) => page,
                Asked::Answered(_) | Asked::Nobody => {
                    listed.silent.push(partition);
                    return Ok(());
                }
            };
            seen += page.len();
            let whole = page.len() < OWNER_PAGE;
            after = page.last().map(|view| view.execution.clone());
            listed.executions.extend(page.into_iter().filter(|view| filter.takes(view)));
            if whole || OPEN_MAX <= seen {
                listed.more |= !whole;
                return Ok(());
            }
        }
    }

    /// Walks the bucket's stream backwards in windows that grow, until there is enough.
    async fn list_over(&self, filter: &ListFilter, listed: &mut Listed) -> Result<(), Error> {
        let attempt = || "read the bucket `results`".to_owned();
        let stream = self.names().bucket_stream(Bucket::Results);
        let info = self.connection.jetstream().get_stream(&stream).await;
        let info = info.map_err(|error| Error::nats(attempt())(error.into()))?;
        let state = &info.cached_info().state;
        let (first, last) = (state.first_sequence.max(1), state.last_sequence);
        let bottom = first.max((last + 1).saturating_sub(RESULTS_MAX));
        let (mut end, mut window, mut found) = (last, 1000, 0);
        while bottom <= end && found <= filter.limit {
            let start = (end + 1).saturating_sub(window).max(bottom);
            let views = self.results_between(&stream, start, end, attempt()).await?;
            // A status that was asked for, and what else there is to know of it.
            let views = views.into_iter().filter(|view| filter.takes(view));
            found += views.map(|view| listed.executions.push(view)).count();
            end = start - 1;
            window *= 4;
        }
        listed.more |= first <= end;
        Ok(())
    }

    async fn results_between(
        &self,
        stream: &str,
        start: Sequence,
        end: Sequence,
        attempt: String,
    ) -> Result<Vec<ExecutionView>, Error> {
        let all = self.names().key(Bucket::Results, ">");
        let mut pages = self.pages(stream, all, start, attempt).await?;
        let mut views = vec![];
        let mut more = 0 < pages.count();
        while more {
            let page = pages.next(RESULTS_PAGE).await?;
            let inside = |position: &Position| position.sequence <= end;
            more = page.last().is_some_and(|(position, _)| 0 < position.pending && position.sequence < end);
            let messages = page.iter().filter(|(position, _)| inside(position));
            // What cannot be read is a marker of a removed one.
            views.extend(messages.filter_map(|(_, message)| results::read(&message.payload).ok()));
        }
        pages.close().await;
        Ok(views)
    }
}

impl ListFilter {
    fn takes(&self, view: &ExecutionView) -> bool {
        let has = |(name, value): &(String, String)| view.tags.get(name) == Some(value);
        (self.status.is_empty() || self.status.contains(&view.status))
            && self.workflow.as_ref().is_none_or(|workflow| *workflow == view.workflow)
            && self.tags.iter().all(has)
            && self.since.is_none_or(|since| since <= view.started_at)
    }
}
