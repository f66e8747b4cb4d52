//! A cron expression, read: for each field the set of its values, as bits.
//!
//! It knows the calendar, and nothing of time zones: which local time is which moment is `zone`'s.

mod fault;
mod field;
mod parse;

use chrono::{Datelike, NaiveDate};

pub use self::{fault::CronFault, field::Field};

/// When something happens, by the clock on the wall and the calendar beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    days_of: DaysOf,
    follows_clock: bool,
}

/// Which of the two fields of days decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DaysOf {
    Both,
    Month,
    Week,
    Either,
}

/// Seconds since 1970 as the clock on the wall shows them.
pub(crate) type Wall = i64;

pub(crate) const DAY: i64 = 86_400;

/// After so many years everything that ever happens has happened: a 29 February, at the turn of a century.
const YEARS_MOST: i32 = 8;

impl Cron {
    /// Whether it names times of the day (`30 2 * * *`), each of which comes once a day whatever the clock does, or goes by
    /// the clock as it runs (`*/15 * * * *`).
    pub(crate) fn follows_clock(&self) -> bool {
        self.follows_clock
    }

    /// The first time not before `from` that it names.
    pub(crate) fn first_from(&self, from: Wall) -> Option<Wall> {
        let (day, second) = (from.div_euclid(DAY), from.rem_euclid(DAY));
        let date = date_of(day)?;
        if self.is_day(date)
            && let Some(second) = self.time_from(second as u32)
        {
            return Some(day * DAY + i64::from(second));
        }
        let next = self.day_from(date.succ_opt()?)?;
        let first = self.time_from(0).expect("no field is empty");
        Some(day_of(next) * DAY + i64::from(first))
    }

    /// The first time of a day not before this second of it.
    fn time_from(&self, second: u32) -> Option<u32> {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let first_second = || first_from(self.seconds, 0);
        let first_minute = || first_from(self.minutes, 0);
        if has(self.hours, hour) {
            if has(self.minutes, minute)
                && let Some(second) = first_from(self.seconds, second)
            {
                return Some(hour * 3600 + minute * 60 + second);
            }
            if let Some(minute) = first_from(self.minutes, minute + 1) {
                return Some(hour * 3600 + minute * 60 + first_second()?);
            }
        }
        let hour = first_from(self.hours, hour + 1)?;
        Some(hour * 3600 + first_minute()? * 60 + first_second()?)
    }

    fn is_day(&self, date: NaiveDate) -> bool {
        has(self.months, date.month()) && has(self.days_in(date), date.day())
    }

    /// The first day not before `date`, month by month.
    fn day_from(&self, date: NaiveDate) -> Option<NaiveDate> {
        let (mut year, mut month, mut day) = (date.year(), date.month(), date.day());
        let last_year = year + YEARS_MOST;
        loop {
            match first_from(self.months, month) {
                Some(next) if next == month => {}
                Some(next) => (month, day) = (next, 1),
                None => (year, month, day) = (year + 1, first_from(self.months, 0)?, 1),
            }
            if last_year < year {
                return None;
            }
            let first = NaiveDate::from_ymd_opt(year, month, 1)?;
            if let Some(day) = first_from(self.days_in(first), day) {
                return NaiveDate::from_ymd_opt(year, month, day);
            }
            (year, month, day) = if month == 12 { (year + 1, 1, 1) } else { (year, month + 1, 1) };
        }
    }

    /// The days that it names in the month of `date`.
    fn days_in(&self, date: NaiveDate) -> u64 {
        let weekdays = || {
            let first = date.weekday().num_days_from_sunday() + 7 - (date.day() - 1) % 7;
            // Bit 1 is the first of the month: as many weeks as a month can touch, one after the other, moved to where it begins.
            let weeks = (0..6).fold(0, |weeks, week| weeks | self.weekdays << (7 * week));
            weeks >> (first % 7) << 1
        };
        let days = match self.days_of {
            DaysOf::Both => u64::MAX,
            DaysOf::Month => self.days,
            DaysOf::Week => weekdays(),
            DaysOf::Either => self.days | weekdays(),
        };
        days & ((2 << date.num_days_in_month()) - 2)
    }
}

fn has(set: u64, value: u32) -> bool {
    set >> value & 1 == 1
}

fn first_from(set: u64, value: u32) -> Option<u32> {
    let rest = set.checked_shr(value).unwrap_or(0);
    (rest != 0).then(|| value + rest.trailing_zeros())
}

fn date_of(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(i32::try_from(day).ok()?)
}

fn day_of(date: NaiveDate) -> i64 {
    i64::from(date.to_epoch_days())
}
