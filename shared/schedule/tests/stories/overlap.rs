//! A tick comes while the execution of an earlier one runs.

use sagaline_model::{Overlap, ScheduleSpec};

use crate::tale::{cron, hourly, spec, tale};

#[test]
fn side_by_side() {
    tale(hourly(Overlap::Allow)).timer("1h").says(&["start 01:00"]).timer("2h").says(&["start 02:00"]);
}

#[test]
fn left_out() {
    tale(hourly(Overlap::Skip))
        .timer("1h")
        .says(&["start 01:00", "watch 01:00"])
        .timer("2h")
        .says(&["skipped 02:00: overlap", "watch 01:00"])
        .ended("2h1m", "01:00")
        .says(&[])
        .timer("3h")
        .says(&["start 03:00", "watch 03:00"]);
}

#[test]
fn one_waits() {
    tale(hourly(Overlap::QueueOne))
        .timer("1h")
        .says(&["start 01:00", "watch 01:00"])
        .timer("2h")
        .says(&["watch 01:00"])
        .timer("3h")
        .says(&["skipped 03:00: overlap", "watch 01:00"])
        .ended("3h1m", "01:00")
        .says(&["start 02:00", "watch 02:00"])
        .timer("4h")
        .says(&["watch 02:00"])
        .ended("4h1m", "02:00")
        .says(&["start 04:00", "watch 04:00"])
        .ended("4h1m30s", "04:00")
        .says(&[])
        .timer("5h")
        .says(&["start 05:00", "watch 05:00"]);
}

#[test]
fn the_newest_takes_the_place_of_what_runs() {
    tale(hourly(Overlap::CancelRunning))
        .timer("1h")
        .says(&["start 01:00", "watch 01:00"])
        .timer("2h")
        .says(&["cancel 01:00", "watch 01:00"])
        .timer("3h")
        .says(&["skipped 02:00: replaced", "watch 01:00"])
        .ended("3h1s", "01:00")
        .says(&["start 03:00", "watch 03:00"]);
}

#[test]
fn an_end_that_comes_twice_or_from_elsewhere_lets_nobody_in() {
    tale(hourly(Overlap::QueueOne))
        .timer("1h")
        .ended("1h1s", "00:30")
        .says(&[])
        .timer("2h")
        .says(&["watch 01:00"])
        .ended("2h1s", "02:00")
        .says(&[])
        .ended("2h2s", "01:00")
        .says(&["start 02:00", "watch 02:00"])
        .timer("3h")
        .says(&["watch 02:00"])
        .ended("3h1s", "01:00")
        .says(&[]);
}

#[test]
fn whoever_is_not_heard_of_is_asked_ever_more_rarely() {
    let mut tale = tale(ScheduleSpec { overlap: Overlap::Skip, ..spec(cron("0 1 * * *")) }).due();
    for next in ["01:01", "01:03", "01:07", "01:15", "01:31", "02:03", "03:07", "04:11"] {
        tale = tale.waits_until(next).due().says(&["watch 01:00"]);
    }
    tale.ended("4h12m", "01:00").says(&[]).waits_until("1d+01:00");
}

#[test]
fn a_start_that_was_lost_is_made_again_under_its_name() {
    tale(hourly(Overlap::Skip))
        .timer("1h")
        .unknown("1h1m", "01:00")
        .says(&["watch 01:00", "start 01:00 again", "watch 01:00"])
        .unknown("1h1m", "00:00")
        .says(&[])
        .timer("2h")
        .says(&["skipped 02:00: overlap", "watch 01:00"]);
}

#[test]
fn what_was_to_be_cancelled_and_is_lost_has_ended() {
    tale(hourly(Overlap::CancelRunning))
        .timer("1h")
        .timer("2h")
        .says(&["cancel 01:00", "watch 01:00"])
        .unknown("2h1s", "01:00")
        .says(&["start 02:00", "watch 02:00"]);
}

#[test]
fn the_last_that_may_start_leaves_nobody_waiting() {
    tale(ScheduleSpec { limit: Some(1), ..hourly(Overlap::QueueOne) })
        .timer("1h")
        .says(&["start 01:00", "watch 01:00", "finished"])
        .timer("2h")
        .says(&["watch 01:00"])
        .ended("2h1m", "01:00")
        .says(&[])
        .waits_for_nothing();
    // One waits when a backfill takes the last start.
    tale(ScheduleSpec { limit: Some(2), ..hourly(Overlap::QueueOne) })
        .timer("1h")
        .timer("2h")
        .says(&["watch 01:00"])
        .backfill("2h1m", "2025-12-31T10:00:00Z", "2025-12-31T10:00:00Z", Some(Overlap::Allow))
        .says(&["start 20251231T100000Z", "watch 20251231T100000Z", "skipped 02:00: limit", "finished"]);
}
