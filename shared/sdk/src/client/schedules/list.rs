//! The schedules of all partitions in one order: by name.

use std::ops::RangeInclusive;

use sagaline_broker::names::LogKind;
use sagaline_events::{
    ask::{Answer, Ask},
    schedule_view::{SchedulePage, ScheduleView},
};
use sagaline_model::Name;

use super::super::{
    Client, Error,
    merge::{Merged, Paged, Part},
};

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
    merged: Merged<ScheduleFilter>,
}

impl Client {
    /// Lists the schedules, from behind a name or from the first.
    pub fn schedules(&self, filter: ScheduleFilter, after: Option<Name>) -> ScheduleListing {
        ScheduleListing { client: self.clone(), merged: Merged::behind(self.partitions, filter, after) }
    }
}

impl ScheduleListing {
    /// The next ones, so many or up to the end of the list.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<ScheduleView>, Error> {
        self.merged.next(&self.client, limit).await
    }

    /// Partitions of which nobody answered: their schedules are missing.
    pub fn silent(&self) -> impl Iterator<Item = u32> {
        self.merged.silent()
    }
}

impl Paged for ScheduleFilter {
    type Item = ScheduleView;
    type Key = Name;

    const OF: LogKind = LogKind::Schedules;
    const PAGE: RangeInclusive<usize> = 20..=200;

    fn question(&self, after: Option<Name>, limit: usize) -> Ask {
        Ask::Schedules { workflow: self.workflow.clone(), paused: self.paused, after, limit }
    }

    fn page(&self, answer: Answer, _limit: usize) -> Option<Part<Self>> {
        let Answer::Schedules(SchedulePage { schedules, next }) = answer else { return None };
        Some(Part { items: schedules, next })
    }

    fn key(view: &ScheduleView) -> &Name {
        &view.name
    }
}
