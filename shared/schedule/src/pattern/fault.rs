//! What is wrong with a pattern, and where. All of it is told at once.

use std::{fmt, ops::Range};

use chrono_tz::{TZ_VARIANTS, Tz};
use sagaline_model::{Span, When};

use crate::{Cron, CronFault};

/// A schedule is no loop: what happens more often than once a second is no matter of the calendar.
const SHORTEST: Span = Span::from_secs(1);

/// So many expressions and dates; a snapshot of a schedule stays small.
const CRONS_MOST: usize = 64;
const DATES_MOST: usize = 1_000;

/// Something that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub part: Part,
    /// The bytes of the text of this part that are wrong, if it is a text.
    pub within: Option<Range<usize>>,
    pub what: String,
    pub hint: String,
}

/// Where in a [`When`] something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    Cron(usize),
    Every,
    At(usize),
    In,
    EndAt,
    Timezone,
    Jitter,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("schedule"),
            Self::Cron(place) => write!(f, "cron[{place}]"),
            Self::Every => f.write_str("every"),
            Self::At(place) => write!(f, "at[{place}]"),
            Self::In => f.write_str("in"),
            Self::EndAt => f.write_str("end_at"),
            Self::Timezone => f.write_str("timezone"),
            Self::Jitter => f.write_str("jitter"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}; {}", self.part, self.what, self.hint)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    fn new(part: Part, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { part, within: None, what: what.into(), hint: hint.into() }
    }

    fn of_cron(place: usize, fault: CronFault) -> Self {
        let what = match fault.field {
            Some(field) => {
                let column = fault.text[..fault.at.start].chars().count() + 1;
                format!("{} in the field `{field}`, column {column} of `{}`", fault.what, fault.text)
            }
            None => format!("`{}`: {}", fault.text, fault.what),
        };
        Self { part: Part::Cron(place), within: Some(fault.at), what, hint: fault.hint }
    }
}

/// The expressions and the zone, if everything makes sense.
pub(super) fn check(when: &When) -> Result<(Vec<Cron>, Tz), Vec<Fault>> {
    let mut faults = vec![];
    let mut crons = vec![];
    for (place, text) in when.cron.iter().enumerate().take(CRONS_MOST) {
        match text.parse() {
            Ok(cron) => crons.push(cron),
            Err(fault) => faults.push(Fault::of_cron(place, fault)),
        }
    }
    let zone = zone_of(when).unwrap_or_else(|fault| {
        faults.push(fault);
        Tz::UTC
    });
    numbers(when, &mut faults);
    times(when, &mut faults);
    if faults.is_empty() { Ok((crons, zone)) } else { Err(faults) }
}

fn zone_of(when: &When) -> Result<Tz, Fault> {
    let Some(name) = &when.timezone else { return Ok(Tz::UTC) };
    if when.cron.is_empty() {
        let hint = "leave it out: periods and dates are the same everywhere";
        return Err(Fault::new(Part::Timezone, "a time zone without a cron expression", hint));
    }
    let parsed: Result<Tz, _> = name.parse();
    parsed.map_err(|_| {
        let city = |zone: &str| zone.rsplit('/').next().unwrap_or(zone).replace('_', " ");
        let is_meant =
            |zone: &&Tz| zone.name().eq_ignore_ascii_case(name) || city(zone.name()).eq_ignore_ascii_case(&city(name));
        let hint = match TZ_VARIANTS.iter().find(is_meant) {
            Some(zone) => format!("write `{}`", zone.name()),
            None => "write a name of the IANA database, such as `Europe/Berlin`".to_owned(),
        };
        Fault::new(Part::Timezone, format!("`{name}` is no time zone"), hint)
    })
}

fn numbers(when: &When, faults: &mut Vec<Fault>) {
    if when.cron.is_empty() && when.every.is_none() && when.at.is_empty() && when.after.is_none() {
        faults.push(Fault::new(Part::Whole, "it never fires", "write `cron`, `every`, `at` or `in`"));
    }
    if CRONS_MOST < when.cron.len() {
        let what = format!("{} expressions, of {CRONS_MOST} at most", when.cron.len());
        faults.push(Fault::new(Part::Cron(CRONS_MOST), what, "write several schedules"));
    }
    if DATES_MOST < when.at.len() {
        let what = format!("{} dates, of {DATES_MOST} at most", when.at.len());
        faults.push(Fault::new(Part::At(DATES_MOST), what, "write several schedules"));
    }
    let Some(every) = when.every else { return };
    if every.period < SHORTEST {
        let what = format!("every {} is too often", every.period);
        faults.push(Fault::new(Part::Every, what, "write at least `1s`"));
    } else if every.offset.is_some_and(|offset| every.period <= offset) {
        let what = format!("an offset that is not shorter than {}", every.period);
        faults.push(Fault::new(Part::Every, what, "write what is left of it after whole periods"));
    }
}

fn times(when: &When, faults: &mut Vec<Fault>) {
    if let (Some(start), Some(end)) = (when.start_at, when.end_at)
        && end < start
    {
        faults.push(Fault::new(Part::EndAt, "it ends before it starts", "write an `end_at` after `start_at`"));
    }
    for (place, at) in when.at.iter().enumerate() {
        if when.start_at.is_some_and(|start| *at < start) || when.end_at.is_some_and(|end| end < *at) {
            let hint = "leave it out, or the limit that it does not keep";
            faults.push(Fault::new(Part::At(place), format!("{at} never fires: outside of start_at and end_at"), hint));
        }
    }
    if let Some(place) = when.at.iter().position(|at| super::LAST < *at) {
        faults.push(Fault::new(Part::At(place), "too far away", "write a time before the year 2257"));
    }
    if when.after.is_some() && (when.start_at.is_some() || when.end_at.is_some()) {
        let hint = "leave them out, or write `at`";
        faults.push(Fault::new(Part::In, "a delay beside `start_at` or `end_at`", hint));
    }
    if when.jitter == Some(Span::ZERO) {
        faults.push(Fault::new(Part::Jitter, "a jitter of nothing", "leave it out"));
    }
}
