//! The one durable consumer of `EVENTS` that all replicas share.
//!
//! Should an operator delete it, whoever notices first makes it anew, from where it is known to have been; the others use
//! that one. Nobody knowing (all replicas were away) it begins at the first event kept: whatever was started is not started
//! again.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_nats::jetstream::{
    consumer::{AckPolicy, DeliverPolicy, pull},
    context::ConsumerInfoErrorKind,
    stream::{ConsumerCreateStrictErrorKind, Stream},
};
use sagaline_broker::{names::Stream as OneOf, nats::Connection};
use sagaline_model::Moment;

use crate::{definitions::moment, handler::Trouble};

const NAME: &str = "trigger";
/// An event that a dead replica had comes to another so much later. Handling one takes milliseconds.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// Of all replicas together, those included that wait for another try; room for 40 replicas.
const ACK_PENDING_MAX: i64 = 10_000;
/// How often the consumer's place is noted.
const NOTE_EVERY: Duration = Duration::from_secs(30);

pub(crate) struct Durable {
    connection: Connection,
    stream: String,
    noted: Mutex<Option<Place>>,
}

/// Up to where everything was acknowledged, of a stream that was created then.
#[derive(Clone, Copy)]
struct Place {
    floor: u64,
    created: Moment,
}

impl Durable {
    pub(crate) fn new(connection: Connection) -> Self {
        let stream = connection.names().stream(OneOf::Events);
        Self { connection, stream, noted: Mutex::new(None) }
    }

    /// The subject to ask on for events.
    pub(crate) fn requests(&self) -> String {
        format!("$JS.API.CONSUMER.MSG.NEXT.{}.{NAME}", self.stream)
    }

    /// Makes sure that it is there.
    pub(crate) async fn ensure(&self) -> Result<(), Trouble> {
        let stream = self.open().await?;
        match stream.consumer_info(NAME).await {
            Ok(_) => return self.note().await,
            Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => {}
            Err(error) => return Err(self.trouble("look at", &error)),
        }
        let info = stream.get_info().await.map_err(|error| self.trouble("look at", &error))?;
        let noted = *self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |place: &Place| place.created == moment(info.created) && place.floor <= info.state.last_sequence;
        let deliver_policy = noted
            .filter(same)
            .map_or(DeliverPolicy::All, |place| DeliverPolicy::ByStartSequence { start_sequence: place.floor + 1 });
        tracing::info!(stream = self.stream, consumer = NAME, ?deliver_policy, "making the consumer of events");
        let config = pull::Config {
            durable_name: Some(NAME.to_owned()),
            description: Some("events that may start executions; shared by all triggers".to_owned()),
            deliver_policy,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: ACK_PENDING_MAX,
            filter_subject: self.connection.names().event(">"),
            ..pull::Config::default()
        };
        match stream.create_consumer_strict(config).await {
            Ok(_) => Ok(()),
            // Another replica was faster, and may have known another place.
            Err(error) if error.kind() == ConsumerCreateStrictErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(self.trouble("make", &error)),
        }
    }

    /// Notes from time to time how far it is.
    pub(crate) async fn keep_noting(&self) {
        loop {
            tokio::time::sleep(NOTE_EVERY).await;
            if let Err(trouble) = self.note().await {
                tracing::debug!(%trouble, "the place in `{}` was not noted", self.stream);
            }
        }
    }

    async fn note(&self) -> Result<(), Trouble> {
        let stream = self.open().await?;
        // In this order: a stream made anew in between has a later creation than the place is from, and is told apart.
        let info = stream.get_info().await.map_err(|error| self.trouble("look at", &error))?;
        let consumer = stream.consumer_info(NAME).await.map_err(|error| self.trouble("look at", &error))?;
        let place = Place { floor: consumer.ack_floor.stream_sequence, created: moment(info.created) };
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
        Ok(())
    }

    async fn open(&self) -> Result<Stream<()>, Trouble> {
        let stream = self.connection.jetstream().get_stream_no_info(&self.stream).await;
        stream.map_err(|error| self.trouble("open the stream of", &error))
    }

    fn trouble(&self, attempt: &str, error: &dyn std::error::Error) -> Trouble {
        Trouble::new(&format!("{attempt} the consumer `{NAME}` of `{}`", self.stream), error)
    }
}
