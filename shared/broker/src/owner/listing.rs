//! One answer to a list: bounded in how many it holds, in how many are looked at for it, and in bytes.
//!
//! It is a stretch of the order of keys from behind the last one, so a page far behind costs what the first one does.

use sagaline_events::{
    ask::{Answer, Ask, Page},
    record::ExecutionView,
};
use sagaline_model::ExecutionId;

/// The most that one answer holds.
const LIST_LIMIT: usize = 500;

/// So many are looked at for one page: a few milliseconds, in which nothing else is done for the partition.
const LOOKED_AT_LIMIT: usize = 20_000;

/// An answer is one message of NATS, which takes a MiB by default. The page is full when it is half of that.
const BYTES_LIMIT: usize = 512 * 1024;

/// An answer that is being put together.
pub(super) struct Listing {
    paged: bool,
    limit: usize,
    looked_at: usize,
    bytes: usize,
    page: Page,
}

impl Listing {
    pub(super) fn of(limit: usize, paged: bool) -> Self {
        Self { paged, limit: limit.min(LIST_LIMIT), looked_at: 0, bytes: 0, page: Page::default() }
    }

    /// For `Ask::List`; nothing for any other question.
    pub(super) fn for_question(ask: &Ask) -> Option<Self> {
        let Ask::List { limit, paged, .. } = ask else { return None };
        Some(Self::of(*limit, *paged))
    }

    /// Whether the next one may be looked at.
    pub(super) fn has_room(&self) -> bool {
        let short = self.page.executions.len() < self.limit;
        // Who does not know of pages takes a short answer for the last one.
        let cheap = !self.paged || (self.looked_at < LOOKED_AT_LIMIT && self.bytes < BYTES_LIMIT);
        short && cheap
    }

    /// What was looked at under `key`: listed if it is `seen`.
    pub(super) fn look(&mut self, key: &str, seen: Option<ExecutionView>) {
        self.looked_at += 1;
        if self.paged {
            // What stands behind it has to be looked at yet, unless `ends` says that nothing does.
            self.page.next = ExecutionId::new(key).ok();
        }
        let Some(mut view) = seen else { return };
        let mut bytes = size(&view);
        if BYTES_LIMIT < bytes {
            // Whoever wants all of it asks for it alone.
            (view.tags, view.reason, view.error) = (std::collections::BTreeMap::new(), None, None);
            bytes = size(&view);
        }
        self.bytes += bytes;
        self.page.executions.push(view);
    }

    /// There is nothing behind what was looked at last.
    pub(super) fn ends(&mut self) {
        self.page.next = None;
    }

    pub(super) fn answer(self) -> Answer {
        if self.paged { Answer::Page(self.page) } else { Answer::Executions(self.page.executions) }
    }
}

fn size(view: &ExecutionView) -> usize {
    serde_json::to_vec(view).map_or(0, |json| json.len())
}

#[cfg(test)]
mod tests {
    use sagaline_events::record::Status;
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
        }
    }

    /// Lists keys from `from` on, every `nth` of them being seen.
    fn page(from: usize, keys: usize, nth: usize, tag: usize) -> Page {
        let mut listing = Listing::of(1000, true);
        let mut behind = from..keys;
        while listing.has_room() {
            let Some(number) = behind.next() else {
                listing.ends();
                break;
            };
            let key = format!("{number:06}");
            listing.look(&key, number.is_multiple_of(nth).then(|| view(&key, tag)));
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
        let mut listing = Listing::of(2, false);
        for number in 0..LOOKED_AT_LIMIT {
            assert!(listing.has_room());
            listing.look(&format!("{number}"), None);
        }
        listing.look("a", Some(view("a", 1)));
        listing.look("b", Some(view("b", 1)));
        assert!(!listing.has_room());
        assert!(matches!(listing.answer(), Answer::Executions(listed) if listed.len() == 2));
    }
}
