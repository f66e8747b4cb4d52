//! Schedules of definitions: a version speaks once, an older one comes too late, and what people did in between stays.

use sagaline_events::{
    ScheduleInput,
    schedule::{ScheduleDelete, ScheduleRefused, ScheduleSet},
};
use sagaline_model::{Overlap, ScheduleSpec, When};
use sagaline_schedule::{KEPT, Schedule};

use crate::tale::{Tale, after, every, execution, hourly, name, nobody, spec, tale};

fn defined(version: u32, period: &str) -> ScheduleInput {
    let set = ScheduleSet { definition: Some(version), ..ScheduleSet::of(spec(every(period))) };
    ScheduleInput::Set(Box::new(set))
}

fn gone(version: u32) -> ScheduleInput {
    ScheduleInput::Delete(ScheduleDelete { definition: Some(version), ..ScheduleDelete::default() })
}

fn known() -> Tale {
    nobody().at("0ms", &defined(1, "1h")).says(&["created"])
}

#[test]
fn each_version_says_it_once() {
    known()
        .at("1m", &defined(1, "2h"))
        .says(&[])
        .at("2m", &defined(3, "2h"))
        .says(&["updated"])
        .at("3m", &defined(2, "1h"))
        .says(&[])
        .at("4m", &gone(2))
        .says(&[])
        .upcoming(&["02:00"])
        .at("5m", &gone(4))
        .says(&["deleted"])
        .at("6m", &defined(3, "2h"))
        .says(&[])
        .at("7m", &defined(4, "2h"))
        .says(&[])
        .at("8m", &defined(5, "1h"))
        .says(&["created"]);
}

#[test]
fn what_people_did_stays_until_the_next_version() {
    let paused = known().pause("10m").says(&["paused"]).at("11m", &defined(2, "30m")).says(&["updated"]);
    assert!(paused.schedule.paused().is_some(), "a pause outlives a new version");
    let changed = known().set("10m", spec(every("2h"))).says(&["updated"]).at("11m", &defined(1, "1h")).says(&[]);
    assert_eq!(changed.schedule.view().unwrap().definition, Some(1), "it is still that of the definition");
    changed.at("12m", &defined(2, "1h")).says(&["updated"]).upcoming(&["01:00", "02:00"]);
    known().delete("10m").says(&["deleted"]).at("11m", &defined(1, "1h")).says(&[]).waits_for_nothing();
}

#[test]
fn what_somebody_made_under_the_same_name_is_left_alone() {
    let made = tale(spec(every("1h"))).at("1m", &defined(1, "2h")).says(&["reject schedule_exists"]);
    made.at("2m", &gone(2)).says(&[]).upcoming(&["01:00", "02:00"]);
}

#[test]
fn one_that_is_to_be_new_is_refused_where_there_is_one() {
    let new = |spec: ScheduleSpec| ScheduleInput::Set(Box::new(ScheduleSet { new: true, ..ScheduleSet::of(spec) }));
    let made = nobody().at("0ms", &new(spec(every("1h")))).says(&["created"]);
    made.at("1m", &new(spec(every("2h")))).says(&["reject schedule_exists"]).upcoming(&["01:00", "02:00"]);
}

#[test]
fn a_start_that_will_never_be_lets_the_next_one_in() {
    let refused = || {
        let (execution, tick) = (execution("01:00"), after("1h"));
        ScheduleInput::Refused(ScheduleRefused { execution, tick })
    };
    let tale = tale(hourly(Overlap::Skip)).due().says(&["start 01:00", "watch 01:00"]);
    let tale = tale.at("1h1s", &refused()).says(&["skipped 01:00: refused"]);
    let view = tale.schedule.view().unwrap();
    assert_eq!((view.fired, view.skipped, view.running.len()), (1, 1, 0));
    tale.due().says(&["start 02:00", "watch 02:00"]);
}

#[test]
fn what_is_over_is_forgotten_after_a_while_but_for_what_a_definition_said() {
    let long_after = |tale: &Tale| tale.schedule.next_timer().unwrap().since(after("0ms"));
    let once = || When { at: vec![after("1h")], ..When::default() };
    let finished = tale(spec(once())).due().says(&["start 01:00", "finished"]);
    assert!(KEPT < long_after(&finished));
    let forgotten = finished.due().says(&[]);
    assert!(forgotten.schedule.is_blank() && forgotten.schedule.next_timer().is_none());

    let deleted = tale(spec(every("1h"))).delete("10m");
    assert!(!deleted.schedule.is_blank() && deleted.due().schedule.is_blank());

    // Its definition would make it known anew, and it would fire again.
    let set = ScheduleSet { definition: Some(1), ..ScheduleSet::of(spec(once())) };
    let defined = nobody().at("0ms", &ScheduleInput::Set(Box::new(set))).says(&["created"]).due();
    let defined = defined.waits_for_nothing();
    assert!(defined.schedule.next_timer().is_none() && !defined.schedule.is_blank());
    let deleted = defined.delete("2h").due();
    assert!(!deleted.schedule.is_blank(), "it is remembered that version 1 has said it");
}

#[test]
fn one_that_is_set_aside_is_paused_and_fires_nothing_twice() {
    let tale = tale(hourly(Overlap::Skip)).due();
    let view = tale.schedule.view();
    let aside = Schedule::set_aside(name("nightly"), view.as_ref(), "a defect".to_owned(), after("3h30m"));
    let note = aside.paused().and_then(|pause| pause.note.clone());
    assert_eq!(note.as_deref(), Some("set aside: a defect"));
    assert_eq!(aside.spec(), tale.schedule.spec());
    assert!(aside.told_anew().is_some() && aside.running().count() == 0);
    let tale = Tale { schedule: aside, effects: vec![], asked: 10 };
    let tale = tale.backfill("3h40m", "2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z", None).says(&[]);
    tale.resume("3h50m").says(&["resumed"]).due().says(&["start 04:00", "watch 04:00"]);
    let gone = Schedule::set_aside(name("nightly"), None, "a defect".to_owned(), after("3h30m"));
    assert!(gone.view().is_none() && !gone.is_blank(), "what fired is not known, so it counts as deleted");
}
