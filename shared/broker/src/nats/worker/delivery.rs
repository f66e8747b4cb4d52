//! Tasks as they come from the server.

use std::time::Duration;

use async_nats::Message;
use sagaline_events::task::REPEAT_HEADER;
use sagaline_model::Moment;

use super::super::content;
use crate::{ports::Sequence, worker::Delivery};

/// What the subject to acknowledge on says about a delivery:
/// `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<sequence>.<delivery>.<time>.<pending>[.<random>]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// How often the message was delivered.
    pub(super) delivered: u64,
    pub(super) sequence: Sequence,
    /// The number of this delivery among all that the consumer made, whoever got them.
    pub(super) delivery: u64,
    pub(super) stored: Moment,
    /// How many tasks waited for the consumer after this one.
    pub(super) waiting: u64,
}

impl Place {
    pub(super) fn read(reply: &str) -> Option<Self> {
        let tokens = reply.bytes().filter(|byte| *byte == b'.').count() + 1;
        let before = match tokens {
            9 => 2,
            11 | 12 => 4,
            _ => return None,
        };
        let mut tokens = reply.strip_prefix("$JS.ACK.")?.split('.').skip(before);
        let mut number = || tokens.next()?.parse().ok();
        let (delivered, sequence, delivery) = (number()?, number()?, number()?);
        let stored = Moment::from_nanos(tokens.next()?.parse().ok()?);
        let waiting = tokens.next()?.parse().ok()?;
        Some(Self { delivered, sequence, delivery, stored, waiting })
    }
}

/// A message of the consumer as a delivery.
pub(super) fn read(message: Message, place: Place, received: Duration, session: u64) -> Delivery {
    let content = content::read(message.headers.as_ref(), &message.payload);
    let repeat = message.headers.as_ref().is_some_and(|headers| headers.get(REPEAT_HEADER).is_some());
    Delivery {
        subject: message.subject.into_string(),
        sequence: place.sequence,
        stored: place.stored,
        delivered: place.delivered,
        repeat,
        content,
        payload: message.payload,
        reply: message.reply.map(|reply| reply.into_string()).unwrap_or_default(),
        received,
        session,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_read_from_both_forms_of_the_ack_subject() {
        let stored = Moment::from_nanos(1_700_000_000_000_000_001);
        let place = Place { delivered: 2, sequence: 12, delivery: 3, stored, waiting: 0 };
        for reply in [
            "$JS.ACK.S.c.2.12.3.1700000000000000001.0",
            "$JS.ACK._.hash.S.c.2.12.3.1700000000000000001.0",
            "$JS.ACK._.hash.S.c.2.12.3.1700000000000000001.0.random",
        ] {
            assert_eq!(Place::read(reply), Some(place), "{reply}");
        }
        for other in ["$JS.ACK.S.c.1.x.3.4.0", "_INBOX.a.b", "$JS.ACK.S.c.1.12.3.4.0.5"] {
            assert_eq!(Place::read(other), None, "{other}");
        }
    }
}
