//! What executions share, as its owner sees it: who has a place and who waits, and which breakers are open.

use std::ops::RangeInclusive;

use sagaline_broker::names::LogKind;
use sagaline_events::{
    EntityKey,
    ask::{Answer, Ask},
    entity_view::{EntityPage, EntityView},
};
use sagaline_model::partition_of;
use tokio::time::{Instant, sleep};

use super::{
    Client, Error,
    ask::{Asked, OWNER_WITHIN, PAUSE},
    merge::{Merged, Paged, Part},
};

/// All that is shared.
struct Everything;

impl Paged for Everything {
    type Item = EntityView;
    type Key = EntityKey;

    const OF: LogKind = LogKind::Runs;
    const PAGE: RangeInclusive<usize> = 20..=500;

    fn question(&self, after: Option<EntityKey>, limit: usize) -> Ask {
        Ask::Entities { after, limit }
    }

    fn page(&self, answer: Answer, _limit: usize) -> Option<Part<Self>> {
        let Answer::Entities(EntityPage { entities, next }) = answer else { return None };
        Some(Part { items: entities, next })
    }

    fn key(view: &EntityView) -> &EntityKey {
        &view.entity
    }
}

/// The limits and breakers of an installation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shared {
    /// By name, without the names of who holds them.
    pub entities: Vec<EntityView>,
    /// There are more than were asked for.
    pub more: bool,
    /// Partitions of which nobody answered: what is on them is missing.
    pub silent: Vec<u32>,
}

impl Client {
    /// A limit or a breaker: who holds it and who waits. Nothing if nobody does.
    pub async fn limit(&self, entity: &EntityKey) -> Result<Option<EntityView>, Error> {
        let partition = partition_of(entity.as_str(), self.partitions);
        match self.ask_patiently(partition, &Ask::Entity { entity: entity.clone() }).await? {
            Some(Answer::Entity(view)) => Ok(Some(*view)),
            Some(Answer::Unknown) => Ok(None),
            Some(other) => Err(odd(partition, &other)),
            None => Err(Error::NoOwner { partition }),
        }
    }

    /// At most so many of those that hold something or are waited for.
    pub async fn limits(&self, most: usize) -> Result<Shared, Error> {
        let mut merged = Merged::behind(self.partitions, Everything, None);
        // One more tells whether there are others.
        let mut entities = merged.next(self, most.saturating_add(1)).await?;
        let more = most < entities.len();
        entities.truncate(most);
        Ok(Shared { entities, more, silent: merged.silent().collect() })
    }

    /// The owner's answer; nothing if nobody serves the partition for longer than a takeover takes.
    async fn ask_patiently(&self, partition: u32, ask: &Ask) -> Result<Option<Answer>, Error> {
        let deadline = Instant::now() + OWNER_WITHIN;
        loop {
            if let Asked::Answered(answer) = self.ask(partition, ask).await? {
                return Ok(Some(answer));
            }
            if deadline <= Instant::now() {
                return Ok(None);
            }
            sleep(PAUSE).await;
        }
    }
}

fn odd(partition: u32, answer: &Answer) -> Error {
    Error::QuestionRefused {
        service: LogKind::Runs.service(),
        partition,
        why: format!("it answered something else: {answer:?}"),
    }
}
