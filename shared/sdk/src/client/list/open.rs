//! The open executions of all partitions in one order, by id.

use std::ops::RangeInclusive;

use sagaline_broker::names::LogKind;
use sagaline_events::{
    ask::{Answer, Ask, Page},
    record::ExecutionView,
};
use sagaline_model::ExecutionId;

use super::{
    super::merge::{Paged, Part},
    ListFilter,
};

impl Paged for ListFilter {
    type Item = ExecutionView;
    type Key = ExecutionId;

    const OF: LogKind = LogKind::Runs;
    const PAGE: RangeInclusive<usize> = 20..=500;

    fn question(&self, after: Option<ExecutionId>, limit: usize) -> Ask {
        self.ask(after, limit)
    }

    fn page(&self, answer: Answer, limit: usize) -> Option<Part<Self>> {
        let Page { executions, next } = match answer {
            Answer::Page(page) => page,
            // An owner that does not know of pages: a full answer has more behind it.
            Answer::Executions(executions) => {
                let last = executions.last().filter(|_| limit <= executions.len());
                Page { next: last.map(|view| view.execution.clone()), executions }
            }
            _ => return None,
        };
        Some(Part { items: executions.into_iter().filter(|view| self.takes(view)).collect(), next })
    }

    fn key(view: &ExecutionView) -> &ExecutionId {
        &view.execution
    }
}
