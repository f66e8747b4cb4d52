//! What becomes of a time that a clock never shows, or shows twice.

use crate::{cron, ticks};

#[track_caller]
fn fires(zone: &str, expression: &str, from: &str, expected: &[&str]) {
    assert_eq!(ticks(&cron(expression, zone), from, expected.len()), expected, "{expression} in {zone}");
}

/// 29 March 2026: 02:00 is 03:00 at once, 01:00 UTC.
#[test]
fn in_berlin_a_time_in_the_gap_comes_when_it_is_over() {
    let from = "2026-03-28T12:00:00Z";
    fires("Europe/Berlin", "30 2 * * *", from, &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    fires("Europe/Berlin", "0 2 * * *", from, &["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"]);
    fires("Europe/Berlin", "0 3 * * *", from, &["2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"]);
    fires("Europe/Berlin", "59 1 * * *", from, &["2026-03-29T00:59:00Z", "2026-03-29T23:59:00Z"]);
    // Three times, and one moment.
    fires("Europe/Berlin", "0,30 2-3 * * *", "2026-03-29T00:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]);
    fires("Europe/Berlin", "15 30 2 29 3 *", from, &["2026-03-29T01:00:00Z", "2027-03-29T00:30:15Z"]);
    fires("Europe/Berlin", "30 2 * * SUN", from, &["2026-03-29T01:00:00Z", "2026-04-05T00:30:00Z"]);
}

/// 25 October 2026: 03:00 is 02:00 again, 01:00 UTC.
#[test]
fn in_berlin_a_time_in_the_overlap_comes_once() {
    let from = "2026-10-24T12:00:00Z";
    fires("Europe/Berlin", "30 2 * * *", from, &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    fires("Europe/Berlin", "0 2 * * *", from, &["2026-10-25T00:00:00Z", "2026-10-26T01:00:00Z"]);
    fires("Europe/Berlin", "0 3 * * *", from, &["2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"]);
    // Asked between the two.
    fires("Europe/Berlin", "30 2 * * *", "2026-10-25T00:45:00Z", &["2026-10-26T01:30:00Z"]);
    fires("Europe/Berlin", "30 2 * * *", "2026-10-25T01:15:00Z", &["2026-10-26T01:30:00Z"]);
    fires(
        "Europe/Berlin",
        "0 1,2,3 * * *",
        "2026-10-24T23:00:00Z",
        &["2026-10-24T23:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"],
    );
}

#[test]
fn in_berlin_steps_and_stars_go_by_the_clock_as_it_runs() {
    let (spring, autumn) = ("2026-03-29T00:30:00Z", "2026-10-25T00:30:00Z");
    fires(
        "Europe/Berlin",
        "*/30 * * * *",
        spring,
        &["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"],
    );
    fires(
        "Europe/Berlin",
        "*/30 * * * *",
        autumn,
        &["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"],
    );
    fires(
        "Europe/Berlin",
        "30 * * * *",
        autumn,
        &["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"],
    );
    // An hour that is not there has no half of it.
    fires("Europe/Berlin", "*/30 2 * * *", "2026-03-28T12:00:00Z", &["2026-03-30T00:00:00Z", "2026-03-30T00:30:00Z"]);
    // Two hours by the clock are three, or one.
    fires(
        "Europe/Berlin",
        "0 */2 * * *",
        "2026-10-24T22:00:00Z",
        &["2026-10-24T22:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T03:00:00Z"],
    );
}

/// 8 March 2026: 02:00 is 03:00 at once, 07:00 UTC. 1 November: 02:00 is 01:00 again, 06:00 UTC.
#[test]
fn new_york_is_moved_on_other_days() {
    let (spring, autumn) = ("2026-03-07T12:00:00Z", "2026-10-31T12:00:00Z");
    fires("America/New_York", "30 2 * * *", spring, &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]);
    fires("America/New_York", "0 6 * * *", spring, &["2026-03-08T10:00:00Z", "2026-03-09T10:00:00Z"]);
    fires("America/New_York", "30 1 * * *", autumn, &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]);
    fires("America/New_York", "0 2 * * *", autumn, &["2026-11-01T07:00:00Z", "2026-11-02T07:00:00Z"]);
    fires(
        "America/New_York",
        "30 * * * *",
        "2026-11-01T05:00:00Z",
        &["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-01T07:30:00Z"],
    );
}

#[test]
fn clocks_are_moved_elsewhere_by_half_an_hour_at_midnight_and_by_a_day() {
    // Half an hour: 02:00 is 02:30 on 4 October.
    fires(
        "Australia/Lord_Howe",
        "15 2 * * *",
        "2026-10-03T12:00:00Z",
        &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
    );
    // Beirut at midnight: 29 March begins at 01:00.
    fires("Asia/Beirut", "0 0 * * *", "2026-03-28T12:00:00Z", &["2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"]);
    // Cairo goes back at midnight: the last hour of Thursday comes twice.
    fires("Africa/Cairo", "30 23 * * *", "2026-10-29T12:00:00Z", &["2026-10-29T20:30:00Z", "2026-10-30T21:30:00Z"]);
    // Apia had no 30 December 2011.
    fires(
        "Pacific/Apia",
        "0 12 * * *",
        "2011-12-29T12:00:00Z",
        &["2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"],
    );
    fires("Pacific/Apia", "0 12 30 12 *", "2011-12-01T00:00:00Z", &["2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"]);
    fires("Pacific/Apia", "0 * 30 12 *", "2011-12-01T00:00:00Z", &["2012-12-29T10:00:00Z"]);
}

#[test]
fn from_far_away_a_shift_in_between_is_seen() {
    fires("Europe/Berlin", "0 12 1 7 *", "2026-01-01T00:00:00Z", &["2026-07-01T10:00:00Z", "2027-07-01T10:00:00Z"]);
    fires("Europe/Berlin", "*/30 12 1 7 *", "2026-01-01T00:00:00Z", &["2026-07-01T10:00:00Z", "2026-07-01T10:30:00Z"]);
    fires("Europe/Berlin", "* 2 25 10 *", "2025-10-26T00:00:00Z", &["2026-10-25T00:00:00Z", "2026-10-25T00:01:00Z"]);
}
