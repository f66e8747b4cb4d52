//! Partitions: who holds the lease, what the checkpoint says, and how far the owner tells that it is.

use std::time::Duration;

use async_nats::{Request, RequestErrorKind};
use futures::StreamExt;
use sagaline_broker::{names::LogKind, owner::Checkpoint, ports::Bucket};
use sagaline_events::ask::{Answer, Ask, PartitionView};
use sagaline_model::Moment;
use serde::{Deserialize, de::DeserializeOwned};

use super::{AT_ONCE, InspectSettings, StreamFacts, StreamKind};
use crate::client::Client;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionFacts {
    pub partition: u32,
    pub lease: Option<LeaseHolder>,
    /// Every entry of the log below this one is saved; nothing where no owner ever wrote one.
    pub checkpoint: Option<u64>,
    pub owner: OwnerFacts,
    /// The last entry of its log, looked at before the owner was asked, and when it was stored.
    pub head: u64,
    pub head_at: Option<Moment>,
}

/// What its lease says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LeaseHolder {
    pub owner: String,
    pub since: Moment,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerFacts {
    Told(PartitionView),
    /// Somebody listens, and does not answer.
    Silent,
    /// Nobody listens.
    Nobody,
    /// It does not know the question: another version.
    Refused(String),
}

impl Client {
    pub(super) async fn partition_facts(
        &self,
        streams: &[StreamFacts],
        settings: &InspectSettings,
    ) -> Vec<PartitionFacts> {
        let all = (0..self.partitions).map(|partition| self.one_partition(partition, streams, settings.answer_within));
        // In the order of their numbers.
        futures::stream::iter(all.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await
    }

    async fn one_partition(&self, partition: u32, streams: &[StreamFacts], within: Duration) -> PartitionFacts {
        let log = streams.iter().find(|stream| stream.kind == StreamKind::Log(partition)).and_then(StreamFacts::state);
        let checkpoint: Option<Checkpoint> = self.of_partition(&LogKind::Runs.checkpoint_key(partition)).await;
        PartitionFacts {
            partition,
            lease: self.of_partition(&LogKind::Runs.lease_key(partition)).await,
            checkpoint: checkpoint.map(|checkpoint| checkpoint.next),
            owner: self.ask_owner(partition, within).await,
            head: log.map_or(0, |log| log.last),
            head_at: log.and_then(|log| log.last_at),
        }
    }

    /// What is written about a partition; what cannot be read is as good as absent, and the stream's own facts say why.
    async fn of_partition<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let (_, value) = self.connection.value(Bucket::Partitions, key).await.ok()??;
        serde_json::from_slice(&value).ok()
    }

    async fn ask_owner(&self, partition: u32, within: Duration) -> OwnerFacts {
        let question = serde_json::to_vec(&Ask::Partition).expect("questions have string keys only");
        let request = Request::new().payload(question.into()).timeout(Some(within));
        let answer = match self.connection.client().send_request(self.names().ask(partition), request).await {
            Ok(answer) => answer,
            Err(error) if error.kind() == RequestErrorKind::NoResponders => return OwnerFacts::Nobody,
            Err(_) => return OwnerFacts::Silent,
        };
        match serde_json::from_slice(&answer.payload) {
            Ok(Answer::Partition(view)) => OwnerFacts::Told(view),
            Ok(Answer::Refused(error)) => OwnerFacts::Refused(error.message),
            Ok(other) => OwnerFacts::Refused(format!("it answered something else: {other:?}")),
            Err(error) => OwnerFacts::Refused(format!("its answer cannot be read: {error}")),
        }
    }
}
