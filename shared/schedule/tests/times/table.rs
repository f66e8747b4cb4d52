//! Expression by expression: those that people write, and those that they get wrong.

use crate::{cron, ticks};

/// Each from Thursday, 1 January 2026, 00:00 UTC on.
#[track_caller]
fn fires(expression: &str, expected: &[&str]) {
    assert_eq!(ticks(&cron(expression, "UTC"), "2026-01-01T00:00:00Z", expected.len()), expected, "{expression}");
}

#[test]
fn every_minute_hour_day_week_month_and_year() {
    fires("* * * * *", &["2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"]);
    fires("0 * * * *", &["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"]);
    fires("*/15 * * * *", &["2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"]);
    fires("0 0 * * *", &["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]);
    fires("0 6 * * *", &["2026-01-01T06:00:00Z", "2026-01-02T06:00:00Z"]);
    fires("0 12 * * *", &["2026-01-01T12:00:00Z", "2026-01-02T12:00:00Z"]);
    fires("0 18 * * *", &["2026-01-01T18:00:00Z", "2026-01-02T18:00:00Z"]);
    fires("0 2 * * *", &["2026-01-01T02:00:00Z", "2026-01-02T02:00:00Z"]);
    fires("0 2 * * 0", &["2026-01-04T02:00:00Z", "2026-01-11T02:00:00Z"]);
    fires("0 0 * * 0", &["2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"]);
    fires("0 6 * * 1", &["2026-01-05T06:00:00Z", "2026-01-12T06:00:00Z"]);
    fires("0 0 1 * *", &["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]);
    fires("0 0 1 1 *", &["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]);
}

#[test]
fn office_hours_are_from_monday_to_friday() {
    let friday = ["09", "10", "11", "12", "13", "14", "15", "16", "17"].map(|hour| format!("2026-01-02T{hour}:00:00Z"));
    let weekdays = cron("0 9-17 * * 1-5", "UTC");
    assert_eq!(ticks(&weekdays, "2026-01-02T00:00:00Z", 9), friday);
    assert_eq!(ticks(&weekdays, "2026-01-02T17:00:01Z", 1), ["2026-01-05T09:00:00Z"], "no weekend");
    assert_eq!(ticks(&cron("0 9-17 * * MON-FRI", "UTC"), "2026-01-02T17:00:01Z", 1), ["2026-01-05T09:00:00Z"]);
}

#[test]
fn words_stand_for_expressions() {
    for (word, expression) in [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        (" @Daily ", "0 0 * * *"),
    ] {
        let ticks = |text| ticks(&cron(text, "Europe/Berlin"), "2026-01-01T00:00:00Z", 20);
        assert_eq!(ticks(word), ticks(expression), "{word}");
    }
}

#[test]
fn sunday_is_0_and_7_and_sun() {
    let sundays = ["2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z", "2026-01-18T00:00:00Z"];
    for expression in ["0 0 * * 0", "0 0 * * 7", "0 0 * * SUN", "0 0 * * sun", "0 0 * * 0,7", "0 0 * * 7-7"] {
        fires(expression, &sundays);
    }
    let weekends = ["2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-10T00:00:00Z"];
    for expression in ["0 0 * * 6,0", "0 0 * * 6-7", "0 0 * * SAT-SUN", "0 0 * * 6-0", "0 0 * * SAT,SUN"] {
        fires(expression, &weekends);
    }
    fires("0 0 * * 5-7", &["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"]);
    fires("0 0 * * 1-7/3", &["2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-05T00:00:00Z"]);
}

#[test]
fn of_two_kinds_of_days_either_will_do() {
    // Thursday the 1st; Fridays; the 13th, a Tuesday.
    fires("0 0 13 * FRI", &["2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z"]);
    fires("0 0 13 * *", &["2026-01-13T00:00:00Z", "2026-02-13T00:00:00Z"]);
    fires("0 0 * * FRI", &["2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z"]);
    fires("0 0 */1 * FRI", &["2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z"]);
    fires("0 0 31 2 MON", &["2026-02-02T00:00:00Z", "2026-02-09T00:00:00Z"]);
    fires("0 0 */10 * MON", &["2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z", "2026-01-11T00:00:00Z"]);
}

#[test]
fn the_31st_comes_seven_times_a_year_and_leap_day_when_there_is_one() {
    let months = ["01", "03", "05", "07", "08", "10", "12"].map(|month| format!("2026-{month}-31T00:00:00Z"));
    fires("0 0 31 * *", &months.each_ref().map(String::as_str));
    fires("0 0 29 2 *", &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
    fires("0 0 29 FEB-MAR *", &["2026-03-29T00:00:00Z", "2027-03-29T00:00:00Z", "2028-02-29T00:00:00Z"]);
    let century = ticks(&cron("0 0 29 2 *", "UTC"), "2096-03-01T00:00:00Z", 1);
    assert_eq!(century, ["2104-02-29T00:00:00Z"], "2100 has none");
    fires("0 0 30 4,2 *", &["2026-04-30T00:00:00Z", "2027-04-30T00:00:00Z"]);
}

#[test]
fn six_fields_begin_with_seconds() {
    fires("0 0 6 * * *", &["2026-01-01T06:00:00Z", "2026-01-02T06:00:00Z"]);
    fires("*/20 * * * * *", &["2026-01-01T00:00:00Z", "2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z"]);
    fires("30 59 23 31 12 *", &["2026-12-31T23:59:30Z", "2027-12-31T23:59:30Z"]);
    fires("10,50 * * * * *", &["2026-01-01T00:00:10Z", "2026-01-01T00:00:50Z", "2026-01-01T00:01:10Z"]);
}

#[test]
fn lists_ranges_steps_and_names_combine() {
    fires("5,35-37 1 * * *", &["2026-01-01T01:05:00Z", "2026-01-01T01:35:00Z", "2026-01-01T01:36:00Z"]);
    fires("10-40/15 0 * * *", &["2026-01-01T00:10:00Z", "2026-01-01T00:25:00Z", "2026-01-01T00:40:00Z"]);
    fires("50/5 0 * * *", &["2026-01-01T00:50:00Z", "2026-01-01T00:55:00Z", "2026-01-02T00:50:00Z"]);
    fires("0 0 1 jan,JUL *", &["2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z"]);
    fires("0 0 1 */6 *", &["2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z"]);
    fires("  0   8\t* * 1,3  ", &["2026-01-05T08:00:00Z", "2026-01-07T08:00:00Z", "2026-01-12T08:00:00Z"]);
}

#[test]
fn the_time_is_that_of_the_zone() {
    let six = |zone| ticks(&cron("0 6 * * *", zone), "2026-01-01T00:00:00Z", 1).remove(0);
    assert_eq!(six("Europe/Berlin"), "2026-01-01T05:00:00Z");
    assert_eq!(six("America/New_York"), "2026-01-01T11:00:00Z");
    assert_eq!(six("Asia/Kolkata"), "2026-01-01T00:30:00Z");
    assert_eq!(six("Pacific/Kiritimati"), "2026-01-01T16:00:00Z");
    assert_eq!(six("Pacific/Pago_Pago"), "2026-01-01T17:00:00Z");
    let sunday = ticks(&cron("0 0 * * 0", "Asia/Tokyo"), "2026-01-01T00:00:00Z", 1);
    assert_eq!(sunday, ["2026-01-03T15:00:00Z"], "where it is Sunday already");
}
