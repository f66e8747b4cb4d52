//! Which payloads may go: pure.

use sagaline_model::{Moment, Span};
use serde::Deserialize;

use super::{super::api::StoredMessage, listing::Payload};
use crate::ports::Sequence;

/// How long a payload is left alone after it was stored, whatever refers to it: its start or signal is on its way. A client
/// tries for seconds, so an hour is long.
const GRACE: Span = Span::from_secs(3600);
/// Objects that others stored under names of their own belong to nobody we know.
const STRANGERS_STAY: Span = Span::from_secs(30 * 24 * 3600);
/// So long an ended execution's payloads stay even in need: whoever waited for its end reads them now.
const ENDED_STAYS: Span = Span::from_secs(600);

/// What is left of an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// Its last entry of the log.
    pub(super) log: Option<Sequence>,
    /// A snapshot of it is there.
    pub(super) is_open: bool,
    /// The record of an end is there, of this execution or of an earlier one with its id.
    pub(super) is_recorded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Stays,
    Goes,
    /// If it has surely ended.
    GoesInNeed,
}

pub(super) fn judge(payload: &Payload, left: Left, now: Moment) -> Verdict {
    match payload.of() {
        None if payload.stored + STRANGERS_STAY < now => Verdict::Goes,
        None => Verdict::Stays,
        Some(_) if left.is_open => Verdict::Stays,
        Some(_) if left.is_recorded => Verdict::GoesInNeed,
        Some(_) if left.log.is_some() => Verdict::Stays,
        Some(_) if is_past_grace(payload.stored, now) => Verdict::Goes,
        Some(_) => Verdict::Stays,
    }
}

pub(super) fn is_past_grace(stored: Moment, now: Moment) -> bool {
    stored + GRACE < now
}

/// Whether the record is of this execution, and not of an earlier one with its id: then nothing on the log is later.
pub(super) fn has_ended_for_good(record: &StoredMessage, left: Left, now: Moment) -> bool {
    #[derive(Deserialize)]
    struct Recorded {
        applied: Sequence,
    }
    let Ok(Some((_, value))) = record.value() else { return false };
    let Ok(Recorded { applied }) = serde_json::from_slice(&value) else { return false };
    left.log.is_none_or(|last| last <= applied) && record.time + ENDED_STAYS < now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(name: &str) -> Payload {
        Payload {
            subject: "m".into(),
            revision: 1,
            stored: Moment::EPOCH,
            name: name.into(),
            nuid: "n".into(),
            bytes: 300_000,
        }
    }

    fn judged(name: &str, left: Left, after: Span) -> Verdict {
        judge(&payload(name), left, Moment::EPOCH + after)
    }

    const NAME: &str = "0.order-1.abc";
    const LATER: Span = Span::from_secs(3601);

    #[test]
    fn what_nothing_is_left_of_goes_after_the_grace() {
        assert_eq!(judged(NAME, Left::default(), GRACE), Verdict::Stays, "its start may be on its way");
        assert_eq!(judged(NAME, Left::default(), LATER), Verdict::Goes);
    }

    #[test]
    fn anything_left_of_an_execution_keeps_its_payloads() {
        for left in [
            Left { log: Some(7), ..Left::default() },
            Left { is_open: true, ..Left::default() },
            Left { is_open: true, is_recorded: true, log: Some(7) },
        ] {
            assert_eq!(judged(NAME, left, LATER), Verdict::Stays, "{left:?}");
        }
        let left = Left { is_recorded: true, ..Left::default() };
        assert_eq!(judged(NAME, left, LATER), Verdict::GoesInNeed);
    }

    #[test]
    fn names_of_others_stay_for_long() {
        assert_eq!(judged("a-name", Left::default(), LATER), Verdict::Stays);
        assert_eq!(judged("a-name", Left::default(), STRANGERS_STAY.times(2.0)), Verdict::Goes);
    }

    fn record(json: &str) -> StoredMessage {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let message = format!(r#"{{"seq":1,"data":"{}","time":"1970-01-01T00:00:00Z"}}"#, BASE64_STANDARD.encode(json));
        serde_json::from_str(&message).expect("a stored message")
    }

    #[test]
    fn a_record_of_an_earlier_execution_with_the_same_id_is_no_end_of_this_one() {
        let ended = |left, after| has_ended_for_good(&record(r#"{"applied":9}"#), left, Moment::EPOCH + after);
        let later = Span::from_secs(601);
        assert!(ended(Left { log: Some(9), ..Left::default() }, later));
        assert!(ended(Left::default(), later));
        assert!(!ended(Left { log: Some(10), ..Left::default() }, later), "it was started again");
        assert!(!ended(Left::default(), ENDED_STAYS), "it has only just ended");
        assert!(!has_ended_for_good(&record("{}"), Left::default(), Moment::EPOCH + later));
    }
}
