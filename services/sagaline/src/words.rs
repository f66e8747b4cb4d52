//! How statuses, times and data are worded for people.

use std::time::SystemTime;

use sagaline_events::record::{Status, StepStatus};
use sagaline_model::{Moment, Span, StepError};
use serde_json::Value;

use crate::output::Tone;

/// The most characters of a text of somebody else's that a line shows.
const TEXT_MAX: usize = 160;

pub(crate) fn tone(status: Status) -> Tone {
    match status {
        Status::Completed => Tone::Good,
        Status::Failed | Status::TimedOut | Status::Parked => Tone::Bad,
        Status::Pending | Status::Running | Status::Waiting => Tone::Busy,
        Status::Cancelled => Tone::Quiet,
    }
}

/// A sign and a tone for the status of a step; the word stands beside it.
pub(crate) fn sign(status: StepStatus) -> (&'static str, Tone) {
    match status {
        StepStatus::Completed => ("✓", Tone::Good),
        StepStatus::Failed | StepStatus::TimedOut => ("✗", Tone::Bad),
        StepStatus::Skipped | StepStatus::Cancelled => ("-", Tone::Quiet),
        StepStatus::Pending => (".", Tone::Quiet),
        StepStatus::Scheduled | StepStatus::Running | StepStatus::Waiting | StepStatus::BackingOff => ("…", Tone::Busy),
    }
}

/// The time of day, by the clock of this machine.
pub(crate) fn now() -> Moment {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment::from_nanos(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX))
}

/// A moment to the second; its text has nine digits of a fraction.
pub(crate) fn time(moment: Moment) -> String {
    let text = moment.to_string();
    format!("{}Z", text.split('.').next().unwrap_or(&text).trim_end_matches('Z'))
}

/// A moment to the millisecond.
pub(crate) fn exact_time(moment: Moment) -> String {
    let text = moment.to_string();
    match text.split_once('.') {
        Some((second, fraction)) => format!("{second}.{}Z", fraction.get(..3).unwrap_or("000")),
        None => text,
    }
}

/// A length of time as people read it: `12ms`, `3.4s`, `5m12s`.
pub(crate) fn took(span: Span) -> String {
    let millis = span.as_millis();
    match millis {
        0..=999 => format!("{millis}ms"),
        1_000..=59_999 => format!("{:.1}s", span.as_secs_f64()),
        _ => Span::from_secs(millis / 1000).to_string(),
    }
}

pub(crate) fn error(error: &StepError) -> String {
    short(&format!("{}: {}", error.kind, error.message))
}

/// One line without control characters, cut where it is too long.
pub(crate) fn short(text: &str) -> String {
    let mut shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_MAX).collect();
    if text.chars().nth(TEXT_MAX).is_some() {
        shown.push('…');
    }
    shown
}

pub(crate) fn data(value: &Value) -> String {
    if value.is_null() { String::new() } else { short(&value.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_exact_as_people_want_them() {
        let moment: Moment = "2026-11-20T06:00:01.234567Z".parse().expect("a time");
        assert_eq!(time(moment), "2026-11-20T06:00:01Z");
        assert_eq!(exact_time(moment), "2026-11-20T06:00:01.234Z");
        let took = |millis| super::took(Span::from_millis(millis));
        assert_eq!([took(7), took(3_449), took(312_800)], ["7ms", "3.4s", "5m12s"]);
    }

    #[test]
    fn what_others_wrote_cannot_write_to_the_terminal() {
        assert_eq!(short("a\x1b[31mb\nc"), "a [31mb c");
        assert_eq!(short(&"x".repeat(500)).chars().count(), TEXT_MAX + 1);
    }
}
