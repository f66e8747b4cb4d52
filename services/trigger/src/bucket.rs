//! What is new in a bucket: asked of its leader, from where one is. There is no watch that could lag or go deaf.

use std::time::{Duration, Instant};

use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use bytes::Bytes;
use sagaline_broker::{nats::Connection, ports::Bucket};
use sagaline_model::Moment;

use crate::handler::Trouble;

/// How often it is made sure that the bucket is the one that was read: it may have been restored or made anew.
const SAME_BUCKET_EVERY: Duration = Duration::from_secs(60);

pub(crate) struct BucketTail {
    bucket: Bucket,
    stream: Stream<()>,
    /// The subject of a key, without the key.
    prefix: String,
    next: u64,
    /// When the bucket was created, and when to look at that again.
    created: Option<Moment>,
    look_at: Instant,
}

/// What came to be known of a bucket.
pub(crate) enum News<'a> {
    /// It is another bucket than before: nothing that was known holds.
    Anew,
    Entry {
        key: &'a str,
        /// Nothing if the key was deleted.
        value: Option<&'a Bytes>,
        stored: Moment,
    },
}

impl BucketTail {
    pub(crate) async fn open(connection: &Connection, bucket: Bucket) -> Result<Self, Trouble> {
        let name = connection.names().bucket_stream(bucket);
        let stream = connection.jetstream().get_stream_no_info(&name).await;
        let stream = stream.map_err(|error| Trouble::new(&format!("open `{name}`"), &error))?;
        let prefix = connection.names().key(bucket, "");
        Ok(Self { bucket, stream, prefix, next: 1, created: None, look_at: Instant::now() })
    }

    /// Tells everything that was stored before this call and is not told yet.
    pub(crate) async fn catch_up(&mut self, mut tell: impl FnMut(News<'_>)) -> Result<(), Trouble> {
        let told = self.go_on(&mut tell).await;
        if told.is_err() {
            // Whatever went wrong, the bucket may be another one afterwards.
            self.look_at = Instant::now();
        }
        told
    }

    async fn go_on(&mut self, tell: &mut impl FnMut(News<'_>)) -> Result<(), Trouble> {
        self.make_sure_of_bucket(tell).await?;
        let filter = format!("{}>", self.prefix);
        loop {
            let message = match self.stream.get_first_raw_message_by_subject(&filter, self.next).await {
                Ok(message) => message,
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => return Ok(()),
                Err(error) => return Err(self.trouble(&error)),
            };
            let headers = message.headers.iter();
            let gone = headers.map(|(name, values)| (name.as_ref(), values)).any(|(name, values): (&str, _)| {
                name == "Nats-Marker-Reason"
                    || (name == "KV-Operation" && values.iter().any(|value| matches!(value.as_str(), "DEL" | "PURGE")))
            });
            if let Some(key) = message.subject.strip_prefix(&self.prefix) {
                tell(News::Entry { key, value: (!gone).then_some(&message.payload), stored: moment(message.time) });
            }
            self.next = message.sequence + 1;
        }
    }

    async fn make_sure_of_bucket(&mut self, tell: &mut impl FnMut(News<'_>)) -> Result<(), Trouble> {
        if Instant::now() < self.look_at {
            return Ok(());
        }
        let info = self.stream.get_info().await.map_err(|error| self.trouble(&error))?;
        let created = moment(info.created);
        let another = self.created.is_some_and(|known| known != created);
        if another || info.state.last_sequence + 1 < self.next {
            tracing::warn!(bucket = self.bucket.name(), "the bucket is not the one it was; reading it anew");
            self.next = 1;
            tell(News::Anew);
        }
        (self.created, self.look_at) = (Some(created), Instant::now() + SAME_BUCKET_EVERY);
        Ok(())
    }

    fn trouble(&self, error: &dyn std::error::Error) -> Trouble {
        Trouble::new(&format!("look at the bucket `{}`", self.bucket.name()), error)
    }
}

pub(crate) fn moment(time: async_nats::datetime::DateTime) -> Moment {
    Moment::from_nanos(i64::try_from(time.unix_timestamp_nanos()).unwrap_or(i64::MAX))
}
