//! A schedule that is paused.

use sagaline_events::{
    ScheduleInput,
    schedule::{SchedulePause, ScheduleResume},
};
use sagaline_model::{Overlap, When};

use crate::tale::{after, every, hourly, spec, tale};

#[test]
fn what_came_while_it_was_paused_is_told_when_it_goes_on() {
    tale(spec(every("1h")))
        .pause("30m")
        .says(&["paused"])
        .waits_for_nothing()
        .upcoming(&[])
        .resume("4h30m")
        .says(&["skipped 01:00 to 04:00 (4): paused", "resumed"])
        .due()
        .says(&["start 05:00"]);
}

#[test]
fn why_it_is_paused_can_be_read() {
    let tale = tale(spec(every("1h"))).pause("30m").pause("40m").says(&[]);
    let pause = tale.schedule.paused().unwrap();
    assert_eq!((pause.at, pause.note.as_deref(), pause.by.as_deref()), (after("30m"), Some("a holiday"), Some("ann")));
    assert!(tale.resume("50m").says(&["resumed"]).resume("51m").says(&[]).schedule.paused().is_none());
}

#[test]
fn what_waits_does_not_begin_while_it_is_paused() {
    tale(hourly(Overlap::QueueOne))
        .timer("1h")
        .timer("2h")
        .pause("2h1m")
        .says(&["paused"])
        .ended("2h1m30s", "01:00")
        .says(&[])
        .resume("2h30m")
        .says(&["resumed", "start 02:00", "watch 02:00"]);
}

#[test]
fn a_pause_that_comes_again_after_it_was_resumed_changes_nothing() {
    let pause = ScheduleInput::Pause(SchedulePause { id: Some("p".into()), note: None, by: None });
    let resume = ScheduleInput::Resume(ScheduleResume { id: Some("q".into()), note: None, by: None });
    tale(spec(every("1h")))
        .at("1m", &pause)
        .says(&["paused"])
        .at("2m", &resume)
        .says(&["resumed"])
        .at("3m", &pause)
        .says(&[])
        .at("4m", &resume)
        .says(&[])
        .due()
        .says(&["start 01:00"]);
}

#[test]
fn a_schedule_can_end_while_it_is_paused() {
    tale(spec(When { end_at: Some(after("2h")), ..every("1h") }))
        .pause("30m")
        .resume("9h")
        .says(&["skipped 01:00 to 02:00 (2): paused", "resumed", "finished"])
        .waits_for_nothing();
}
