//! Lengths of time as people and other tools spell them, for the hint how they are written here.

use sagaline_model::Span;

const UNITS: [(&str, &[&str]); 6] = [
    ("ms", &["ms", "msec", "msecs", "millis", "millisecond", "milliseconds"]),
    ("s", &["s", "sec", "secs", "second", "seconds"]),
    ("m", &["m", "min", "mins", "minute", "minutes"]),
    ("h", &["h", "hr", "hrs", "hour", "hours"]),
    ("d", &["d", "day", "days"]),
    ("w", &["w", "week", "weeks"]),
];

/// Whether a word says what is counted, such as `minutes`.
pub(crate) fn is_unit(word: &str) -> bool {
    unit(word).is_some()
}

/// How `5 minutes`, `5min` or `PT5M` is written here.
pub(crate) fn written_here(spelled: &str) -> Option<String> {
    let lower = spelled.trim().to_lowercase();
    let parts = match lower.strip_prefix('p') {
        Some(parts) => parts.replace('t', ""),
        None => lower.replace(',', " ").replace(" and ", " "),
    };
    let (mut rest, mut written) = (parts.trim(), String::new());
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|digits| *digits > 0)?;
        let word = rest[digits..].trim_start();
        let letters = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
        written.push_str(&part(&rest[..digits], unit(&word[..letters])?)?);
        rest = word[letters..].trim_start();
    }
    let can_be_read = !written.is_empty() && written.parse::<Span>().is_ok();
    can_be_read.then_some(written)
}

/// There are no weeks here: their length is written in days.
fn part(number: &str, unit: &str) -> Option<String> {
    match unit {
        "w" => Some(format!("{}d", number.parse::<u32>().ok()?.checked_mul(7)?)),
        unit => Some(format!("{number}{unit}")),
    }
}

fn unit(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    UNITS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(unit, _)| *unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_for_a_duration_is_one_here() {
        let spelled = [
            ("5 minutes", Some("5m")),
            ("5min", Some("5m")),
            ("1 hour 30 minutes", Some("1h30m")),
            ("2 Hours and 5 sec", Some("2h5s")),
            ("PT5M", Some("5m")),
            ("P1DT12H", Some("1d12h")),
            ("2 weeks", Some("14d")),
            ("soon", None),
            ("5", None),
            ("5 parsecs", None),
            ("", None),
        ];
        for (spelled, written) in spelled {
            assert_eq!(written_here(spelled).as_deref(), written, "{spelled}");
        }
    }
}
