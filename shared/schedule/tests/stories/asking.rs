//! Starts besides the ticks: now, and of a time gone by.

use sagaline_events::{
    ScheduleInput,
    schedule::{ScheduleDelete, ScheduleTrigger, ScheduledEnded},
};
use sagaline_model::{Moment, Overlap, ScheduleSpec, Span};

use crate::tale::{after, cron, every, execution, hourly, nobody, spec, tale};

#[test]
fn now_is_beside_the_ticks() {
    tale(ScheduleSpec { limit: Some(1), ..spec(cron("0 6 * * *")) })
        .trigger("1h", None)
        .says(&["start now_r2"])
        .waits_until("06:00")
        .due()
        .says(&["start 06:00", "finished"])
        .trigger("7h", None)
        .says(&["start now_r3"]);
}

#[test]
fn now_is_also_while_it_is_paused() {
    tale(spec(every("1h"))).pause("1m").trigger("2m", None).says(&["start now_r3"]);
}

#[test]
fn now_keeps_to_the_policy_unless_it_is_told_otherwise() {
    tale(hourly(Overlap::Skip))
        .timer("1h")
        .trigger("1h10s", None)
        .says(&["skipped now_r2: overlap"])
        .trigger("1h20s", Some(Overlap::Allow))
        .says(&["start now_r3", "watch now_r3"])
        .trigger("1h30s", Some(Overlap::QueueOne))
        .says(&[])
        .ended("1h40s", "01:00")
        .says(&[])
        .ended("1h50s", "now_r3")
        .says(&["start now_r4", "watch now_r4"]);
}

#[test]
fn two_that_ask_without_an_id_are_two() {
    let trigger = ScheduleInput::Trigger(ScheduleTrigger::default());
    let mut schedule = tale(spec(every("1d"))).schedule;
    let ids: Vec<_> = [after("1h"), after("1h"), after("1h")]
        .into_iter()
        .flat_map(|at| schedule.apply(&trigger, at))
        .filter_map(|effect| match effect {
            sagaline_schedule::Effect::Start { execution, .. } => Some(execution.as_str().to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(
        ids,
        [
            "nightly-now_20260101T010000Z",
            "nightly-now_20260101T010000_000000001Z",
            "nightly-now_20260101T010000_000000002Z"
        ]
    );
}

#[test]
fn an_id_that_is_too_long_is_refused() {
    let id = Some("x".repeat(49));
    let trigger = ScheduleInput::Trigger(ScheduleTrigger { id, overlap: None, by: None });
    let delete = ScheduleInput::Delete(ScheduleDelete { id: Some("x".repeat(129)), by: None, definition: None });
    tale(spec(every("1h")))
        .at("1m", &trigger)
        .says(&["reject invalid_request"])
        .at("1m", &delete)
        .says(&["reject invalid_request"])
        .due()
        .says(&["start 01:00"]);
}

#[test]
fn a_backfill_starts_what_did_not_fire_and_nothing_else() {
    tale(spec(every("1h")))
        .due()
        .pause("1h30m")
        .resume("3h30m")
        .says(&["skipped 02:00 to 03:00 (2): paused", "resumed"])
        .due()
        .says(&["start 04:00"])
        .backfill("4h1m", "2025-12-31T23:00:00Z", "2026-01-01T06:00:00Z", None)
        .says(&["start 20251231T230000Z", "start 00:00", "start 02:00", "start 03:00"])
        .backfill("4h2m", "2025-12-31T23:00:00Z", "2026-01-01T06:00:00Z", None)
        .says(&[])
        .waits_until("05:00");
}

#[test]
fn a_backfill_keeps_to_the_policy() {
    let back =
        |tale: crate::tale::Tale, overlap| tale.backfill("1m", "2025-12-31T21:00:00Z", "2025-12-31T23:00:00Z", overlap);
    let (first, second, third) = ("20251231T210000Z", "20251231T220000Z", "20251231T230000Z");
    back(tale(hourly(Overlap::QueueOne)), None)
        .says(&[&format!("start {first}"), &format!("watch {first}"), "skipped -1d+23:00: overlap"])
        .backfill("2m", "2025-12-31T21:00:00Z", "2025-12-31T22:00:00Z", None)
        .says(&[&format!("watch {first}")])
        .at("3m", &ScheduleInput::Ended(ScheduledEnded { execution: of(first) }))
        .says(&[&format!("start {second}"), &format!("watch {second}")]);
    back(tale(hourly(Overlap::QueueOne)), Some(Overlap::Allow)).says(&[
        &format!("start {first}"),
        &format!("watch {first}"),
        &format!("start {second}"),
        &format!("watch {second}"),
        &format!("start {third}"),
        &format!("watch {third}"),
    ]);
}

fn of(tick: &str) -> sagaline_model::ExecutionId {
    sagaline_model::ExecutionId::new(format!("nightly-{tick}")).unwrap()
}

#[test]
fn a_backfill_has_its_bounds() {
    tale(spec(every("1m")))
        .backfill("1s", "2025-12-31T00:00:00Z", "2025-12-31T18:00:00Z", None)
        .says(&["reject backfill_too_long"])
        .backfill("1s", "2025-12-02T00:00:00Z", "2200-01-01T00:00:00Z", None)
        .says(&["reject backfill_too_long"])
        .backfill("1s", "2025-12-31T18:00:00Z", "2025-12-31T00:00:00Z", None)
        .says(&["reject invalid_request"]);
    let tale = tale(spec(every("1m"))).backfill("1s", "2025-12-31T00:01:00Z", "2025-12-31T16:40:00Z", None);
    assert_eq!(tale.effects.len(), 2_000);
}

/// What was deleted is forgotten after thirty days: so far back nobody knows what one of the same name has started.
#[test]
fn a_backfill_goes_back_no_further_than_what_is_remembered() {
    let first = tale(spec(every("24h"))).due().says(&["start 20260102T000000Z"]).delete("25h").says(&["deleted"]);
    let known = first.set("760h", spec(every("24h"))).says(&["created"]);
    // Made known on 1 February at 16:00.
    known
        .backfill("761h", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", None)
        .says(&["reject backfill_too_early"])
        .backfill("761h", "2026-01-02T16:00:00Z", "2026-01-04T00:00:00Z", None)
        .says(&["start 20260103T000000Z", "start 20260104T000000Z"]);
}

#[test]
fn it_is_seen_what_became_of_the_last_backfill_and_not_of_a_tick_in_between() {
    let seen = |tale: &crate::tale::Tale| {
        let filled = tale.schedule.view().unwrap().backfilled.unwrap();
        (filled.id, filled.started, filled.skipped, filled.ticks)
    };
    let tale = tale(hourly(Overlap::QueueOne)).backfill("1m", "2025-12-31T21:00:00Z", "2025-12-31T23:00:00Z", None);
    // One started, one waits for its end, and one is left out.
    assert_eq!(seen(&tale), (Some("r2".to_owned()), 1, 1, 3));
    let tale = tale.timer("1h").backfill("1h30m", "2026-01-01T00:00:00Z", "2025-12-31T23:00:00Z", None);
    assert_eq!(seen(&tale), (Some("r2".to_owned()), 1, 1, 3), "one that is refused changes nothing");
    let tale = tale.backfill("1h30m", "2025-12-31T20:00:00Z", "2025-12-31T20:00:00Z", Some(Overlap::Allow));
    assert_eq!(seen(&tale), (Some("r4".to_owned()), 1, 0, 1));
}

#[test]
fn a_backfill_stops_where_no_more_may_start() {
    tale(ScheduleSpec { limit: Some(1), ..spec(every("1h")) })
        .backfill("1m", "2025-12-31T22:00:00Z", "2025-12-31T23:00:00Z", None)
        .says(&["start 20251231T220000Z", "skipped -1d+23:00: limit", "finished"]);
}

#[test]
fn a_tick_that_was_filled_in_before_its_jitter_does_not_come_again() {
    let when = sagaline_model::When { jitter: Some(Span::from_secs(3_000)), ..every("1h") };
    let tale = tale(spec(when));
    assert!(
        after("1h10m") < tale.schedule.next_timer().unwrap(),
        "the jitter of this name is long enough for the story"
    );
    tale.backfill("1h1m", "2026-01-01T01:00:00Z", "2026-01-01T01:00:00Z", None)
        .says(&["start 01:00"])
        .due()
        .says(&[])
        .due()
        .says(&["start 02:00"]);
}

#[test]
fn nobody_is_asked_in_vain_and_told_so() {
    nobody()
        .pause("1m")
        .says(&["reject unknown_schedule"])
        .trigger("1m", None)
        .says(&["reject unknown_schedule"])
        .delete("1m")
        .says(&["reject unknown_schedule"])
        .backfill("1m", "2025-12-31T22:00:00Z", "2025-12-31T23:00:00Z", None)
        .says(&["reject unknown_schedule"])
        .ended("1m", "01:00")
        .says(&[])
        .timer("1m")
        .says(&[]);
    assert!(nobody().pause("1m").schedule.is_blank());
    assert_eq!(execution("01:00").as_str(), "nightly-20260101T010000Z");
    assert!(Moment::EPOCH < after("0ms"));
}
