//! Reading a stretch of a stream, page by page, with a consumer that is gone a moment later.

use std::time::Duration;

use async_nats::jetstream::{
    Message,
    consumer::{AckPolicy, Consumer, DeliverPolicy, pull},
    stream::Stream,
};
use futures::StreamExt;
use sagaline_broker::ports::Sequence;
use sagaline_model::Moment;

use super::{Client, Error};

/// The consumer of a reader that went away without a word.
const GONE_AFTER: Duration = Duration::from_secs(10);

pub(super) struct Pages {
    consumer: Consumer<pull::Config>,
    stream: Stream<()>,
    name: String,
    attempt: String,
}

/// Where a message is.
pub(super) struct Position {
    pub(super) sequence: Sequence,
    pub(super) time: Moment,
    /// How many messages follow it.
    pub(super) pending: u64,
}

impl Client {
    /// Reads `stream` on subjects that match `filter`, from sequence `from` on. `attempt` completes "cannot …".
    pub(super) async fn pages(
        &self,
        stream: &str,
        filter: String,
        from: Sequence,
        attempt: String,
    ) -> Result<Pages, Error> {
        let failed = |source: async_nats::Error| Error::nats(attempt.clone())(source);
        let stream = self.connection.jetstream().get_stream_no_info(stream).await;
        let stream = stream.map_err(|error| failed(error.into()))?;
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.max(1) },
            ack_policy: AckPolicy::None,
            filter_subject: filter,
            inactive_threshold: GONE_AFTER,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(|error| failed(error.into()))?;
        let name = consumer.cached_info().name.clone();
        Ok(Pages { consumer, stream, name, attempt })
    }
}

impl Pages {
    /// How many messages there were to read when this was opened.
    pub(super) fn count(&self) -> u64 {
        self.consumer.cached_info().num_pending
    }

    /// The next messages, at most `most`; none at the end.
    pub(super) async fn next(&mut self, most: usize) -> Result<Vec<(Position, Message)>, Error> {
        let batch = self.consumer.fetch().max_messages(most).messages().await;
        let mut batch = batch.map_err(|error| self.failed(error.into()))?;
        let mut page = vec![];
        while let Some(message) = batch.next().await {
            let message = message.map_err(|error| self.failed(error))?;
            let info = message.info().map_err(|error| self.failed(error))?;
            let time = i64::try_from(info.published.unix_timestamp_nanos()).unwrap_or(i64::MAX);
            let (sequence, pending) = (info.stream_sequence, info.pending);
            page.push((Position { sequence, time: Moment::from_nanos(time), pending }, message));
        }
        Ok(page)
    }

    /// Takes the consumer away. Without this the server does so after a while.
    pub(super) async fn close(self) {
        if let Err(error) = self.stream.delete_consumer(&self.name).await {
            tracing::debug!(%error, "a consumer is left to the server to remove");
        }
    }

    fn failed(&self, source: async_nats::Error) -> Error {
        Error::nats(self.attempt.clone())(source)
    }
}
