//! Which moment a clock on the wall means, and what it shows at one.
//!
//! A clock is moved at *shifts*. Forward leaves a gap: times that it never shows. Back makes an overlap: times that it shows twice.
//! All is in whole seconds since 1970 UTC.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use crate::cron::{Cron, Wall};

/// So long there is at most one shift, and no clock is as far from UTC: what is further away than this is on one side of it.
const REACH: i64 = 48 * 3600;

/// The seconds between two shifts, as far as one looked.
#[derive(Clone, Copy)]
struct Calm {
    /// What the clock is ahead of UTC.
    ahead: i64,
    /// The first second of which this is not known any more, or not so.
    until: i64,
}

/// The first moment after `after` that the expression names in this zone.
pub(crate) fn next_after(cron: &Cron, zone: Tz, after: i64) -> Option<i64> {
    if cron.follows_clock() { next_as_clock_runs(cron, zone, after + 1) } else { next_time_of_day(cron, zone, after) }
}

/// Goes by what the clock shows, from one shift to the next.
fn next_as_clock_runs(cron: &Cron, zone: Tz, mut from: i64) -> Option<i64> {
    loop {
        let calm = calm_from(zone, from);
        let found = cron.first_from(from + calm.ahead)? - calm.ahead;
        if found < calm.until {
            return Some(found);
        }
        // Where there was no shift within reach, nothing before `found` can be shown again: what lies between is left out.
        let is_far = REACH <= calm.until - from;
        from = if is_far { calm.until.max(found - REACH) } else { calm.until };
    }
}

/// Each time comes once: the first time that the clock shows it, or when the gap is over in which it would have come.
fn next_time_of_day(cron: &Cron, zone: Tz, after: i64) -> Option<i64> {
    let wall = cron.first_from(latest_shown(zone, after) + 1)?;
    Some(first_at(zone, wall))
}

/// The latest time that the clock has shown so far. After it was put back that is not what it shows.
fn latest_shown(zone: Tz, at: i64) -> Wall {
    let calm = calm_from(zone, at - REACH);
    let now = at + ahead_at(zone, at);
    if calm.until <= at { now.max(calm.until + calm.ahead - 1) } else { now }
}

/// When the clock shows this for the first time; or when the gap ends that it lies in.
fn first_at(zone: Tz, wall: Wall) -> i64 {
    let calm = calm_from(zone, wall - REACH / 2);
    let before = wall - calm.ahead;
    if before < calm.until {
        return before;
    }
    calm.until.max(wall - ahead_at(zone, calm.until))
}

/// How long the clock is not moved, within reach.
fn calm_from(zone: Tz, from: i64) -> Calm {
    let ahead = ahead_at(zone, from);
    let (mut same, mut until) = (from, from + REACH);
    if ahead_at(zone, until) != ahead {
        while 1 < until - same {
            let middle = same + (until - same) / 2;
            if ahead_at(zone, middle) == ahead { same = middle } else { until = middle }
        }
    }
    Calm { ahead, until }
}

fn ahead_at(zone: Tz, at: i64) -> i64 {
    let utc = DateTime::from_timestamp(at, 0).unwrap_or_default().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
}
