//! What is wrong is told with its place, and with what would be right.

use sagaline_model::{Every, Moment, Name, Span, When};
use sagaline_schedule::{Cron, Field, Part, Pattern};

use crate::{cron, moment};

#[track_caller]
fn says(expression: &str, field: Option<Field>, wrong: &str, message: &str) {
    let fault = expression.parse::<Cron>().expect_err(expression);
    assert_eq!(fault.to_string(), message);
    assert_eq!(fault.field, field, "{expression}");
    assert_eq!(&fault.text[fault.at.clone()], wrong, "{expression}");
}

#[test]
fn a_value_out_of_range_names_its_field() {
    says(
        "60 * * * *",
        Some(Field::Minute),
        "60",
        "60 is out of range in the field `minute`, column 1 of `60 * * * *`; write 0 to 59",
    );
    says(
        "0 24 * * *",
        Some(Field::Hour),
        "24",
        "24 is out of range in the field `hour`, column 3 of `0 24 * * *`; write 0 to 23",
    );
    says(
        "0 0 0 * *",
        Some(Field::DayOfMonth),
        "0",
        "0 is out of range in the field `day of month`, column 5 of `0 0 0 * *`; write 1 to 31",
    );
    says(
        "0 0 1 13 *",
        Some(Field::Month),
        "13",
        "13 is out of range in the field `month`, column 7 of `0 0 1 13 *`; write 1 to 12, or JAN to DEC",
    );
    says(
        "0 0 * * 8",
        Some(Field::DayOfWeek),
        "8",
        "8 is out of range in the field `day of week`, column 9 of `0 0 * * 8`; write 0 to 7 (0 and 7 are Sunday), or SUN to SAT",
    );
    says(
        "61 0 0 * * *",
        Some(Field::Second),
        "61",
        "61 is out of range in the field `second`, column 1 of `61 0 0 * * *`; write 0 to 59",
    );
}

#[test]
fn what_is_no_value_is_shown() {
    says(
        "0 0 * * MOO",
        Some(Field::DayOfWeek),
        "MOO",
        "`MOO` is not a value in the field `day of week`, column 9 of `0 0 * * MOO`; write 0 to 7 (0 and 7 are Sunday), or SUN to SAT",
    );
    says(
        "0 0 L * *",
        Some(Field::DayOfMonth),
        "L",
        "`L` is not a value in the field `day of month`, column 5 of `0 0 L * *`; write 1 to 31",
    );
    says(
        "0 0 1, * *",
        Some(Field::DayOfMonth),
        "",
        "a value is missing in the field `day of month`, column 7 of `0 0 1, * *`; write 1 to 31",
    );
    says(
        "-5 * * * *",
        Some(Field::Minute),
        "",
        "a value is missing in the field `minute`, column 1 of `-5 * * * *`; write 0 to 59",
    );
    says(
        "0 0 ? * 1",
        Some(Field::DayOfMonth),
        "?",
        "`?` is not known here in the field `day of month`, column 5 of `0 0 ? * 1`; write `*`",
    );
    says(
        "+5 * * * *",
        Some(Field::Minute),
        "+5",
        "`+5` is not a value in the field `minute`, column 1 of `+5 * * * *`; write 0 to 59",
    );
    says(
        "99999999999 * * * *",
        Some(Field::Minute),
        "99999999999",
        "`99999999999` is not a value in the field `minute`, column 1 of `99999999999 * * * *`; write 0 to 59",
    );
    says(
        "0 0 1-2-3 * *",
        Some(Field::DayOfMonth),
        "2-3",
        "`2-3` is not a value in the field `day of month`, column 7 of `0 0 1-2-3 * *`; write 1 to 31",
    );
    says(
        "0 ü * * *",
        Some(Field::Hour),
        "ü",
        "`ü` is not a value in the field `hour`, column 3 of `0 ü * * *`; write 0 to 23",
    );
}

#[test]
fn steps_and_ranges_that_mean_something_else_are_refused() {
    says(
        "*/0 * * * *",
        Some(Field::Minute),
        "0",
        "a step of 0 in the field `minute`, column 3 of `*/0 * * * *`; write a step of at least 1",
    );
    says(
        "*/90 * * * *",
        Some(Field::Minute),
        "90",
        "a step of 90 never comes twice in the field `minute`, column 3 of `*/90 * * * *`; write `0` if that is meant, or `every: 90m` instead of a cron expression",
    );
    says(
        "0 0 */31 * *",
        Some(Field::DayOfMonth),
        "31",
        "a step of 31 never comes twice in the field `day of month`, column 7 of `0 0 */31 * *`; write `1` if that is meant, or `every: 31d` instead of a cron expression",
    );
    says(
        "*/x * * * *",
        Some(Field::Minute),
        "x",
        "`x` is no step in the field `minute`, column 3 of `*/x * * * *`; write a number, such as `*/15`",
    );
    says(
        "0 22-4 * * *",
        Some(Field::Hour),
        "22-4",
        "`22-4` runs backwards in the field `hour`, column 3 of `0 22-4 * * *`; write `22-23,0-4`",
    );
    says(
        "0 23-0 * * *",
        Some(Field::Hour),
        "23-0",
        "`23-0` runs backwards in the field `hour`, column 3 of `0 23-0 * * *`; write `23,0`",
    );
    says(
        "0 0 * * FRI-MON",
        Some(Field::DayOfWeek),
        "FRI-MON",
        "`FRI-MON` runs backwards in the field `day of week`, column 9 of `0 0 * * FRI-MON`; write `5-6,0-1`",
    );
    says(
        "0 0 1 NOV-FEB *",
        Some(Field::Month),
        "NOV-FEB",
        "`NOV-FEB` runs backwards in the field `month`, column 7 of `0 0 1 NOV-FEB *`; write `11-12,1-2`",
    );
}

#[test]
fn what_can_never_come_is_refused() {
    says(
        "0 0 31 2 *",
        Some(Field::DayOfMonth),
        "31",
        "day 31 is in none of the months `2` in the field `day of month`, column 5 of `0 0 31 2 *`; the longest of them ends on 29; write a day up to that, or other months",
    );
    says(
        "0 0 30-31 FEB *",
        Some(Field::DayOfMonth),
        "30-31",
        "day 30 is in none of the months `FEB` in the field `day of month`, column 5 of `0 0 30-31 FEB *`; the longest of them ends on 29; write a day up to that, or other months",
    );
    says(
        "0 0 31 4,6,9,11 *",
        Some(Field::DayOfMonth),
        "31",
        "day 31 is in none of the months `4,6,9,11` in the field `day of month`, column 5 of `0 0 31 4,6,9,11 *`; the longest of them ends on 30; write a day up to that, or other months",
    );
    assert!("0 0 31 2 1".parse::<Cron>().is_ok(), "Mondays");
    assert!("0 0 29,31 2 *".parse::<Cron>().is_ok());
}

#[test]
fn the_number_of_fields_is_told() {
    let five = "write five: minute, hour, day of month, month, day of week; or six, with seconds first";
    for (text, what) in [
        ("", "it has 0 fields"),
        ("6", "it has 1 field"),
        ("0 6 * *", "it has 4 fields"),
        ("1 2 3 4 5 6 7 8", "it has 8 fields"),
    ] {
        says(text, None, text, &format!("`{text}`: {what}; {five}"));
    }
    let years = "0 0 6 * * * 2026";
    says(
        years,
        None,
        years,
        &format!("`{years}`: it has 7 fields; years have no field: write `start_at` and `end_at`"),
    );
}

#[test]
fn words_that_others_know_are_answered() {
    let words = "there are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly";
    says(
        "@fortnightly",
        None,
        "@fortnightly",
        &format!("`@fortnightly`: not a word that stands for a schedule; {words}"),
    );
    says(
        "@every 5m",
        None,
        "@every 5m",
        "`@every 5m`: not a word that stands for a schedule; a period is no cron expression: write `every: 5m` in its place",
    );
    says(
        "@reboot",
        None,
        "@reboot",
        "`@reboot`: not a word that stands for a schedule; nothing here begins with a machine: start it with `sagaline start`",
    );
    let zoned = "CRON_TZ=Asia/Tokyo 0 6 * * *";
    says(zoned, None, zoned, &format!("`{zoned}`: a time zone stands beside the expression; write it as `timezone`"));
    let long = "0,".repeat(600) + "0 * * * *";
    let fault = long.parse::<Cron>().unwrap_err().to_string();
    assert!(fault.len() < 150 && fault.contains("longer than 1024 bytes"), "{fault}");
}

fn faults(when: &When) -> Vec<String> {
    let faults = Pattern::new(&Name::new("w").unwrap(), when, Moment::EPOCH).expect_err("it is wrong");
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_zone_that_is_nearly_right_is_named() {
    let of = |zone: &str| faults(&cron("0 6 * * *", zone));
    assert_eq!(of("Berlin"), ["`timezone`: `Berlin` is no time zone; write `Europe/Berlin`"]);
    assert_eq!(of("new york"), ["`timezone`: `new york` is no time zone; write `America/New_York`"]);
    assert_eq!(of("europe/berlin"), ["`timezone`: `europe/berlin` is no time zone; write `Europe/Berlin`"]);
    assert_eq!(
        of("Mars/Olympus"),
        ["`timezone`: `Mars/Olympus` is no time zone; write a name of the IANA database, such as `Europe/Berlin`"]
    );
    let idle = When {
        timezone: Some("Europe/Berlin".into()),
        ..When { every: Some(Every::of(Span::from_secs(60))), ..When::default() }
    };
    assert_eq!(
        faults(&idle),
        ["`timezone`: a time zone without a cron expression; leave it out: periods and dates are the same everywhere"]
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let when = When {
        cron: vec!["0 6 * * *".into(), "0 25 * * *".into()],
        every: Some(Every::of(Span::from_millis(5))),
        at: vec![moment("2026-01-01T00:00:00Z")],
        start_at: Some(moment("2026-02-01T00:00:00Z")),
        end_at: Some(moment("2026-01-15T00:00:00Z")),
        timezone: Some("Nowhere".into()),
        jitter: Some(Span::ZERO),
        after: Some(Span::from_secs(5)),
    };
    assert_eq!(
        faults(&when),
        [
            "`cron[1]`: 25 is out of range in the field `hour`, column 3 of `0 25 * * *`; write 0 to 23",
            "`timezone`: `Nowhere` is no time zone; write a name of the IANA database, such as `Europe/Berlin`",
            "`every`: every 5ms is too often; write at least `1s`",
            "`end_at`: it ends before it starts; write an `end_at` after `start_at`",
            "`at[0]`: 2026-01-01T00:00:00.000000000Z never fires: outside of start_at and end_at; leave it out, or the limit that it does not keep",
            "`in`: a delay beside `start_at` or `end_at`; leave them out, or write `at`",
            "`jitter`: a jitter of nothing; leave it out",
        ]
    );
    let wrong = Pattern::new(&Name::new("w").unwrap(), &when, Moment::EPOCH).unwrap_err();
    assert_eq!((wrong[0].part, wrong[0].within.clone()), (Part::Cron(1), Some(2..4)));
    assert_eq!(faults(&When::default()), ["`schedule`: it never fires; write `cron`, `every`, `at` or `in`"]);
}

#[test]
fn there_are_not_too_many_of_anything() {
    let many = When { cron: vec!["0 6 * * *".into(); 65], at: vec![Moment::EPOCH; 1_001], ..When::default() };
    assert_eq!(
        faults(&many),
        [
            "`cron[64]`: 65 expressions, of 64 at most; write several schedules",
            "`at[1000]`: 1001 dates, of 1000 at most; write several schedules",
        ]
    );
}
