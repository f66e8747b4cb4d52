//! Nothing ran for a while.

use sagaline_model::{Overlap, ScheduleSpec, Span};

use crate::tale::{after, cron, every, hourly, spec, tale};

#[test]
fn what_is_not_too_late_fires_and_the_rest_is_told() {
    tale(spec(every("15m")))
        .timer("2h40m")
        .says(&["skipped 00:15 to 01:30 (6): missed", "start 01:45", "start 02:00", "start 02:15", "start 02:30"])
        .waits_until("02:45");
}

#[test]
fn how_late_is_too_late_can_be_said() {
    let patient =
        |catch_up: &str| ScheduleSpec { catch_up: Some(catch_up.parse().unwrap()), ..spec(cron("0 1 * * *")) };
    tale(patient("10m")).timer("1h10m").says(&["start 01:00"]);
    tale(patient("10m")).timer("1h10m1ms").says(&["skipped 01:00: missed"]).waits_until("1d+01:00");
    tale(patient("1w")).timer("60h").says(&["start 01:00", "start 20260102T010000Z", "start 20260103T010000Z"]);
    tale(patient("0ms")).timer("1h").says(&["start 01:00"]).timer("25h1ms").says(&["skipped 1d+01:00: missed"]);
}

#[test]
fn those_that_may_not_overlap_are_left_out_when_many_are_late() {
    let spec = |overlap| ScheduleSpec { catch_up: Some(Span::from_secs(86_400)), ..hourly(overlap) };
    tale(spec(Overlap::Skip)).timer("3h30m").says(&[
        "start 01:00",
        "watch 01:00",
        "skipped 02:00 to 03:00 (2): overlap",
    ]);
    tale(spec(Overlap::QueueOne)).timer("3h30m").says(&["start 01:00", "watch 01:00", "skipped 03:00: overlap"]);
    tale(spec(Overlap::CancelRunning)).timer("3h30m").says(&[
        "skipped 01:00 to 02:00 (2): replaced",
        "start 03:00",
        "watch 03:00",
    ]);
}

#[test]
fn a_year_of_seconds_is_told_at_once() {
    let tale = tale(spec(every("1s"))).timer("365d");
    let words = crate::tale::in_words(&tale.effects);
    assert_eq!(words[0], "skipped 00:00:01 to 364d+22:59:59 (more than 10000): missed");
    assert_eq!(words.len(), 1_001, "so many start at once");
    let rest = tale.waits_until("364d+23:16:40").due();
    assert_eq!(rest.effects.len(), 2_000);
    assert_eq!(rest.schedule.next_timer(), Some(after("364d") + Span::from_secs(23 * 3600 + 2_000)));
}
