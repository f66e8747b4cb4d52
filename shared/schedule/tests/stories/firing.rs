//! Ticks, one after the other.

use sagaline_events::{ScheduleInput, schedule::ScheduleTimer};
use sagaline_model::{Overlap, ScheduleSpec, Span, When};
use serde_json::json;

use crate::tale::{BEGIN, after, cron, every, hourly, name, nobody, spec, tale};

#[test]
fn every_tick_starts_an_execution_of_its_own() {
    tale(spec(cron("0 6,18 * * *")))
        .waits_until("06:00")
        .due()
        .says(&["start 06:00"])
        .waits_until("18:00")
        .due()
        .says(&["start 18:00"])
        .waits_until("1d+06:00");
}

#[test]
fn what_is_started_knows_why() {
    let (input, tags) = (json!({"kind": "full"}), [("team".to_owned(), "books".to_owned())].into());
    let tale = tale(ScheduleSpec { version: Some(3), input, tags, ..spec(cron("0 6 * * *")) }).due();
    let [sagaline_schedule::Effect::Start { execution, scheduled_at, start }, _] = &tale.effects[..] else {
        panic!("{:?}", tale.effects)
    };
    assert_eq!((execution.as_str(), *scheduled_at), ("nightly-20260101T060000Z", after("6h")));
    assert_eq!(
        (start.workflow.clone(), start.version, &start.input),
        (name("report"), Some(3), &json!({"kind": "full"}))
    );
    assert_eq!(start.tags["team"], "books");
    assert_eq!(
        start.trigger,
        Some(json!({
            "specversion": "1.0",
            "id": "nightly-20260101T060000Z",
            "type": "sagaline.schedule.fired.v1",
            "source": "/schedules/nightly",
            "subject": "nightly",
            "time": "2026-01-01T06:00:00.000000000Z",
            "data": { "schedule": "nightly", "scheduled_at": "2026-01-01T06:00:00.000000000Z" },
        }))
    );
}

#[test]
fn a_timer_that_comes_early_late_or_twice_starts_nothing_more() {
    tale(spec(every("1h")))
        .timer("59m")
        .says(&[])
        .waits_until("01:00")
        .timer("1h5s")
        .says(&["start 01:00"])
        .timer("1h6s")
        .says(&[])
        .timer("30m")
        .says(&[])
        .waits_until("02:00");
}

#[test]
fn what_was_due_before_an_input_is_decided_before_it() {
    tale(spec(every("1h"))).pause("1h1ms").says(&["start 01:00", "paused"]);
    tale(spec(every("1h"))).delete("1h").says(&["start 01:00", "deleted"]).waits_for_nothing();
    tale(spec(every("1h"))).set("1h1s", spec(every("1d"))).says(&["start 01:00", "updated"]).waits_until("1d+00:00");
}

#[test]
fn a_date_a_delay_and_a_last_day_come_to_their_end() {
    let at = |text: &str| When { at: vec![after(text)], ..When::default() };
    tale(spec(at("1h"))).due().says(&["start 01:00", "finished"]).waits_for_nothing();
    let delayed = When { after: Some(Span::from_secs(1800)), ..When::default() };
    tale(spec(delayed)).due().says(&["start 00:30", "finished"]).waits_for_nothing();
    let until = When { end_at: Some(after("2h")), ..every("1h") };
    tale(spec(until)).due().says(&["start 01:00"]).due().says(&["start 02:00", "finished"]).waits_for_nothing();
    nobody().set("3h", spec(When { end_at: Some(after("2h")), ..every("1h") })).says(&["created", "finished"]);
}

#[test]
fn a_date_that_is_just_over_still_fires_and_one_long_over_is_told() {
    let dates = When { at: vec![after("1h"), after("2h"), after("30h")], ..When::default() };
    nobody()
        .set("2h30m", spec(dates))
        .says(&["created", "skipped 01:00: missed", "start 02:00"])
        .waits_until("1d+06:00");
}

#[test]
fn only_so_many_start() {
    tale(ScheduleSpec { limit: Some(2), ..spec(every("1h")) })
        .upcoming(&["01:00", "02:00"])
        .due()
        .says(&["start 01:00"])
        .due()
        .says(&["start 02:00", "finished"])
        .waits_for_nothing()
        .upcoming(&[])
        .timer("5h")
        .says(&[])
        .set("5h10m", ScheduleSpec { limit: Some(1), ..spec(every("1h")) })
        .says(&["updated"])
        .due()
        .says(&["start 06:00", "finished"]);
}

#[test]
fn with_jitter_the_tick_keeps_its_name_and_comes_later() {
    let when = When { jitter: Some("10m".parse().unwrap()), ..every("1h") };
    let tale = tale(spec(when));
    let due = tale.schedule.next_timer().unwrap();
    assert!(after("1h") < due && due < after("1h10m"), "{due}");
    tale.timer("1h").says(&[]).due().says(&["start 01:00"]);
}

#[test]
fn time_never_goes_back() {
    let mut tale = tale(spec(every("1h"))).timer("2h").says(&["start 01:00", "start 02:00"]);
    tale.applies(&ScheduleInput::Timer(ScheduleTimer {}), BEGIN);
    tale.says(&[]).waits_until("03:00");
}

#[test]
fn nobody_waits_for_what_may_overlap() {
    tale(hourly(Overlap::Allow)).due().says(&["start 01:00"]).ended("1h1m", "01:00").says(&[]).waits_until("02:00");
}
