//! A tick: the moment that something was to start at, and the name of what it starts.

use sagaline_model::{ExecutionId, Moment, Name};
use serde::{Deserialize, Serialize};

/// The longest name of something that was asked for besides the ticks.
const LONGEST_ASKED: usize = 48;

/// One of the pattern's, or one that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    pub at: Moment,
    /// What tells it from others, if somebody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
}

impl Tick {
    pub(crate) fn of(at: Moment) -> Self {
        Self { at, asked: None }
    }

    /// Somebody asked for it at this time, with this id. None, if the id is too long.
    pub(crate) fn asked(at: Moment, id: Option<&str>) -> Option<Self> {
        let asked = id.map_or_else(|| compact(at), encoded);
        (asked.len() <= LONGEST_ASKED).then_some(Self { at, asked: Some(asked) })
    }

    /// The id of its execution: `<schedule>-<tick>`. There is no `-` in the second part, so that two schedules never start the same.
    pub(crate) fn execution(&self, schedule: &Name) -> ExecutionId {
        let id = match &self.asked {
            None => format!("{schedule}-{}", compact(self.at)),
            Some(asked) => format!("{schedule}-now_{asked}"),
        };
        ExecutionId::new(id).expect("both parts are short, and have no other characters")
    }
}

/// `20261121T060000Z`, with `_5` before the `Z` for half a second.
fn compact(at: Moment) -> String {
    let text = at.to_string();
    let (time, fraction) = text.trim_end_matches('Z').split_once('.').unwrap_or((&text, ""));
    let time: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
    match fraction.trim_end_matches('0') {
        "" => format!("{time}Z"),
        fraction => format!("{time}_{fraction}Z"),
    }
}

/// Letters and digits as they are, everything else in hexadecimal, such that no two ids become the same.
fn encoded(id: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("_{other:02x}"),
    };
    id.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_named_by_schedule_and_tick() {
        let name = Name::new("daily-report").expect("a name");
        let at = |text: &str| text.parse::<Moment>().expect("a time");
        let id = |tick: Tick| tick.execution(&name).as_str().to_owned();
        assert_eq!(id(Tick::of(at("2026-11-21T06:00:00Z"))), "daily-report-20261121T060000Z");
        assert_eq!(id(Tick::of(at("2026-11-21T06:00:00.25Z"))), "daily-report-20261121T060000_25Z");
        let asked = |id| Tick::asked(at("2026-11-21T06:00:00Z"), id);
        assert_eq!(asked(None).map(id), Some("daily-report-now_20261121T060000Z".to_owned()));
        assert_eq!(asked(Some("a-b_1")).map(id), Some("daily-report-now_a_2db_5f1".to_owned()));
        assert_eq!(asked(Some(&"x".repeat(49))), None);
    }
}
