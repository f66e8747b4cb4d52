//! A schedule is changed, deleted, and made known again.

use sagaline_events::{ScheduleInput, schedule::ScheduleSet};
use sagaline_model::{Overlap, ScheduleSpec, When};
use sagaline_schedule::Effect;

use crate::tale::{Tale, after, cron, every, hourly, name, nobody, spec, tale};

#[test]
fn a_change_concerns_what_comes_after_it() {
    tale(spec(every("1h")))
        .due()
        .set("1h10m", spec(every("15m")))
        .says(&["updated"])
        .due()
        .says(&["start 01:15"])
        .set("1h20m", spec(cron("0 1 * * *")))
        .says(&["updated"])
        .waits_until("1d+01:00");
}

#[test]
fn the_same_again_is_no_change() {
    let limited = ScheduleSpec { limit: Some(2), ..spec(every("1h")) };
    tale(limited.clone()).due().set("1h1m", limited).says(&[]).due().says(&["start 02:00", "finished"]);
}

#[test]
fn an_old_definition_that_comes_again_changes_nothing() {
    let set =
        |id: &str, spec| ScheduleInput::Set(Box::new(ScheduleSet { id: Some(id.to_owned()), ..ScheduleSet::of(spec) }));
    let (first, second) = (set("a", spec(every("1h"))), set("b", spec(every("2h"))));
    nobody()
        .at("1m", &first)
        .says(&["created"])
        .at("2m", &second)
        .says(&["updated"])
        .at("3m", &first)
        .says(&[])
        .waits_until("02:00");
}

#[test]
fn what_is_left_of_a_limit_stays_unless_the_limit_changes() {
    let limited =
        |limit, workflow: &str| ScheduleSpec { limit: Some(limit), workflow: name(workflow), ..spec(every("1h")) };
    let tale = tale(limited(3, "a")).due().set("1h1m", limited(3, "b"));
    assert_eq!(tale.schedule.left(), Some(2));
    let tale = tale.set("1h2m", limited(5, "b"));
    assert_eq!(tale.schedule.left(), Some(5));
    assert_eq!(tale.set("1h3m", spec(every("1h"))).schedule.left(), None);
}

#[test]
fn what_makes_no_sense_changes_nothing_and_says_all_that_is_wrong() {
    let wrong = ScheduleSpec { limit: Some(0), ..spec(When { timezone: Some("Berlin".into()), ..cron("0 25 * * *") }) };
    let tale = tale(spec(every("1h"))).set("1m", wrong);
    let [Effect::Reject { reason: "invalid_schedule", detail }] = &tale.effects[..] else {
        panic!("{:?}", tale.effects)
    };
    assert_eq!(
        detail.lines().collect::<Vec<_>>(),
        [
            "`limit`: it never fires; write at least 1, or leave it out",
            "`cron[0]`: 25 is out of range in the field `hour`, column 3 of `0 25 * * *`; write 0 to 23",
            "`timezone`: `Berlin` is no time zone; write `Europe/Berlin`",
        ]
    );
    tale.due().says(&["start 01:00"]);
    let long = Tale { schedule: sagaline_schedule::Schedule::new(name(&"x".repeat(65))), ..nobody() };
    assert!(long.set("1m", spec(every("1h"))).says(&["reject invalid_schedule"]).schedule.is_blank());
}

#[test]
fn once_all_may_overlap_nobody_waits() {
    tale(hourly(Overlap::QueueOne))
        .timer("1h")
        .timer("2h")
        .set("2h1m", hourly(Overlap::Allow))
        .says(&["updated", "start 02:00"])
        .waits_until("03:00");
}

#[test]
fn new_dates_that_lie_in_the_past_are_told() {
    let dates = |dates: &[&str]| spec(When { at: dates.iter().map(|date| after(date)).collect(), ..every("1h") });
    tale(dates(&["90m"]))
        .due()
        .due()
        .says(&["start 01:30"])
        .due()
        .set("2h10m", dates(&["90m", "100m", "2h", "125m"]))
        .says(&["updated", "skipped 01:40: missed", "start 02:05"])
        .set("2h20m", dates(&["90m", "100m"]))
        .says(&["updated"]);
}

#[test]
fn what_is_deleted_starts_nothing_and_what_waited_is_told() {
    tale(hourly(Overlap::QueueOne))
        .timer("1h")
        .timer("2h")
        .delete("2h1m")
        .says(&["skipped 02:00: deleted", "deleted"])
        .waits_for_nothing()
        .ended("2h2m", "01:00")
        .says(&[])
        .timer("3h")
        .says(&[])
        .delete("3h1m")
        .says(&[])
        .pause("3h2m")
        .says(&["reject unknown_schedule"]);
}

#[test]
fn made_known_again_it_fires_no_tick_twice() {
    let dates = When { at: vec![after("1h"), after("2h"), after("3h")], ..When::default() };
    let tale = tale(spec(dates.clone())).due().says(&["start 01:00"]).delete("2h30m").says(&["start 02:00", "deleted"]);
    assert!(!tale.schedule.is_blank(), "its ticks are remembered");
    tale.set("2h31m", spec(dates))
        .says(&["created", "skipped 01:00: missed", "skipped 02:00: missed"])
        .backfill("2h32m", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z", None)
        .says(&[])
        .due()
        .says(&["start 03:00", "finished"]);
}

#[test]
fn a_changed_start_is_the_one_that_begins() {
    let renamed = ScheduleSpec { workflow: name("audit"), ..hourly(Overlap::QueueOne) };
    let tale = tale(hourly(Overlap::QueueOne)).timer("1h").timer("2h").set("2h10s", renamed).ended("2h20s", "01:00");
    let Effect::Start { start, .. } = &tale.effects[0] else { panic!("{:?}", tale.effects) };
    assert_eq!(start.workflow, name("audit"));
}
