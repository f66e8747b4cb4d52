//! One read or one write at a time, each awaited: for what is not on the hot path.

use async_nats::{Request, RequestErrorKind};
use bytes::Bytes;

use super::{Connection, outcome, wire};
use crate::ports::{Bucket, Failure, Message, Outcome, Sequence};

impl Connection {
    /// Publishes a message to its stream or bucket and waits for the outcome.
    pub async fn publish(&self, message: &Message) -> Outcome {
        let request = match wire::headers(message) {
            Ok(None) => Request::new(),
            Ok(Some(headers)) => Request::new().headers(headers),
            Err(why) => return Outcome::Refused(why),
        };
        let answer =
            self.client().send_request(message.subject.clone(), request.payload(message.payload.clone())).await;
        match answer {
            Ok(answer) => outcome::of_publish(&answer),
            Err(error) => match error.kind() {
                RequestErrorKind::MaxPayloadExceeded | RequestErrorKind::InvalidSubject => {
                    Outcome::Refused(std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string))
                }
                RequestErrorKind::NoResponders => {
                    Outcome::Unknown(format!("no stream takes `{}`, or it has no leader", message.subject))
                }
                RequestErrorKind::TimedOut | RequestErrorKind::Other => Outcome::Unknown("no answer".into()),
            },
        }
    }

    /// A value of a bucket, as the leader has it.
    pub async fn value(&self, bucket: Bucket, key: &str) -> Result<Option<(Sequence, Bytes)>, Failure> {
        let (stream, subject) = (self.names().bucket_stream(bucket), self.names().key(bucket, key));
        let found = self.last_on(&stream, &subject).await;
        let value = found.and_then(|found| found.map_or(Ok(None), |message| message.value()));
        value.map_err(|error| error.into_failure(format!("read `{key}` of bucket `{}`", bucket.name())))
    }
}
