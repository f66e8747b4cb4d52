//! What executions share, as its owner sees it: who has a place and who waits, and which breakers are open.

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
};

/// So many are asked for at once.
const AT_ONCE: usize = 500;

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
        let mut shared = Shared::default();
        for partition in 0..self.partitions {
            let mut after = None;
            loop {
                let question = Ask::Entities { after: after.take(), limit: AT_ONCE.min(most.saturating_add(1)) };
                match self.ask_patiently(partition, &question).await? {
                    Some(Answer::Entities(EntityPage { entities, next })) => {
                        shared.entities.extend(entities);
                        after = next;
                    }
                    Some(other) => return Err(odd(partition, &other)),
                    None => shared.silent.push(partition),
                }
                if after.is_none() || shared.entities.len() > most {
                    break;
                }
            }
        }
        shared.entities.sort_by(|a, b| a.entity.cmp(&b.entity));
        shared.more = most < shared.entities.len();
        shared.entities.truncate(most);
        Ok(shared)
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
