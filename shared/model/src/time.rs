//! Moments and spans. Where "now" comes from is not decided here.

use std::{fmt, ops::Add, str::FromStr, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// A point in time: nanoseconds since 1970 UTC, as JetStream stamps its messages.
///
/// Written as RFC 3339 in UTC with nine digits, so that its text sorts as the time does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(i64);

impl Moment {
    pub const EPOCH: Self = Self(0);

    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * 1_000_000)
    }

    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    pub const fn as_millis(self) -> i64 {
        self.0 / 1_000_000
    }

    /// How long after `earlier` this is; nothing if it is before.
    pub fn since(self, earlier: Self) -> Span {
        Span::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Span> for Moment {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&DateTime::<Utc>::from_timestamp_nanos(self.0).to_rfc3339_opts(SecondsFormat::Nanos, true))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no RFC 3339 time between 1677 and 2262.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an RFC 3339 time such as 2026-11-20T06:00:00Z")]
pub struct NotATime(String);

impl FromStr for Moment {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let time = DateTime::parse_from_rfc3339(text).ok().and_then(|time| time.timestamp_nanos_opt());
        time.map(Self).ok_or_else(|| NotATime(text.to_owned()))
    }
}

impl TryFrom<String> for Moment {
    type Error = NotATime;
    fn try_from(text: String) -> Result<Self, NotATime> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> String {
        moment.to_string()
    }
}

/// A length of time as definitions write it: `250ms`, `30s`, `5m`, `2h`, `1d`, `1w`, or several: `1h30m`. Written and read again,
/// it is the same to the nanosecond; none is longer than [`Span::LONGEST`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(u64);

const UNITS: [(&str, u64); 6] = [
    ("w", 7 * 24 * 3_600_000_000_000),
    ("d", 24 * 3_600_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
];

impl Span {
    pub const ZERO: Self = Self(0);
    /// 73 years: a moment of today plus this can still be written.
    pub const LONGEST: Self = Self(i64::MAX as u64 / 4);

    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Seconds with a fraction, as expressions give them; what is negative or no number is nothing.
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs.max(0.0) * 1e9).round() as u64).min(Self::LONGEST)
    }

    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    pub const fn as_secs(self) -> u64 {
        self.as_nanos() / 1_000_000_000
    }

    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// This length times `factor`, at most the longest there is.
    pub fn times(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor.max(0.0)) as u64).min(Self::LONGEST)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Duration {
        Duration::from_nanos(span.0)
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Span {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        for (unit, size) in &UNITS[..UNITS.len() - 1] {
            if left >= *size {
                write!(f, "{}{unit}", left / size)?;
                left %= size;
            }
        }
        if left > 0 || self.0 == 0 { write!(f, "{}ms", left as f64 / 1e6) } else { Ok(()) }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration such as 250ms, 30s, 5m, 2h, 1d or 1h30m")]
pub struct NotADuration(String);

impl FromStr for Span {
    type Err = NotADuration;
    fn from_str(text: &str) -> Result<Self, NotADuration> {
        let wrong = || NotADuration(text.to_owned());
        let mut rest = text.trim();
        let mut total = 0_u64;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let (_, size) = UNITS.iter().find(|(unit, _)| *unit == &rest[..letters]).ok_or_else(wrong)?;
            // Part by part, because a fraction cannot hold years to the nanosecond.
            total = total.saturating_add((number * *size as f64).round() as u64);
            rest = rest[letters..].trim_start();
        }
        Some(Self(total)).filter(|span| *span <= Self::LONGEST).ok_or_else(wrong)
    }
}

impl TryFrom<String> for Span {
    type Error = NotADuration;
    fn try_from(text: String) -> Result<Self, NotADuration> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_they_are_read() {
        for text in ["250ms", "30s", "5m", "2h", "1d", "1w", "1h30m", "1m500ms", "0ms"] {
            assert_eq!(text.parse::<Span>().expect("a duration").to_string(), text);
        }
        assert_eq!("1.5s".parse(), Ok(Span::from_millis(1500)));
        for bad in ["", "5", "5x", "h", "-1s", "1s5", "99999999999w"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_nanosecond_is_lost_in_writing() {
        let hour = 3_600_000_000_000;
        for nanos in [1, 999, 1_000_001, 1_500_000, hour + 1, 24 * hour - 1, 600 * 24 * hour + 7, Span::LONGEST.0] {
            assert_eq!(Span(nanos).to_string().parse(), Ok(Span(nanos)), "{}", Span(nanos));
        }
        assert_eq!(Span::from_secs_f64(1e30).to_string().parse(), Ok(Span::LONGEST));
        assert_eq!(Span::from_secs(9).times(f64::INFINITY), Span::LONGEST);
    }

    #[test]
    fn the_text_of_a_moment_sorts_as_the_time_does() {
        let early = Moment::from_nanos(1_763_636_400_000_000_001);
        let late = Moment::from_nanos(1_763_636_400_100_000_000);
        assert!(early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!("2026-11-20T07:00:00+01:00".parse::<Moment>(), "2026-11-20T06:00:00Z".parse());
    }

    #[test]
    fn a_moment_before_another_is_not_after_it() {
        assert_eq!(Moment::from_millis(5).since(Moment::from_millis(9)), Span::ZERO);
        assert_eq!(Moment::from_millis(9).since(Moment::from_millis(5)), Span::from_millis(4));
    }
}
