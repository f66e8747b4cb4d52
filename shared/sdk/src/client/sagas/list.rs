//! The sagas that are not over, of all partitions in one order: by the id of their execution.

use std::ops::RangeInclusive;

use sagaline_broker::names::LogKind;
use sagaline_events::{
    ask::{Answer, Ask},
    saga::{SagaPage, SagaView},
};
use sagaline_model::{ExecutionId, Name};

use super::super::{
    Client, Error,
    merge::{Merged, Paged, Part},
};

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
    merged: Merged<SagaFilter>,
}

impl Client {
    /// Lists the sagas that are not over, from behind an execution or from the first.
    pub fn sagas(&self, filter: SagaFilter, after: Option<ExecutionId>) -> SagaListing {
        SagaListing { client: self.clone(), merged: Merged::behind(self.partitions, filter, after) }
    }
}

impl SagaListing {
    /// The next ones, so many or up to the end of the list.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<SagaView>, Error> {
        self.merged.next(&self.client, limit).await
    }

    /// Partitions of which nobody answered: their sagas are missing.
    pub fn silent(&self) -> impl Iterator<Item = u32> {
        self.merged.silent()
    }
}

impl Paged for SagaFilter {
    type Item = SagaView;
    type Key = ExecutionId;

    const OF: LogKind = LogKind::Sagas;
    const PAGE: RangeInclusive<usize> = 20..=200;

    fn question(&self, after: Option<ExecutionId>, limit: usize) -> Ask {
        Ask::Sagas { stuck: self.stuck, workflow: self.workflow.clone(), after, limit }
    }

    fn page(&self, answer: Answer, _limit: usize) -> Option<Part<Self>> {
        let Answer::Sagas(SagaPage { sagas, next }) = answer else { return None };
        Some(Part { items: sagas, next })
    }

    fn key(view: &SagaView) -> &ExecutionId {
        &view.execution
    }
}
