//! One answer to a list: bounded in how many it holds, in how many are looked at for it, and in bytes.
//!
//! It is a stretch of the order of keys from behind the last one, so a page far behind costs what the first one does.

use std::collections::BTreeMap;

use sagaline_events::{
    ask::{Answer, Ask, Page},
    saga::{SagaPage, SagaView},
    schedule_view::{SchedulePage, ScheduleView},
};
use sagaline_model::{ExecutionId, Name};
use serde::Serialize;

use crate::{machine::Listed, names::LogKind};

/// The most that one answer holds.
const LIST_LIMIT: usize = 500;

/// So many are looked at for one page: a few milliseconds, in which nothing else is done for the partition.
const LOOKED_AT_LIMIT: usize = 20_000;

/// An answer is one message of NATS, which takes a MiB by default. The page is full when it is half of that.
const BYTES_LIMIT: usize = 512 * 1024;

/// Whether somebody who owns such logs can answer this list.
pub(super) fn is_answered_by(ask: &Ask, log: LogKind) -> bool {
    match ask {
        Ask::List { .. } => log == LogKind::Runs,
        Ask::Sagas { .. } => log == LogKind::Sagas,
        Ask::Schedules { .. } => log == LogKind::Schedules,
        Ask::Wanted { .. }
        | Ask::Get { .. }
        | Ask::Why { .. }
        | Ask::Partition
        | Ask::Query { .. }
        | Ask::Reply { .. }
        | Ask::Saga { .. }
        | Ask::Entity { .. }
        | Ask::Entities { .. }
        | Ask::Schedule { .. }
        | Ask::Queues => false,
    }
}

/// An answer that is being put together.
pub(super) struct Listing {
    kind: Kind,
    limit: usize,
    looked_at: usize,
    bytes: usize,
    page: Page,
    sagas: Vec<SagaView>,
    schedules: Vec<ScheduleView>,
    /// The last one that was looked at; nothing if there is none behind it.
    last: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All that there is, as far as the limit: who asks does not know of pages.
    Executions,
    PagedExecutions,
    PagedSagas,
    PagedSchedules,
}

impl Listing {
    fn of(kind: Kind, limit: usize) -> Self {
        Self {
            kind,
            limit: limit.min(LIST_LIMIT),
            looked_at: 0,
            bytes: 0,
            page: Page::default(),
            sagas: vec![],
            schedules: vec![],
            last: None,
        }
    }

    /// The list that a question asks for, and behind which key it begins; nothing if it asks for none.
    pub(super) fn for_question(ask: &Ask) -> Option<(Self, Option<&str>)> {
        match ask {
            Ask::List { limit, paged, after, .. } => {
                let kind = if *paged { Kind::PagedExecutions } else { Kind::Executions };
                Some((Self::of(kind, *limit), after.as_ref().map(ExecutionId::as_str)))
            }
            Ask::Sagas { limit, after, .. } => {
                Some((Self::of(Kind::PagedSagas, *limit), after.as_ref().map(ExecutionId::as_str)))
            }
            Ask::Schedules { limit, after, .. } => {
                Some((Self::of(Kind::PagedSchedules, *limit), after.as_ref().map(Name::as_str)))
            }
            Ask::Wanted { .. }
            | Ask::Get { .. }
            | Ask::Why { .. }
            | Ask::Partition
            | Ask::Query { .. }
            | Ask::Reply { .. }
            | Ask::Saga { .. }
            | Ask::Entity { .. }
            | Ask::Entities { .. }
            | Ask::Schedule { .. }
            | Ask::Queues => None,
        }
    }

    fn is_paged(&self) -> bool {
        self.kind != Kind::Executions
    }

    /// Whether the next one may be looked at.
    pub(super) fn has_room(&self) -> bool {
        let short = self.page.executions.len() + self.sagas.len() + self.schedules.len() < self.limit;
        // Who does not know of pages takes a short answer for the last one.
        let cheap = !self.is_paged() || (self.looked_at < LOOKED_AT_LIMIT && self.bytes < BYTES_LIMIT);
        short && cheap
    }

    /// What was looked at under `key`: listed if it is `seen`.
    pub(super) fn look(&mut self, key: &str, seen: Option<Listed>) {
        self.looked_at += 1;
        if self.is_paged() {
            // What stands behind it has to be looked at yet, unless `ends` says that nothing does.
            self.page.next = ExecutionId::new(key).ok();
            self.last = Some(key.to_owned());
        }
        // Whoever wants all of what is too large for a page asks for it alone.
        match seen {
            Some(Listed::Execution(mut view)) => {
                if BYTES_LIMIT < size(&view) {
                    (view.tags, view.reason, view.error) = (BTreeMap::new(), None, None);
                }
                self.bytes += size(&view);
                self.page.executions.push(view);
            }
            Some(Listed::Saga(mut view)) => {
                if BYTES_LIMIT < size(&view) {
                    (view.steps, view.interventions, view.cause.error) = (vec![], vec![], None);
                }
                self.bytes += size(&view);
                self.sagas.push(view);
            }
            Some(Listed::Schedule(mut view)) => {
                if BYTES_LIMIT < size(&view) {
                    view.spec.input = serde_json::Value::Null;
                    view.spec.job = None;
                }
                self.bytes += size(&view);
                self.schedules.push(*view);
            }
            None => {}
        }
    }

    /// There is nothing behind what was looked at last.
    pub(super) fn ends(&mut self) {
        (self.page.next, self.last) = (None, None);
    }

    pub(super) fn answer(self) -> Answer {
        match self.kind {
            Kind::Executions => Answer::Executions(self.page.executions),
            Kind::PagedExecutions => Answer::Page(self.page),
            Kind::PagedSagas => Answer::Sagas(SagaPage { sagas: self.sagas, next: self.page.next }),
            Kind::PagedSchedules => {
                let next = self.last.and_then(|last| Name::new(last).ok());
                Answer::Schedules(SchedulePage { schedules: self.schedules, next })
            }
        }
    }
}

fn size(view: &impl Serialize) -> usize {
    serde_json::to_vec(view).map_or(0, |json| json.len())
}

#[cfg(test)]
mod tests {
    use sagaline_events::record::{ExecutionView, Status};
    use sagaline_model::{Moment, Name};

    use super::*;

    fn view(key: &str, tag: usize) -> ExecutionView {
        ExecutionView {
            execution: ExecutionId::new(key).expect("an id"),
            workflow: Name::new("order").expect("a name"),
            version: 1,
            status: Status::Waiting,
            started_at: Moment::EPOCH,
            ended_at: None,
            output: serde_json::Value::Null,
            error: None,
            failed_step: None,
            reason: None,
            tags: [("t".to_owned(), "x".repeat(tag))].into(),
            steps: vec![],
            parent: None,
            queries: Default::default(),
            attempt: None,
            replies: Default::default(),
            undo: vec![],
            begins_at: None,
            job: None,
        }
    }

    /// Lists keys from `from` on, every `nth` of them being seen.
    fn page(from: usize, keys: usize, nth: usize, tag: usize) -> Page {
        let mut listing = Listing::of(Kind::PagedExecutions, 1000);
        let mut behind = from..keys;
        while listing.has_room() {
            let Some(number) = behind.next() else {
                listing.ends();
                break;
            };
            let key = format!("{number:06}");
            listing.look(&key, number.is_multiple_of(nth).then(|| Listed::Execution(view(&key, tag))));
        }
        match listing.answer() {
            Answer::Page(page) => page,
            other => panic!("{other:?}"),
        }
    }

    fn next(page: &Page) -> usize {
        page.next.as_ref().expect("more").as_str().parse::<usize>().expect("a number") + 1
    }

    #[test]
    fn a_page_is_full_at_its_limit_and_the_next_begins_behind_it() {
        let first = page(0, 1200, 1, 1);
        assert_eq!((first.executions.len(), next(&first)), (LIST_LIMIT, LIST_LIMIT));
        let last = page(1000, 1200, 1, 1);
        assert_eq!((last.executions.len(), last.next), (200, None));
    }

    #[test]
    fn a_page_may_be_empty_and_there_be_more() {
        let first = page(1, 100_000, 99_999, 1);
        assert_eq!((first.executions.len(), next(&first)), (0, LOOKED_AT_LIMIT + 1));
    }

    #[test]
    fn a_page_fits_into_a_message_whatever_is_in_it() {
        let heavy = page(0, 1200, 1, 100_000);
        let bytes = serde_json::to_vec(&Answer::Page(heavy.clone())).expect("JSON").len();
        assert!(bytes < 1024 * 1024 && heavy.executions.len() < 10, "{bytes}");
        let monster = page(0, 1, 1, 5_000_000);
        assert_eq!((monster.executions.len(), monster.executions[0].tags.len()), (1, 0));
    }

    /// Whoever does not ask for pages takes a short answer for the last one.
    #[test]
    fn a_list_without_pages_ends_only_at_its_limit() {
        let mut listing = Listing::of(Kind::Executions, 2);
        for number in 0..LOOKED_AT_LIMIT {
            assert!(listing.has_room());
            listing.look(&format!("{number}"), None);
        }
        listing.look("a", Some(Listed::Execution(view("a", 1))));
        listing.look("b", Some(Listed::Execution(view("b", 1))));
        assert!(!listing.has_room());
        assert!(matches!(listing.answer(), Answer::Executions(listed) if listed.len() == 2));
    }
}
