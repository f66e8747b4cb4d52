//! Reading a stretch of a stream, page by page, with a consumer that is gone a moment later.
//!
//! On a cluster the consumer may live on a replica that lags. So the leader is asked first what the last message is, and the
//! reading does not end before that: whatever was acknowledged before it began is seen.

use std::time::Duration;

use async_nats::jetstream::{
    Message,
    consumer::{AckPolicy, Consumer, DeliverPolicy, pull},
    stream::{LastRawMessageErrorKind, Stream},
};
use futures::StreamExt;
use sagaline_broker::ports::Sequence;
use sagaline_model::Moment;
use tokio::time::{Instant, sleep};

use super::{Client, Error};

/// The consumer of a reader that went away without a word.
const GONE_AFTER: Duration = Duration::from_secs(10);
/// How long a replica may lag before what it has is taken for the end; also how long it takes to see that the last message was
/// removed meanwhile.
const LAG_MAX: Duration = Duration::from_secs(2);
const LAG_PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Pages {
    consumer: Consumer<pull::Config>,
    stream: Stream<()>,
    name: String,
    attempt: String,
    /// The last message that there was to read when this was opened, as the leader had it.
    last: Sequence,
    /// The last one that was read, or the one before the first.
    read: Sequence,
}

/// Where a message is.
pub(super) struct Position {
    pub(super) sequence: Sequence,
    pub(super) time: Moment,
    /// How many messages follow it, as far as is known: not 0 if there are any.
    pub(super) pending: u64,
}

impl Position {
    /// Where a message is, by the subject that it would be acknowledged on.
    pub(super) fn of(message: &Message) -> Result<Self, async_nats::Error> {
        let info = message.info()?;
        let time = i64::try_from(info.published.unix_timestamp_nanos()).unwrap_or(i64::MAX);
        Ok(Self { sequence: info.stream_sequence, time: Moment::from_nanos(time), pending: info.pending })
    }
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
        let last = match stream.get_last_raw_message_by_subject(&filter).await {
            Ok(message) => message.sequence,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => 0,
            Err(error) => return Err(failed(error.into())),
        };
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
        Ok(Pages { consumer, stream, name, attempt, last, read: from.max(1) - 1 })
    }
}

impl Pages {
    /// How many messages there were to read when this was opened, as far as is known: not 0 if there were any.
    pub(super) fn count(&self) -> u64 {
        self.at_least(self.consumer.cached_info().num_pending, self.read)
    }

    /// The next messages, at most `most`; none at the end.
    pub(super) async fn next(&mut self, most: usize) -> Result<Vec<(Position, Message)>, Error> {
        let deadline = Instant::now() + LAG_MAX;
        loop {
            let mut page = vec![];
            let fetched = self.fetch(most, &mut page).await;
            if let Some((position, _)) = page.last() {
                self.read = position.sequence;
                return Ok(page);
            }
            let late = deadline <= Instant::now();
            match fetched {
                Ok(()) if late || self.last <= self.read => return Ok(page),
                // The node that we are connected to may not know the consumer yet, which is on another.
                Err(error) if late => return Err(error),
                Ok(()) | Err(_) => sleep(LAG_PAUSE).await,
            }
        }
    }

    async fn fetch(&self, most: usize, page: &mut Vec<(Position, Message)>) -> Result<(), Error> {
        let batch = self.consumer.fetch().max_messages(most).messages().await;
        let mut batch = batch.map_err(|error| self.failed(error.into()))?;
        while let Some(message) = batch.next().await {
            let message = message.map_err(|error| self.failed(error))?;
            let mut position = Position::of(&message).map_err(|error| self.failed(error))?;
            position.pending = self.at_least(position.pending, position.sequence);
            page.push((position, message));
        }
        Ok(())
    }

    fn at_least(&self, pending: u64, read: Sequence) -> u64 {
        pending.max(u64::from(read < self.last))
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
