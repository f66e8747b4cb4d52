//! Whether there is room for new executions: pure. `nats::room` looks at the streams and tells the word.
//!
//! The server cannot tell a start from a result on one stream, so it refuses both when that is full. Starts must stop earlier:
//! what is left then is for the work that goes on.

use std::collections::BTreeMap;

use sagaline_model::Moment;
use serde::{Deserialize, Serialize};

use crate::{
    names::{LogKind, Names},
    ports::Bucket,
};

/// From here on a stream takes no starts. What is left is for what was started: an execution stores some ten times as much as
/// its start, over all streams.
pub const CLOSED_FROM_PERCENT: u64 = 85;
/// Below this it takes them again; far enough below, so that starts do not come and go with every message.
pub const OPEN_BELOW_PERCENT: u64 = 75;
/// From here on the bucket of snapshots takes only those that replace others. What is left is for replacing, which needs
/// room for both for a moment: else nothing could be removed any more once it is full.
pub const SNAPSHOTS_SPARED_FROM_PERCENT: u64 = 95;

/// From here on the payloads of ended executions go before their time, down to the second figure: again, well below where
/// starts are refused.
pub(crate) const PAYLOADS_LEAVE_FROM_PERCENT: u64 = 70;
pub(crate) const PAYLOADS_LEAVE_TO_PERCENT: u64 = 60;

/// How full a stream is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    pub stream: String,
    pub percent: u64,
}

impl Fill {
    pub(crate) fn of(stream: impl Into<String>, bytes: u64, bytes_max: Option<u64>) -> Self {
        let percent = bytes_max.map_or(0, |most| u128::from(bytes) * 100 / u128::from(most.max(1)));
        Self { stream: stream.into(), percent: u64::try_from(percent).unwrap_or(u64::MAX) }
    }
}

/// The word on room, for whoever starts executions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// When the streams were looked at.
    pub at: Moment,
    /// Those that take no starts, and how full they are.
    #[serde(default)]
    pub closed: BTreeMap<String, u64>,
    /// The fullest of all that were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fullest: Option<Fill>,
}

impl Admission {
    /// What is to be said now. A stream that gave no answer stays as it was.
    pub(crate) fn judge(before: Option<&Self>, fills: &[Fill], silent: &[String], at: Moment) -> Self {
        let was_closed = |stream: &str| before.is_some_and(|before| before.closed.contains_key(stream));
        let is_closed = |fill: &&Fill| {
            fill.percent >= CLOSED_FROM_PERCENT || fill.percent >= OPEN_BELOW_PERCENT && was_closed(&fill.stream)
        };
        let full = fills.iter().filter(is_closed).map(|fill| (fill.stream.clone(), fill.percent));
        let unheard = before.into_iter().flat_map(|before| &before.closed);
        let unheard = unheard.filter(|(stream, _)| silent.contains(stream));
        let closed = unheard.map(|(stream, percent)| (stream.clone(), *percent)).chain(full).collect();
        Self { at, closed, fullest: fills.iter().max_by_key(|fill| fill.percent).cloned() }
    }

    /// Whether every stream takes starts.
    pub fn is_open(&self) -> bool {
        self.closed.is_empty()
    }

    /// The fullest of those of `streams` that take no starts.
    pub fn refusal(&self, streams: impl IntoIterator<Item = String>) -> Option<Fill> {
        let closed = streams.into_iter().filter_map(|stream| {
            let percent = *self.closed.get(&stream)?;
            Some(Fill { stream, percent })
        });
        closed.max_by_key(|fill| fill.percent)
    }

    /// The same streams are closed, though perhaps not as full.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.closed.keys().eq(other.closed.keys())
    }
}

/// The logs of a partition: what happens to its executions, and what is undone of them.
pub fn logs(names: &Names, partition: u32) -> [String; 2] {
    [names.log(LogKind::Runs, partition), names.log(LogKind::Sagas, partition)]
}

/// What all executions share.
pub fn shared_streams(names: &Names) -> [String; 2] {
    [names.bucket_stream(Bucket::Executions), names.payloads_stream()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fills(fills: &[(&str, u64)]) -> Vec<Fill> {
        fills.iter().map(|(stream, percent)| Fill { stream: (*stream).to_owned(), percent: *percent }).collect()
    }

    fn judge(before: Option<&Admission>, seen: &[(&str, u64)]) -> Admission {
        Admission::judge(before, &fills(seen), &[], Moment::EPOCH)
    }

    fn closed(admission: &Admission) -> Vec<&str> {
        admission.closed.keys().map(String::as_str).collect()
    }

    #[test]
    fn a_stream_closes_late_and_opens_early() {
        let mut word = judge(None, &[("A", 84)]);
        for (percent, is_open) in [(85, false), (80, false), (75, false), (74, true), (84, true), (99, false)] {
            word = judge(Some(&word), &[("A", percent)]);
            assert_eq!(word.is_open(), is_open, "at {percent} %");
        }
    }

    #[test]
    fn each_stream_is_judged_by_itself() {
        let before = judge(None, &[("A", 90), ("B", 10)]);
        let word = judge(Some(&before), &[("A", 80), ("B", 80)]);
        assert_eq!(closed(&word), ["A"]);
        assert_eq!(word.refusal(["B".to_owned()]), None);
        assert_eq!(word.refusal(["B".to_owned(), "A".to_owned()]).map(|fill| fill.percent), Some(80));
    }

    #[test]
    fn a_stream_that_gives_no_answer_stays_as_it_was() {
        let before = judge(None, &[("A", 90), ("B", 90), ("C", 10)]);
        let silent = ["A".to_owned(), "C".to_owned()];
        let word = Admission::judge(Some(&before), &fills(&[("B", 10)]), &silent, Moment::EPOCH);
        assert_eq!(closed(&word), ["A"]);
        let gone = Admission::judge(Some(&before), &fills(&[("B", 10)]), &[], Moment::EPOCH);
        assert!(gone.is_open(), "a stream that was removed closes nothing");
    }

    #[test]
    fn a_stream_without_a_limit_is_never_full() {
        assert_eq!(Fill::of("A", u64::MAX, None).percent, 0);
        assert_eq!(Fill::of("A", 86, Some(100)).percent, 86);
        assert_eq!(Fill::of("A", u64::MAX, Some(1)).percent, u64::MAX);
    }
}
