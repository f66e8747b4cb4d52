//! Periods, dates, delays, limits of time, jitter, and several of them together.

use sagaline_model::{Every, Moment, Span, When};
use sagaline_schedule::Pattern;

use crate::{cron, moment, name, pattern, ticks};

fn every(text: &str) -> When {
    When { every: Some(Every::of(text.parse().unwrap())), ..When::default() }
}

#[test]
fn periods_are_counted_from_1970_on_wherever_one_looks() {
    let five = ["2026-01-01T00:05:00Z", "2026-01-01T00:10:00Z"];
    assert_eq!(ticks(&every("5m"), "2026-01-01T00:00:01Z", 2), five);
    assert_eq!(ticks(&every("5m"), "2026-01-01T00:05:00Z", 2), five);
    assert_eq!(ticks(&every("1h"), "2026-01-01T00:05:00Z", 1), ["2026-01-01T01:00:00Z"]);
    assert_eq!(ticks(&every("30s"), "2026-01-01T00:05:00Z", 2), ["2026-01-01T00:05:00Z", "2026-01-01T00:05:30Z"]);
    assert_eq!(
        ticks(&every("1s500ms"), "1970-01-01T00:00:00.1Z", 2),
        ["1970-01-01T00:00:01.500000000Z", "1970-01-01T00:00:03Z"]
    );
}

#[test]
fn periods_may_be_counted_from_elsewhere() {
    let (mut when, anchor) = (every("1h"), Some(moment("2026-01-01T00:07:00Z")));
    when.every = when.every.map(|every| Every { anchor, ..every });
    assert_eq!(ticks(&when, "2025-12-31T22:30:00Z", 2), ["2025-12-31T23:07:00Z", "2026-01-01T00:07:00Z"]);
    when.every = when.every.map(|every| Every { offset: Some(Span::from_secs(60)), ..every });
    assert_eq!(ticks(&when, "2026-01-01T00:00:00Z", 1), ["2026-01-01T00:08:00Z"]);
}

#[test]
fn a_month_of_hours_has_its_first_and_its_last() {
    let when = When {
        start_at: Some(moment("2025-01-01T00:00:00Z")),
        end_at: Some(moment("2025-01-31T23:59:59Z")),
        ..every("1h")
    };
    let all = ticks(&when, "2024-12-01T00:00:00Z", 1_000);
    assert_eq!(all.len(), 31 * 24);
    assert_eq!((all[0].as_str(), all[743].as_str()), ("2025-01-01T00:00:00Z", "2025-01-31T23:00:00Z"));
    let odd = When { start_at: Some(moment("2025-01-01T08:07:00Z")), ..every("1h") };
    assert_eq!(ticks(&odd, "2024-12-01T00:00:00Z", 2), ["2025-01-01T08:07:00Z", "2025-01-01T09:07:00Z"]);
    let until = When { end_at: Some(moment("2025-01-01T02:00:00Z")), ..every("1h") };
    assert_eq!(ticks(&until, "2025-01-01T01:00:00Z", 9), ["2025-01-01T01:00:00Z", "2025-01-01T02:00:00Z"]);
}

#[test]
fn a_cron_expression_begins_and_ends_to_the_second() {
    let when = When {
        start_at: Some(moment("2026-01-02T06:00:00Z")),
        end_at: Some(moment("2026-01-03T06:00:00Z")),
        ..cron("0 6 * * *", "UTC")
    };
    assert_eq!(ticks(&when, "2026-01-01T00:00:00Z", 9), ["2026-01-02T06:00:00Z", "2026-01-03T06:00:00Z"]);
}

#[test]
fn several_expressions_are_one_schedule() {
    let when = When { cron: ["0 6 * * *", "0 12 * * *", "0 18 * * *"].map(str::to_owned).to_vec(), ..When::default() };
    let day = ["06", "12", "18"].map(|hour| format!("2026-01-01T{hour}:00:00Z"));
    assert_eq!(ticks(&when, "2026-01-01T00:00:00Z", 3), day);
    let same = When { cron: vec!["0 6 * * *".into(), "0 6 * * 4".into()], ..When::default() };
    assert_eq!(ticks(&same, "2026-01-01T00:00:00Z", 2), ["2026-01-01T06:00:00Z", "2026-01-02T06:00:00Z"], "once");
    let with =
        When { at: vec![moment("2026-01-01T07:00:00.5Z")], every: Some(Every::of(Span::from_secs(43_200))), ..when };
    let day = ["06:00:00", "07:00:00.500000000", "12:00:00"].map(|time| format!("2026-01-01T{time}Z"));
    assert_eq!(ticks(&with, "2026-01-01T00:00:01Z", 3), day);
}

#[test]
fn dates_come_once_in_their_order() {
    let dates = vec![moment("2026-05-01T00:00:00Z"), moment("2025-12-25T00:00:00Z"), moment("2026-05-01T00:00:00Z")];
    let when = When { at: dates, ..When::default() };
    assert_eq!(ticks(&when, "2025-01-01T00:00:00Z", 9), ["2025-12-25T00:00:00Z", "2026-05-01T00:00:00Z"]);
}

#[test]
fn a_delay_is_counted_from_when_it_was_made_known_and_so_is_all_that_repeats() {
    let since = moment("2026-01-01T00:00:10.25Z");
    let next = |when: &When| Pattern::new(&name("w"), when, since).unwrap().next_after(Moment::EPOCH);
    for (text, at) in [("30m", "2026-01-01T00:30:10.25Z"), ("2h", "2026-01-01T02:00:10.25Z")] {
        let when = When { after: Some(text.parse().unwrap()), ..When::default() };
        assert_eq!(next(&when), Some(moment(at)));
    }
    assert_eq!(next(&every("5m")), Some(moment("2026-01-01T00:05:00Z")));
    assert_eq!(next(&cron("0 0 * * *", "UTC")), Some(moment("2026-01-02T00:00:00Z")));
    let past = When { at: vec![moment("2025-12-25T00:00:00Z")], ..When::default() };
    assert_eq!(next(&past), Some(moment("2025-12-25T00:00:00Z")), "whether it is too late, others say");
}

#[test]
fn jitter_spreads_ticks_and_never_beyond_the_next() {
    let when = |jitter| When { jitter: Some(Span::from_secs(jitter)), ..every("1m") };
    let ticks: Vec<_> = (1..200).map(|minute| Moment::EPOCH + Span::from_secs(60 * minute)).collect();
    let late = |name_: &str, jitter| -> Vec<u64> {
        let pattern = Pattern::new(&name(name_), &when(jitter), Moment::EPOCH).unwrap();
        ticks.iter().map(|tick| pattern.due(*tick).since(*tick).as_millis()).collect()
    };
    let all = late("a", 30);
    assert!(all.iter().all(|late| *late < 30_000));
    let mean = all.iter().sum::<u64>() / all.len() as u64;
    assert!((12_000..18_000).contains(&mean), "{mean}");
    assert_ne!(all, late("b", 30), "every schedule has its own");
    assert_eq!(all, late("a", 30), "and always the same");
    assert!(late("a", 86_400).iter().all(|late| *late < 60_000), "never after the next tick");
    assert_eq!(pattern(&every("1m")).due(ticks[0]), ticks[0]);
}

#[test]
fn nothing_lies_beyond_what_can_be_written() {
    let last = Moment::from_nanos(i64::MAX);
    for when in [every("1s"), every("3640w"), cron("* * * * *", "Europe/Berlin"), cron("0 0 29 2 *", "Asia/Tokyo")] {
        let pattern = pattern(&when);
        assert_eq!(pattern.next_after(last), None);
        assert!(pattern.next_after(Moment::from_nanos(i64::MIN)).is_some());
        let next = pattern.next_after(Moment::from_nanos(last.as_nanos() / 64 * 63 - 1));
        assert!(next.is_none_or(|next| next <= last));
    }
}
