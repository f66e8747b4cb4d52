//! To find the next tick costs little, and no more where it is far away or the clock is moved in between.
//!
//! Counted is the time of this thread alone, of the best of a few tries, so that a busy machine does not count. The bound is a multiple
//! of what an optimised build is to need: tests are not optimised.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sagaline_events::{
    ScheduleInput,
    schedule::{ScheduleSet, ScheduleTimer},
};
use sagaline_model::{Moment, ScheduleSpec, Span, When};
use sagaline_schedule::Schedule;

use crate::{cron, moment, name, pattern};

const TRIES: usize = 5;
const EACH: u32 = 2_000;

/// What an optimised build needs is a tenth of this (docs/decisions/020-cron.md).
const MOST: Duration = Duration::from_micros(20);

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How long one takes, on the average over a year.
fn cost(when: &When) -> Duration {
    let pattern = pattern(when);
    let year = moment("2026-01-01T00:00:00Z");
    let places: Vec<_> = (0..u64::from(EACH)).map(|place| year + Span::from_secs(place * 15_768)).collect();
    let once = || {
        let begin = now();
        let found = places.iter().filter_map(|place| pattern.next_after(*place)).fold(Moment::EPOCH, Moment::max);
        assert!(year < found);
        (now() - begin) / EACH
    };
    (0..TRIES).map(|_| once()).min().unwrap()
}

#[test]
fn the_next_tick_is_found_at_once() {
    for expression in
        ["* * * * *", "*/15 * * * *", "0 6 * * *", "0 9-17 * * 1-5", "0 0 1 1 *", "0 0 29 2 *", "*/7 3 29 2 *"]
    {
        for zone in ["UTC", "Europe/Berlin", "America/New_York"] {
            let cost = cost(&cron(expression, zone));
            println!("{expression:16} {zone:18} {cost:?}");
            assert!(cost < MOST, "{expression} in {zone}: {cost:?}");
        }
    }
}

#[test]
fn a_tick_is_decided_at_once() {
    let spec = ScheduleSpec::of(name("report"), cron("*/5 * * * *", "Europe/Berlin"));
    let mut schedule = Schedule::new(name("nightly"));
    let set = ScheduleInput::Set(Box::new(ScheduleSet::of(spec)));
    schedule.apply(&set, moment("2026-01-01T00:00:00Z"));
    let mut tick = || {
        let due = schedule.next_timer().unwrap();
        assert_eq!(schedule.apply(&ScheduleInput::Timer(ScheduleTimer {}), due).len(), 2, "a start, and news of it");
    };
    let mut once = || {
        let begin = now();
        (0..EACH).for_each(|_| tick());
        (now() - begin) / EACH
    };
    let cost = (0..TRIES).map(|_| once()).min().unwrap();
    println!("{cost:?} for a tick, {} bytes of a snapshot", schedule.to_snapshot().len());
    assert!(cost < MOST * 10, "{cost:?}");
}
