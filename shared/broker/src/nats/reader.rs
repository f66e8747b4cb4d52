//! Our own reader of a partition's log: a pull consumer that lives as long as nothing goes wrong.
//!
//! It never resumes. Whatever goes wrong (connection lost, consumer gone, heartbeat missing, a delivery missed) ends it, and
//! the owner has one made anew from where it is, under a new name. It delivers in order, each sequence at most once.

mod consumer;

use std::{
    task::{Context, Poll},
    time::Duration,
};

use async_nats::{Message, StatusCode, Subscriber};
use futures::StreamExt;
use sagaline_model::Moment;
use serde_json::json;

use super::{
    Connection,
    api::{API, ApiError, nanos},
    boot, content,
};
use crate::ports::{Entry, Event, Sequence};

/// How many entries are on their way at most. 500 of the largest that travel in messages are 128 MiB; at a round trip of a
/// millisecond this still reads 250,000 entries a second.
const ASKED_MAX: u64 = 500;
/// More are asked for when so few are left, so that the server never waits for us.
const ASK_AGAIN_AT: u64 = ASKED_MAX / 2;
/// How long the server keeps an unfilled request.
const REQUEST_EXPIRES: Duration = Duration::from_secs(10);
const HEARTBEAT: Duration = Duration::from_millis(500);
/// Three missing heartbeats: whoever should send them is gone.
const SILENCE_MAX: Duration = Duration::from_millis(1500);

/// So soon after a consumer was made on one node of a cluster all others know of it. Until then they say that nobody has it.
const KNOWN_WITHIN: Duration = Duration::from_secs(1);
const UNKNOWN_PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Reader {
    deliveries: Subscriber,
    inbox: String,
    stream: String,
    consumer: String,
    progress: Progress,
    silence: Silence,
    opened: Duration,
    /// Before this nothing is asked for.
    ask_from: Duration,
}

/// What was delivered and what is still asked for.
struct Progress {
    /// Nothing at or below is delivered again.
    last: Sequence,
    /// How many deliveries this consumer has made.
    deliveries: u64,
    /// Asked for and not delivered yet.
    asked: u64,
}

/// How long nothing was heard while we listened. Time during which nobody looked does not count: it was we who slept then.
struct Silence {
    length: Duration,
    looked: Duration,
}

/// What a message on the reader's inbox means.
enum Heard {
    Entry(Entry),
    Nothing,
    /// No node that we know has the consumer.
    Nobody,
    Lost(String),
}

impl Reader {
    /// Makes a consumer whose first delivery is `from` or later.
    pub(super) async fn open(
        connection: &Connection,
        stream: String,
        from: Sequence,
        now: Duration,
    ) -> Result<Self, ApiError> {
        let client = connection.client();
        let inbox = client.new_inbox();
        let unique = inbox.rsplit('.').next().unwrap_or(&inbox);
        let deliveries = client.subscribe(inbox.clone()).await.map_err(|_| ApiError::NoAnswer)?;
        let consumer = consumer::make(connection, &stream, from, unique).await?;
        let progress = Progress { last: from.max(1) - 1, deliveries: 0, asked: 0 };
        let silence = Silence { length: Duration::ZERO, looked: now };
        Ok(Self { deliveries, inbox, stream, consumer, progress, silence, opened: boot(), ask_from: Duration::ZERO })
    }

    /// Appends what has come, at most `limit` entries; or why nothing more will come.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Duration,
        limit: usize,
        into: &mut Vec<Event>,
    ) -> Result<(), String> {
        let mut heard = false;
        for _ in 0..limit {
            match self.deliveries.poll_next_unpin(cx) {
                Poll::Pending => break,
                Poll::Ready(None) => return Err("the connection is closed".into()),
                Poll::Ready(Some(message)) => {
                    heard = true;
                    match self.progress.take(message) {
                        Heard::Entry(entry) => into.push(Event::Entry(entry)),
                        Heard::Nothing => {}
                        Heard::Nobody if now < self.opened + KNOWN_WITHIN && self.progress.deliveries == 0 => {
                            self.progress.asked = 0;
                            self.ask_from = now + UNKNOWN_PAUSE;
                        }
                        Heard::Nobody => return Err("the consumer is gone".into()),
                        Heard::Lost(why) => return Err(why),
                    }
                }
            }
        }
        self.silence.note(heard, now)
    }

    /// Nobody takes entries now: the silence of a reader that is not read means nothing.
    pub(super) fn rest(&mut self, now: Duration) {
        self.silence.looked = now;
    }

    /// The subject, reply and body of a request for more entries, when it is time.
    pub(super) fn request(&mut self) -> Option<(String, String, String)> {
        if self.silence.looked < self.ask_from {
            return None;
        }
        let more = self.progress.more()?;
        let body = json!({ "batch": more, "expires": nanos(REQUEST_EXPIRES), "idle_heartbeat": nanos(HEARTBEAT) });
        let subject = format!("{API}.CONSUMER.MSG.NEXT.{}.{}", self.stream, self.consumer);
        Some((subject, self.inbox.clone(), body.to_string()))
    }

    /// The subject that removes the consumer.
    pub(super) fn removal(&self) -> String {
        format!("{API}.CONSUMER.DELETE.{}.{}", self.stream, self.consumer)
    }
}

impl Silence {
    fn note(&mut self, heard: bool, now: Duration) -> Result<(), String> {
        let passed = now.saturating_sub(self.looked);
        self.looked = now;
        self.length = if heard { Duration::ZERO } else { self.length + passed.min(HEARTBEAT) };
        if self.length <= SILENCE_MAX {
            return Ok(());
        }
        Err(format!("no heartbeat for {:?}", self.length))
    }
}

impl Progress {
    fn more(&mut self) -> Option<u64> {
        if ASK_AGAIN_AT < self.asked {
            return None;
        }
        let more = ASKED_MAX - self.asked;
        self.asked = ASKED_MAX;
        Some(more)
    }

    fn take(&mut self, message: Message) -> Heard {
        match message.status {
            None => self.take_delivery(message),
            Some(StatusCode::IDLE_HEARTBEAT) => Heard::Nothing,
            // The request expired, or nothing was there: what it still asked for will not come.
            Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => {
                self.asked = self.asked.saturating_sub(unfilled(&message));
                Heard::Nothing
            }
            Some(StatusCode::NO_RESPONDERS) => Heard::Nobody,
            Some(status) => {
                let why = message.description.as_deref().unwrap_or("for no reason given");
                Heard::Lost(format!("NATS ended it: {why} ({status})"))
            }
        }
    }

    fn take_delivery(&mut self, message: Message) -> Heard {
        let Some(place) = message.reply.as_ref().and_then(|reply| Place::read(reply)) else {
            return Heard::Lost("a delivery does not say where in the log it stands".into());
        };
        // Deliveries count from one; a gap means that one was dropped on the way, and nothing would ever bring it again.
        if place.delivery != self.deliveries + 1 {
            return Heard::Lost(format!("delivery {} came after {}", place.delivery, self.deliveries));
        }
        self.deliveries = place.delivery;
        self.asked = self.asked.saturating_sub(1);
        if place.sequence <= self.last {
            return Heard::Nothing;
        }
        self.last = place.sequence;
        Heard::Entry(Entry {
            sequence: place.sequence,
            time: place.time,
            content: content::read(message.headers.as_ref(), &message.payload),
            subject: message.subject.into_string(),
            payload: message.payload,
        })
    }
}

fn unfilled(message: &Message) -> u64 {
    let headers = message.headers.as_ref();
    let count = headers.and_then(|headers| headers.get("Nats-Pending-Messages"));
    count.and_then(|count| count.as_str().parse().ok()).unwrap_or(ASKED_MAX)
}

/// Where a delivery stands, from the subject to acknowledge it on:
/// `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<sequence>.<delivery>.<time>.<pending>[.<random>]`.
#[derive(Debug, PartialEq)]
struct Place {
    sequence: Sequence,
    delivery: u64,
    time: Moment,
}

impl Place {
    fn read(reply: &str) -> Option<Self> {
        let tokens = reply.bytes().filter(|byte| *byte == b'.').count() + 1;
        let before_sequence = match tokens {
            9 => 5,
            11 | 12 => 7,
            _ => return None,
        };
        let mut tokens = reply.strip_prefix("$JS.ACK.")?.split('.').skip(before_sequence - 2);
        let sequence = tokens.next()?.parse().ok()?;
        let delivery = tokens.next()?.parse().ok()?;
        let time = Moment::from_nanos(tokens.next()?.parse().ok()?);
        Some(Self { sequence, delivery, time })
    }
}

#[cfg(test)]
mod tests {
    use async_nats::HeaderMap;
    use bytes::Bytes;

    use super::*;

    fn fresh() -> Progress {
        Progress { last: 6, deliveries: 0, asked: 0 }
    }

    fn delivery(sequence: u64, delivery: u64) -> Message {
        let reply = format!("$JS.ACK.RUNS_0.owner-x.1.{sequence}.{delivery}.1700000000000000001.9");
        Message { reply: Some(reply.into()), ..status(None, None) }
    }

    fn status(status: Option<StatusCode>, pending: Option<u64>) -> Message {
        let headers = pending.map(|count| {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Pending-Messages", count.to_string());
            headers
        });
        Message {
            subject: "sagaline.run.0.a.in".into(),
            reply: None,
            payload: Bytes::new(),
            headers,
            status,
            description: None,
            length: 0,
        }
    }

    #[test]
    fn the_place_is_read_from_both_forms_of_the_ack_subject() {
        let place = Place { sequence: 12, delivery: 3, time: Moment::from_nanos(1_700_000_000_000_000_001) };
        for reply in [
            "$JS.ACK.S.c.1.12.3.1700000000000000001.0",
            "$JS.ACK._.hash.S.c.1.12.3.1700000000000000001.0",
            "$JS.ACK._.hash.S.c.1.12.3.1700000000000000001.0.random",
        ] {
            assert_eq!(Place::read(reply).as_ref(), Some(&place), "{reply}");
        }
        for other in ["$JS.ACK.S.c.1.x.3.4.0", "_INBOX.a.b", "$JS.ACK.S.c.1.12.3.4.0.5"] {
            assert_eq!(Place::read(other), None, "{other}");
        }
    }

    #[test]
    fn a_sequence_that_does_not_rise_is_dropped() {
        let mut progress = fresh();
        assert!(matches!(progress.take(delivery(6, 1)), Heard::Nothing));
        assert!(matches!(progress.take(delivery(9, 2)), Heard::Entry(entry) if entry.sequence == 9));
        assert!(matches!(progress.take(delivery(9, 3)), Heard::Nothing));
    }

    #[test]
    fn a_missed_delivery_ends_the_reader() {
        let mut progress = fresh();
        assert!(matches!(progress.take(delivery(7, 1)), Heard::Entry(_)));
        assert!(matches!(progress.take(delivery(9, 3)), Heard::Lost(_)));
    }

    #[test]
    fn more_is_asked_for_when_half_has_come() {
        let mut progress = fresh();
        assert_eq!((progress.more(), progress.more()), (Some(ASKED_MAX), None));
        for number in 1..=ASKED_MAX - ASK_AGAIN_AT {
            assert_eq!(progress.more(), None);
            progress.take(delivery(6 + number, number));
        }
        assert_eq!(progress.more(), Some(ASKED_MAX - ASK_AGAIN_AT));
    }

    #[test]
    fn an_expired_request_is_made_again() {
        let mut progress = fresh();
        progress.more();
        assert!(matches!(progress.take(status(Some(StatusCode::TIMEOUT), Some(ASKED_MAX))), Heard::Nothing));
        assert_eq!(progress.more(), Some(ASKED_MAX));
        assert!(matches!(progress.take(status(Some(StatusCode::REQUEST_TERMINATED), None)), Heard::Lost(_)));
        assert!(matches!(progress.take(status(Some(StatusCode::NO_RESPONDERS), None)), Heard::Nobody));
    }

    #[test]
    fn only_silence_that_was_listened_to_counts() {
        let ms = Duration::from_millis;
        let mut silence = Silence { length: Duration::ZERO, looked: ms(0) };
        assert!(silence.note(false, ms(60_000)).is_ok(), "nobody looked for a minute");
        assert!(silence.note(false, ms(60_500)).is_ok());
        assert!(silence.note(false, ms(61_000)).is_ok());
        assert!(silence.note(false, ms(61_250)).is_err());
        assert!(silence.note(true, ms(61_300)).is_ok());
        assert_eq!(silence.length, Duration::ZERO);
    }
}
