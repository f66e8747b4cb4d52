//! The one durable consumer that all replicas share: of `EVENTS`, and of each source that is mapped in.
//!
//! Should an operator delete it, whoever notices first makes it anew, from where it is known to have been; the others use
//! that one. Nobody knowing (all replicas were away) it begins at the first event kept: whatever was started is not started
//! again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::jetstream::{
    ErrorCode,
    consumer::{AckPolicy, Config, DeliverPolicy, pull},
    context::ConsumerInfoErrorKind,
    stream::{ConsumerCreateStrictErrorKind, ConsumerErrorKind, RetentionPolicy, Stream},
};
use sagaline_broker::nats::Connection;
use sagaline_model::Moment;

use crate::{bucket::moment, handler::Trouble, origin::Origin};

/// An event that a dead replica had comes to another so much later. Handling one takes milliseconds.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// Of all replicas together, those included that wait for another try; room for 40 replicas.
const ACK_PENDING_MAX: i64 = 10_000;
/// How often the consumer's place is noted.
const NOTE_EVERY: Duration = Duration::from_secs(30);

pub(crate) struct Durable {
    connection: Connection,
    origin: Arc<Origin>,
    noted: Mutex<Option<Place>>,
}

/// Up to where everything was acknowledged, of a stream that was created then.
#[derive(Clone, Copy)]
struct Place {
    floor: u64,
    created: Moment,
}

impl Durable {
    pub(crate) fn new(connection: Connection, origin: Arc<Origin>) -> Self {
        Self { connection, origin, noted: Mutex::new(None) }
    }

    /// The subject to ask on for events.
    pub(crate) fn requests(&self) -> String {
        format!("$JS.API.CONSUMER.MSG.NEXT.{}.{}", self.origin.stream, self.origin.consumer)
    }

    /// Makes sure that it is there.
    pub(crate) async fn ensure(&self) -> Result<(), Trouble> {
        self.origin.ensure_stream(&self.connection).await?;
        let stream = self.open().await?;
        let name = self.origin.consumer.as_str();
        let filter = self.origin.filter.clone().unwrap_or_default();
        match stream.consumer_info(name).await {
            Ok(info) if info.config.filter_subject == filter => return self.note().await,
            Ok(info) => return self.filter_by(&stream, &info.config, filter).await,
            Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => {}
            Err(error) => return Err(self.trouble("look at", &error)),
        }
        let info = stream.get_info().await.map_err(|error| self.trouble("look at", &error))?;
        let noted = *self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |place: &Place| place.created == moment(info.created) && place.floor <= info.state.last_sequence;
        // What a work queue still holds nobody has taken, and it gives nothing less than all of that.
        let since = self.origin.since.filter(|_| info.config.retention != RetentionPolicy::WorkQueue);
        let noted = noted.filter(|_| info.config.retention != RetentionPolicy::WorkQueue);
        let deliver_policy = match (noted.filter(same), since) {
            (Some(place), _) => DeliverPolicy::ByStartSequence { start_sequence: place.floor + 1 },
            (None, Some(since)) => DeliverPolicy::ByStartTime { start_time: time(since) },
            (None, None) => DeliverPolicy::All,
        };
        tracing::info!(stream = self.origin.stream, consumer = name, ?deliver_policy, "making the consumer of events");
        let config = pull::Config {
            durable_name: Some(name.to_owned()),
            description: Some("events that may start executions; shared by all triggers".to_owned()),
            deliver_policy,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: ACK_PENDING_MAX,
            filter_subject: filter,
            ..pull::Config::default()
        };
        match stream.create_consumer_strict(config).await {
            Ok(_) => Ok(()),
            // Another replica was faster, and may have known another place.
            Err(error) if error.kind() == ConsumerCreateStrictErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(self.trouble("make", &error)),
        }
    }

    /// It stays where it is, and what it delivers changes.
    async fn filter_by(&self, stream: &Stream<()>, config: &Config, filter: String) -> Result<(), Trouble> {
        let config = pull::Config {
            durable_name: config.durable_name.clone(),
            description: config.description.clone(),
            deliver_policy: config.deliver_policy,
            ack_policy: config.ack_policy,
            ack_wait: config.ack_wait,
            max_ack_pending: config.max_ack_pending,
            filter_subject: filter,
            ..pull::Config::default()
        };
        stream.update_consumer(config).await.map(drop).map_err(|error| self.trouble("change", &error))
    }

    /// Makes sure that it is not there.
    pub(crate) async fn remove(&self) -> Result<(), Trouble> {
        match self.open().await?.delete_consumer(&self.origin.consumer).await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error.kind()) => Ok(()),
            Err(error) => Err(self.trouble("remove", &error)),
        }
    }

    /// Notes from time to time how far it is.
    pub(crate) async fn keep_noting(&self) {
        loop {
            tokio::time::sleep(NOTE_EVERY).await;
            if let Err(trouble) = self.note().await {
                tracing::debug!(%trouble, "the place in `{}` was not noted", self.origin.stream);
            }
        }
    }

    async fn note(&self) -> Result<(), Trouble> {
        let stream = self.open().await?;
        // In this order: a stream made anew in between has a later creation than the place is from, and is told apart.
        let info = stream.get_info().await.map_err(|error| self.trouble("look at", &error))?;
        let consumer = stream.consumer_info(&self.origin.consumer).await;
        let consumer = consumer.map_err(|error| self.trouble("look at", &error))?;
        let place = Place { floor: consumer.ack_floor.stream_sequence, created: moment(info.created) };
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
        Ok(())
    }

    async fn open(&self) -> Result<Stream<()>, Trouble> {
        let stream = self.connection.jetstream().get_stream_no_info(&self.origin.stream).await;
        stream.map_err(|error| self.trouble("open the stream of", &error))
    }

    fn trouble(&self, attempt: &str, error: &dyn std::error::Error) -> Trouble {
        Trouble::new(&format!("{attempt} the consumer `{}` of `{}`", self.origin.consumer, self.origin.stream), error)
    }
}

fn is_absent(kind: &ConsumerErrorKind) -> bool {
    // Where there is no stream, no consumer is.
    let absent = [ErrorCode::CONSUMER_NOT_FOUND, ErrorCode::STREAM_NOT_FOUND];
    matches!(kind, ConsumerErrorKind::JetStream(error) if absent.contains(&error.error_code()))
}

/// As the client takes it.
fn time(moment: Moment) -> async_nats::datetime::DateTime {
    async_nats::datetime::DateTime::from_unix_timestamp_nanos(moment.as_nanos().into())
        .unwrap_or(async_nats::datetime::DateTime::UNIX_EPOCH)
}
