//! Timestamps and durations: reading, writing, arithmetic, parts of them. What time it is now is not known here.

use chrono::{DateTime, Datelike, FixedOffset, SecondsFormat, TimeDelta, Timelike, Utc};

use crate::{
    error::EvalCause,
    node::Binary,
    value::{Val, mismatch},
};

/// The years that RFC 3339 can write.
fn in_range(time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (1..=9999).contains(&time.year()).then_some(time)
}

pub(crate) fn read_timestamp(text: &str) -> Result<DateTime<Utc>, EvalCause> {
    let time = DateTime::parse_from_rfc3339(text).ok().and_then(|time| in_range(time.to_utc()));
    time.ok_or_else(|| EvalCause::Unreadable {
        function: "timestamp",
        text: text.chars().take(64).collect(),
        reason: "a timestamp looks like 2026-11-20T06:00:00Z",
    })
}

pub(crate) fn timestamp_of_seconds(seconds: i64) -> Result<DateTime<Utc>, EvalCause> {
    DateTime::from_timestamp(seconds, 0).and_then(in_range).ok_or(EvalCause::Overflow("timestamp"))
}

pub(crate) fn write_timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

const UNITS: [(&str, f64); 9] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
    ("d", 24.0 * 3600e9),
    ("w", 7.0 * 24.0 * 3600e9),
];

/// `1h30m`, `1.5s`, `-250ms`; days and weeks too, as elsewhere in definitions.
pub(crate) fn read_duration(text: &str) -> Result<TimeDelta, EvalCause> {
    let nanos = read_nanos(text).filter(|nanos| nanos.abs() < i64::MAX as f64);
    nanos.map(|nanos| TimeDelta::nanoseconds(nanos.round() as i64)).ok_or_else(|| EvalCause::Unreadable {
        function: "duration",
        text: text.chars().take(64).collect(),
        reason: "a duration looks like 250ms, 30s, 1h30m or 1d",
    })
}

fn read_nanos(text: &str) -> Option<f64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    if rest == "0" {
        return Some(0.0);
    }
    let mut total = 0.0;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let (_, size) = UNITS.iter().find(|(unit, _)| *unit == &rest[..letters])?;
        total += number * size;
        rest = &rest[letters..];
        if rest.is_empty() {
            return Some(sign * total);
        }
    }
}

/// Seconds, as CEL writes them: `5400s`, `1.5s`.
pub(crate) fn write_duration(duration: TimeDelta) -> String {
    let (seconds, nanos) = (duration.num_seconds(), duration.subsec_nanos());
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    let fraction = format!(".{:09}", nanos.unsigned_abs());
    format!("{sign}{}{}s", seconds.unsigned_abs(), fraction.trim_end_matches('0').trim_end_matches('.'))
}

pub(crate) fn arithmetic<'a>(operator: Binary, left: &Val<'a>, right: &Val<'a>) -> Result<Val<'a>, EvalCause> {
    let duration = |sum: Option<TimeDelta>| sum.filter(|sum| sum.num_nanoseconds().is_some()).map(Val::Duration);
    let time = |sum: Option<DateTime<Utc>>| sum.and_then(in_range).map(Val::Time);
    let result = match (operator, left, right) {
        (Binary::Add, Val::Time(at), Val::Duration(by)) | (Binary::Add, Val::Duration(by), Val::Time(at)) => {
            time(at.checked_add_signed(*by))
        }
        (Binary::Subtract, Val::Time(at), Val::Duration(by)) => time(at.checked_sub_signed(*by)),
        (Binary::Subtract, Val::Time(late), Val::Time(early)) => duration(Some(late.signed_duration_since(*early))),
        (Binary::Add, Val::Duration(one), Val::Duration(other)) => duration(one.checked_add(other)),
        (Binary::Subtract, Val::Duration(one), Val::Duration(other)) => duration(one.checked_sub(other)),
        _ => return Err(mismatch(operator.symbol(), &[left, right])),
    };
    result.ok_or(EvalCause::Overflow(operator.symbol()))
}

/// What `getHours()` and its like ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    FullYear,
    Month,
    DayOfYear,
    DayOfMonth,
    Date,
    DayOfWeek,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

impl Part {
    pub(crate) const ALL: [(&str, Self); 10] = [
        ("getFullYear", Self::FullYear),
        ("getMonth", Self::Month),
        ("getDayOfYear", Self::DayOfYear),
        ("getDayOfMonth", Self::DayOfMonth),
        ("getDate", Self::Date),
        ("getDayOfWeek", Self::DayOfWeek),
        ("getHours", Self::Hours),
        ("getMinutes", Self::Minutes),
        ("getSeconds", Self::Seconds),
        ("getMilliseconds", Self::Milliseconds),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, part)| *part == self).map_or("", |(name, _)| name)
    }

    /// Months, days of the year and of the month count from 0, dates from 1, days of the week from Sunday = 0.
    fn of_time(self, time: DateTime<FixedOffset>) -> i64 {
        i64::from(match self {
            Self::FullYear => return i64::from(time.year()),
            Self::Month => time.month0(),
            Self::DayOfYear => time.ordinal0(),
            Self::DayOfMonth => time.day0(),
            Self::Date => time.day(),
            Self::DayOfWeek => time.weekday().num_days_from_sunday(),
            Self::Hours => time.hour(),
            Self::Minutes => time.minute(),
            Self::Seconds => time.second(),
            Self::Milliseconds => time.timestamp_subsec_millis(),
        })
    }

    /// A duration is all hours, or all minutes, and so on.
    fn of_duration(self, duration: TimeDelta) -> Option<i64> {
        match self {
            Self::Hours => Some(duration.num_hours()),
            Self::Minutes => Some(duration.num_minutes()),
            Self::Seconds => Some(duration.num_seconds()),
            Self::Milliseconds => Some(duration.num_milliseconds()),
            _ => None,
        }
    }

    pub(crate) fn get<'a>(self, of: &Val<'a>, zone: Option<&Val<'a>>) -> Result<Val<'a>, EvalCause> {
        let part = match (of, zone) {
            (Val::Time(time), None) => Some(self.of_time(time.fixed_offset())),
            (Val::Time(time), Some(Val::Text(zone))) => Some(self.of_time(time.with_timezone(&read_zone(self, zone)?))),
            (Val::Duration(duration), None) => self.of_duration(*duration),
            _ => None,
        };
        part.map(Val::Int).ok_or_else(|| match zone {
            Some(zone) => mismatch(self.name(), &[of, zone]),
            None => mismatch(self.name(), &[of]),
        })
    }
}

/// `UTC`, or an offset such as `+02:00`.
fn read_zone(part: Part, text: &str) -> Result<FixedOffset, EvalCause> {
    let offset = match text {
        "UTC" | "Z" => FixedOffset::east_opt(0),
        _ => read_offset(text),
    };
    offset.ok_or_else(|| EvalCause::Unreadable {
        function: part.name(),
        text: text.chars().take(64).collect(),
        reason: "a zone is UTC or an offset such as +02:00; the rules of named zones change",
    })
}

fn read_offset(text: &str) -> Option<FixedOffset> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (two_digits(hours)?, two_digits(minutes)?);
    (minutes < 60).then(|| FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60)))?
}

fn two_digits(text: &str) -> Option<i32> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}
