//! An event as it was delivered, and how its delivery is answered.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::jetstream::{self, AckKind};
use sagaline_broker::room::Fill;
use sagaline_events::{Envelope, EnvelopeError};
use sagaline_model::{Moment, Span};

use crate::{bucket::moment, handler::Trouble, origin::Origin, shape::Bare};

/// How long after its first failure an event is delivered again; this doubles with every delivery.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(15);
/// A log keeps starts for longer than this however full it is, unless it fills up within a minute.
const OLD_AFTER: Span = Span::from_secs(60);
/// Room does not come back within less.
const ROOM_PAUSE: Duration = Duration::from_secs(2);

/// A message of `EVENTS`, or of what is mapped in.
pub(crate) struct Received {
    pub(crate) origin: Arc<Origin>,
    pub(crate) message: jetstream::Message,
    pub(crate) sequence: u64,
    /// When the server stored it.
    pub(crate) stored: Moment,
    /// How often it was delivered, this time included.
    delivered: u32,
}

impl Received {
    /// Nothing if it does not say where in the stream it stands: then it is no delivery.
    pub(crate) fn new(message: jetstream::Message, origin: Arc<Origin>) -> Option<Self> {
        let info = message.info().ok()?;
        let (sequence, stored) = (info.stream_sequence, moment(info.published));
        let delivered = u32::try_from(info.delivered).unwrap_or(1);
        Some(Self { origin, message, sequence, stored, delivered })
    }

    /// Whether what it starts may have been started long ago, as when the consumer of events was made anew.
    pub(crate) fn is_old(&self) -> bool {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Moment::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX));
        1 < self.delivered || self.stored + OLD_AFTER < now
    }

    /// The CloudEvent in it or made of it, or why there is none.
    pub(crate) fn envelope(&self) -> Result<Envelope, String> {
        match (self.read(), &self.origin.shape) {
            (Err(EnvelopeError::NotACloudEvent), Some(shape)) => shape.as_ref()?.make(&self.bare()),
            (read, _) => read.map_err(|fault| match std::error::Error::source(&fault) {
                Some(source) => format!("{fault}: {source}"),
                None => fault.to_string(),
            }),
        }
    }

    fn bare(&self) -> Bare<'_> {
        let headers = self.message.headers.iter().flat_map(|headers| headers.iter());
        let first =
            headers.filter_map(|(name, values)| Some((name.to_string(), values.first()?.as_str().to_owned().into())));
        Bare {
            stream: &self.origin.stream,
            subject: self.message.subject.as_str(),
            sequence: self.sequence,
            stored: self.stored,
            headers: first.collect(),
            payload: &self.message.payload,
        }
    }

    fn read(&self) -> Result<Envelope, EnvelopeError> {
        let headers = self.message.headers.iter().flat_map(|headers| headers.iter());
        let first = headers.filter_map(|(name, values)| Some((name.as_ref(), values.first()?.as_str())));
        let payload = self.message.payload.clone();
        Envelope::read(first, payload)
    }

    /// The trace that it belongs to: of the event itself, else of the message that brought it.
    pub(crate) fn traceparent(&self, event: &Envelope) -> Option<String> {
        let of_message = || self.message.headers.as_ref()?.get("traceparent").map(async_nats::HeaderValue::as_str);
        let traceparent = event.extensions.get("traceparent").map(String::as_str).or_else(of_message)?;
        let plain = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
        (traceparent.len() <= 128 && traceparent.bytes().all(plain)).then(|| traceparent.to_owned())
    }

    /// Whether it was delivered before: then whoever got it may have handled it, and died of it.
    pub(crate) fn comes_again(&self) -> bool {
        1 < self.delivered
    }

    /// It is done with.
    pub(crate) async fn acknowledge(&self) {
        self.answer(AckKind::Ack).await;
    }

    /// It failed: it comes again, to this replica or another, the later the more often it has come.
    pub(crate) async fn postpone(&self, trouble: &Trouble) {
        let pause = pause(self.delivered);
        tracing::warn!(sequence = self.sequence, delivered = self.delivered, %trouble, ?pause, "an event is tried again");
        self.answer(AckKind::Nak(Some(pause))).await;
    }

    /// There is no room for what it starts. It is looked at again every few seconds, by whichever replica.
    pub(crate) async fn wait_for_room(&self, fill: &Fill) {
        let pause = ROOM_PAUSE.max(pause(self.delivered));
        let Fill { stream, percent } = fill;
        tracing::debug!(sequence = self.sequence, stream, percent, ?pause, "an event waits for room");
        self.answer(AckKind::Nak(Some(pause))).await;
    }

    async fn answer(&self, kind: AckKind) {
        if let Err(error) = self.message.ack_with(kind).await {
            // It comes again when `ack_wait` is over, and does no harm then.
            tracing::debug!(sequence = self.sequence, error, "an event's delivery could not be answered");
        }
    }
}

fn pause(delivered: u32) -> Duration {
    let doublings = delivered.saturating_sub(1).min(10);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LAST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_fails_comes_later_and_later_but_never_rarely() {
        assert_eq!(pause(1), FIRST_PAUSE);
        assert_eq!(pause(3), FIRST_PAUSE * 4);
        assert_eq!(pause(u32::MAX), LAST_PAUSE);
    }
}
