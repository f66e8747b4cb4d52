//! How statuses, times and data are worded for people.

use std::{collections::BTreeMap, time::SystemTime};

use sagaline_events::record::{Status, StepStatus};
use sagaline_model::{Moment, Span, StepError};
use serde_json::Value;

use crate::output::Tone;

/// The most characters of a text of somebody else's that a line shows.
const TEXT_MAX: usize = 160;

pub(crate) fn tone(status: Status) -> Tone {
    match status {
        Status::Completed => Tone::Good,
        Status::Failed | Status::TimedOut | Status::Stuck | Status::Parked => Tone::Bad,
        Status::Pending | Status::Running | Status::Waiting | Status::Paused | Status::Compensating => Tone::Busy,
        Status::Cancelled | Status::RolledBack => Tone::Quiet,
        Status::Unknown => Tone::Plain,
    }
}

/// A sign and a tone for the status of a step; the word stands beside it.
pub(crate) fn sign(status: StepStatus) -> (&'static str, Tone) {
    match status {
        StepStatus::Completed => ("✓", Tone::Good),
        StepStatus::Failed | StepStatus::TimedOut => ("✗", Tone::Bad),
        StepStatus::Skipped | StepStatus::Cancelled => ("-", Tone::Quiet),
        StepStatus::Compensated => ("↩", Tone::Quiet),
        StepStatus::Unknown => ("?", Tone::Plain),
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

/// The time of day of a moment, to the millisecond.
pub(crate) fn time_of_day(moment: Moment) -> String {
    let text = exact_time(moment);
    text.split_once('T').map_or(text.clone(), |(_, time)| time.to_owned())
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

/// A number of bytes as people read it: `812 B`, `1.5 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    while 1024.0 <= size && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// How much of the whole, in full percent.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    if whole == 0 { 100 } else { u64::try_from(u128::from(part) * 100 / u128::from(whole)).unwrap_or(u64::MAX) }
}

/// How far somebody says to be.
pub(crate) fn progress(fraction: Option<f64>, message: Option<&str>) -> String {
    let percent = fraction.map(|fraction| format!("{:.0} %", fraction.clamp(0.0, 1.0) * 100.0));
    let message = message.filter(|message| !message.is_empty()).map(short);
    percent.into_iter().chain(message).collect::<Vec<_>>().join(", ")
}

/// Lines of at most `width` characters; a word that is longer stands alone.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line from the beginning");
        if !line.is_empty() && width < line.chars().count() + 1 + word.chars().count() {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

pub(crate) fn error(error: &StepError) -> String {
    short(&format!("{}: {}", error.kind, error.message))
}

/// Tags as they are given: `team=blue urgent`.
pub(crate) fn tags(tags: &BTreeMap<String, String>) -> String {
    let tag =
        |(name, value): (&String, &String)| if value.is_empty() { name.clone() } else { format!("{name}={value}") };
    short(&tags.iter().map(tag).collect::<Vec<_>>().join(" "))
}

/// One line without control characters, cut where it is too long.
pub(crate) fn short(text: &str) -> String {
    cut(text, TEXT_MAX)
}

/// The same, of at most so many characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().map(plain).take(most).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

/// One line without control characters, whole.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(plain).collect()
}

fn plain(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// Somebody else's bytes for people: JSON with its lines, text without what would write to the terminal, and in hexadecimal what
/// is neither.
pub(crate) fn payload(bytes: &[u8]) -> String {
    let lines = |text: &str| text.chars().map(|c| if c == '\n' { c } else { plain(c) }).collect();
    match (serde_json::from_slice::<Value>(bytes), str::from_utf8(bytes)) {
        (Ok(json), _) => lines(&format!("{json:#}")),
        (Err(_), Ok(text)) => lines(text),
        (Err(_), Err(_)) => bytes.chunks(32).map(hex).collect::<Vec<_>>().join("\n"),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    fn sizes_are_in_the_unit_that_fits() {
        assert_eq!([bytes(812), bytes(1536), bytes(3 << 30)], ["812 B", "1.5 KiB", "3.0 GiB"]);
        assert_eq!([percent(1, 3), percent(3, 3), percent(u64::MAX, u64::MAX), percent(1, 0)], [33, 100, 100, 100]);
    }

    #[test]
    fn long_texts_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable is long", 5), ["unbreakable", "is", "long"]);
        assert_eq!(wrapped("", 5), [""]);
    }

    #[test]
    fn bytes_are_shown_as_what_they_are() {
        assert_eq!(payload(br#"{"a":1}"#), "{\n  \"a\": 1\n}");
        assert_eq!(payload(b"two\nlines \x1b[31m"), "two\nlines  [31m");
        assert_eq!(payload(&[0xff, 0x00, 0x10]), "ff0010");
    }

    #[test]
    fn what_others_wrote_cannot_write_to_the_terminal() {
        assert_eq!(short("a\x1b[31mb\nc"), "a [31mb c");
        assert_eq!(short(&"x".repeat(500)).chars().count(), TEXT_MAX + 1);
    }
}
