//! Executions that a schedule started: it hears when they have ended, if it wants to, and again when it asks.

use sagaline_engine::Stage;
use sagaline_events::{
    Input, Start,
    input::{Cancel, Recalled, ScheduleAsks, Scheduled},
    record::Status,
};
use sagaline_model::{Name, StepError};
use serde_json::json;

use crate::{
    inputs::{bound, refused, succeeded, unversioned},
    story::{BEGIN, Story, story},
};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn scheduled(tell: bool) -> Start {
    let schedule = Scheduled { by: name("nightly"), tick: BEGIN, tell };
    Start { version: Some(1), schedule: Some(Box::new(schedule)), ..unversioned() }
}

fn asks(schedule: &str) -> Input {
    Input::ScheduleAsks(ScheduleAsks { schedule: name(schedule) })
}

fn begun(tell: bool) -> Story {
    story("a: { activity: one }").at("0s", Input::Start(scheduled(tell)))
}

#[test]
fn a_schedule_that_waits_is_told_once_and_again_when_it_asks() {
    begun(true)
        .at("1s", asks("nightly"))
        .gives_nothing()
        .at("2s", succeeded("a", 1))
        .gives_also("tell schedule nightly")
        .at("3s", asks("nightly"))
        .gives(&["tell schedule nightly again"]);
    begun(true).at("1s", Input::Cancel(Cancel::at_once(None))).gives_also("tell schedule nightly");
}

#[test]
fn a_schedule_that_does_not_wait_hears_nothing_of_it() {
    begun(false).at("2s", succeeded("a", 1)).gives(&["step.completed a#1 in 2s", "workflow.completed in 2s"]);
}

#[test]
fn a_schedule_that_has_nothing_to_do_with_it_does_not_wait_for_it() {
    begun(true).at("1s", asks("other")).gives(&["tell schedule other again"]);
    begun(false).at("1s", asks("nightly")).gives(&["tell schedule nightly again"]);
    story("a: { activity: one }").start().at("1s", asks("nightly")).gives(&["tell schedule nightly again"]);
}

#[test]
fn it_is_told_of_what_could_not_begin() {
    let unbound = Start { version: None, ..scheduled(true) };
    story("a: { activity: one }")
        .at("0s", Input::Start(unbound))
        .at("0s", asks("nightly"))
        .gives_nothing()
        .at("0s", asks("other"))
        .gives(&["tell schedule other again"])
        .at("1s", refused(StepError::UNKNOWN_WORKFLOW))
        .gives_also("tell schedule nightly");
}

/// The fold keeps who asked until the record was looked for.
#[test]
fn where_nothing_is_known_its_record_is_looked_for() {
    let asked = story("a: { activity: one }").at("0s", asks("nightly")).gives(&["recall"]);
    let by: Vec<_> = asked.execution.asked_by_schedules().cloned().collect();
    assert_eq!(by, [name("nightly")]);
    let again = asked.at("1s", asks("nightly")).gives(&["recall"]);
    assert_eq!(again.execution.asked_by_schedules().count(), 1, "it is the same");
    let now = again.execution.now;
    assert!(!again.execution.is_blank(now), "the answer is on its way");
    let begun = again.at("2s", Input::Start(scheduled(true)));
    begun.at("3s", succeeded("a", 1)).gives_also("tell schedule nightly");
}

#[test]
fn what_ended_long_ago_does_not_begin_again() {
    let again = Start { again: true, ..scheduled(true) };
    let asked = || story("a: { activity: one }").at("0s", Input::Start(again.clone())).gives(&["recall"]);
    let over = asked().at("1s", Input::Recalled(Recalled { ended: None, there: true }));
    let over = over.gives(&["tell schedule nightly again"]);
    assert!(matches!(over.execution.stage, Stage::Unborn(_)), "nothing runs");
    asked()
        .at("1s", Input::Recalled(Recalled::default()))
        .gives(&["bind w version 1"])
        .at("1s", bound(1))
        .gives_also("task a#1")
        .at("2s", succeeded("a", 1))
        .gives_also("tell schedule nightly")
        .at("3s", Input::Start(again.clone()))
        .gives(&["tell schedule nightly again"])
        .ends_with(json!({}))
        .is(Status::Completed);
}
