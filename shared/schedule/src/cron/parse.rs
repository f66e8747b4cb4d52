//! Reading a cron expression.

use std::{ops::Range, str::FromStr};

use super::{Cron, CronFault, DaysOf, Field};

/// No expression that a person writes is longer.
const LONGEST: usize = 1024;

const WORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// One field, read.
#[derive(Clone, Copy, Default)]
struct Values {
    set: u64,
    /// It says nothing: `*`.
    is_any: bool,
    /// It holds `*` or a step.
    is_stepped: bool,
}

/// A piece of the expression, and where it stands.
#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Piece<'a> {
    fn range(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// What stands before and after the first `mark`.
    fn cut(self, mark: char) -> (Self, Option<Self>) {
        match self.text.split_once(mark) {
            None => (self, None),
            Some((before, after)) => {
                let start = self.start + before.len() + mark.len_utf8();
                (Self { text: before, ..self }, Some(Self { text: after, start }))
            }
        }
    }

    fn split(self, is_mark: impl Fn(char) -> bool) -> Vec<Self> {
        let start_of = |part: &str| self.start + (part.as_ptr() as usize - self.text.as_ptr() as usize);
        self.text.split(is_mark).map(|text| Self { text, start: start_of(text) }).collect()
    }
}

impl FromStr for Cron {
    type Err = CronFault;

    fn from_str(text: &str) -> Result<Self, CronFault> {
        let whole = |what: &str, hint: &str| fault_of(text, None, 0..text.len(), what.to_owned(), hint.to_owned());
        if text.len() > LONGEST {
            let shown: String = text.chars().take(40).collect();
            let (what, hint) = (format!("longer than {LONGEST} bytes"), "write several expressions".to_owned());
            return Err(fault_of(&format!("{shown}…"), None, 0..0, what, hint));
        }
        if text.trim_start().starts_with('@') {
            let word = text.trim();
            let known = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
            let (_, fields) = known.ok_or_else(|| whole("not a word that stands for a schedule", &hint_for(word)))?;
            return fields.parse();
        }
        if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
            return Err(whole("a time zone stands beside the expression", "write it as `timezone`"));
        }
        let fields = Piece { text, start: 0 }.split(char::is_whitespace);
        let fields: Vec<_> = fields.into_iter().filter(|piece| !piece.text.is_empty()).collect();
        let hint = match fields.first() {
            Some(first) if first.text.eq_ignore_ascii_case("every") => EVERY,
            _ => "write five: minute, hour, day of month, month, day of week; or six, with seconds first",
        };
        match fields.len() {
            5 => read(text, Values { set: 1, ..Values::default() }, &fields),
            6 => {
                let seconds = values(text, Field::Second, fields[0])?;
                read(text, seconds, &fields[1..])
            }
            7 => Err(whole("it has 7 fields", "years have no field: write `start_at` and `end_at`")),
            1 => Err(whole("it has 1 field", hint)),
            other => Err(whole(&format!("it has {other} fields"), hint)),
        }
    }
}

const EVERY: &str = "a period is no cron expression: write `every: 5m` in its place";

fn hint_for(word: &str) -> String {
    match word.split_whitespace().next() {
        Some("@every") => EVERY.to_owned(),
        Some("@at") => "write `at` instead of a cron expression".to_owned(),
        Some("@reboot") => "nothing here begins with a machine: start it with `sagaline start`".to_owned(),
        _ => format!("there are {}", WORDS.map(|(word, _)| word).join(", ")),
    }
}

fn read(text: &str, seconds: Values, fields: &[Piece<'_>]) -> Result<Cron, CronFault> {
    let mut read = [Values::default(); 5];
    for (place, (field, piece)) in Field::ALL[1..].iter().zip(fields).enumerate() {
        read[place] = values(text, *field, *piece)?;
    }
    let [minutes, hours, days, months, weekdays] = read;
    let days_of = match (days.is_any, weekdays.is_any) {
        (true, true) => DaysOf::Both,
        (false, true) => DaysOf::Month,
        (true, false) => DaysOf::Week,
        (false, false) => DaysOf::Either,
    };
    let cron = Cron {
        seconds: seconds.set,
        minutes: minutes.set,
        hours: hours.set,
        days: days.set,
        months: months.set,
        // 7 is Sunday, too.
        weekdays: (weekdays.set | weekdays.set >> 7) & 0x7f,
        days_of,
        follows_clock: seconds.is_stepped || minutes.is_stepped || hours.is_stepped,
    };
    match days_of {
        DaysOf::Month => happens(text, &cron, fields).map(|()| cron),
        // A week has all its days in every month.
        DaysOf::Both | DaysOf::Week | DaysOf::Either => Ok(cron),
    }
}

/// The days must be in one of the months.
fn happens(text: &str, cron: &Cron, fields: &[Piece<'_>]) -> Result<(), CronFault> {
    const LENGTHS: [u32; 13] = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let first = cron.days.trailing_zeros();
    let longest = (1..=12).filter(|month| super::has(cron.months, *month)).map(|month| LENGTHS[month as usize]).max();
    let longest = longest.unwrap_or(0);
    if first <= longest {
        return Ok(());
    }
    let what = format!("day {first} is in none of the months `{}`", fields[3].text);
    let hint = format!("the longest of them ends on {longest}; write a day up to that, or other months");
    Err(fault_of(text, Some(Field::DayOfMonth), fields[2].range(), what, hint))
}

/// A list of parts.
fn values(text: &str, field: Field, piece: Piece<'_>) -> Result<Values, CronFault> {
    let mut all = Values::default();
    let parts = piece.split(|c| c == ',');
    for part in &parts {
        let values = part_of(text, field, *part)?;
        all.set |= values.set;
        all.is_any |= values.is_any;
        all.is_stepped |= values.is_stepped;
    }
    Ok(all)
}

/// `*`, `5`, `1-5`, and each of them with a step.
fn part_of(text: &str, field: Field, part: Piece<'_>) -> Result<Values, CronFault> {
    let fault = |range: Range<usize>, what: String, hint: String| Err(fault_of(text, Some(field), range, what, hint));
    let (range, step) = part.cut('/');
    let (least, _) = field.bounds();
    let step_by = match step {
        None => 1,
        Some(step) => match number(step.text) {
            Some(0) => return fault(step.range(), "a step of 0".into(), "write a step of at least 1".into()),
            Some(by) if by > field.last() - least => {
                let what = format!("a step of {by} never comes twice");
                return fault(step.range(), what, hint_for_step(field, range.text, by));
            }
            Some(by) => by,
            None => {
                let what = format!("`{}` is no step", step.text);
                return fault(step.range(), what, "write a number, such as `*/15`".into());
            }
        },
    };
    let (first, last) = if range.text == "*" {
        (least, field.last())
    } else {
        match range.cut('-') {
            (first, Some(last)) => span(text, field, range, (first, last))?,
            (only, None) => {
                let first = value(text, field, only)?;
                (first, if step.is_some() { field.last().max(first) } else { first })
            }
        }
    };
    let set = (first..=last).step_by(step_by as usize).fold(0, |set, value| set | 1_u64 << value);
    let is_star = range.text == "*";
    Ok(Values { set, is_any: is_star && step_by == 1, is_stepped: is_star || step.is_some() })
}

/// The ends of a range.
fn span(text: &str, field: Field, range: Piece<'_>, ends: (Piece<'_>, Piece<'_>)) -> Result<(u32, u32), CronFault> {
    let (first, mut last) = (value(text, field, ends.0)?, value(text, field, ends.1)?);
    // `SAT-SUN`: at the end of a week Sunday is its seventh day.
    if field == Field::DayOfWeek && last == 0 && first != 0 {
        last = 7;
    }
    if first <= last {
        return Ok((first, last));
    }
    let (least, end) = (field.bounds().0, field.last());
    let what = format!("`{}` runs backwards", range.text);
    let tail = if first == end { first.to_string() } else { format!("{first}-{end}") };
    let head = if last == least { last.to_string() } else { format!("{least}-{last}") };
    Err(fault_of(text, Some(field), range.range(), what, format!("write `{tail},{head}`")))
}

fn value(text: &str, field: Field, piece: Piece<'_>) -> Result<u32, CronFault> {
    let fault = |what: String, hint: String| Err(fault_of(text, Some(field), piece.range(), what, hint));
    if let Some(value) = field.named(piece.text) {
        return Ok(value);
    }
    let (least, most) = field.bounds();
    match number(piece.text) {
        Some(value) if (least..=most).contains(&value) => Ok(value),
        Some(value) => fault(format!("{value} is out of range"), format!("write {}", field.allowed())),
        None if piece.text.is_empty() => fault("a value is missing".into(), format!("write {}", field.allowed())),
        None if piece.text == "?" => fault("`?` is not known here".into(), "write `*`".into()),
        None => fault(format!("`{}` is not a value", piece.text), format!("write {}", field.allowed())),
    }
}

/// Digits and nothing else: `+5` is no number here.
fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn hint_for_step(field: Field, range: &str, by: u32) -> String {
    let unit = match field {
        Field::Second => "s",
        Field::Minute => "m",
        Field::Hour => "h",
        Field::DayOfMonth | Field::DayOfWeek => "d",
        Field::Month => return "write the months themselves".to_owned(),
    };
    let once = if range == "*" { field.bounds().0.to_string() } else { range.to_owned() };
    format!("write `{once}` if that is meant, or `every: {by}{unit}` instead of a cron expression")
}

fn fault_of(text: &str, field: Option<Field>, at: Range<usize>, what: String, hint: String) -> CronFault {
    CronFault { text: text.to_owned(), at, field, what, hint }
}
