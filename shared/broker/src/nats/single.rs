//! One read or one write at a time, each awaited: for what is not on the hot path.

use std::time::Duration;

use async_nats::{Request, RequestErrorKind};
use bytes::Bytes;

use super::{Connection, connect::ANSWER_WITHIN, outcome, wire};
use crate::ports::{Bucket, Failure, Message, Outcome, Sequence};

impl Connection {
    /// Publishes a message to its stream or bucket and waits for the outcome.
    pub async fn publish(&self, message: &Message) -> Outcome {
        self.publish_within(message, ANSWER_WITHIN).await
    }

    /// The same for whoever tries again soon: what is sent while a leader dies is never answered.
    pub(super) async fn publish_within(&self, message: &Message, within: Duration) -> Outcome {
        let request = match wire::headers(message) {
            Ok(None) => Request::new(),
            Ok(Some(headers)) => Request::new().headers(headers),
            Err(why) => return Outcome::Refused(why),
        };
        let request = request.payload(message.payload.clone()).timeout(Some(within));
        let answer = self.client().send_request(message.subject.clone(), request).await;
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
