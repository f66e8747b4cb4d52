//! Executions that were started to begin later.

use sagaline_events::{
    Input, Start, TimerKind, TimerName,
    input::{Cancel, Pause, Resume},
    record::Status,
};
use sagaline_model::Span;
use serde_json::json;

use super::{
    inputs::{cancel, signal, succeeded, unversioned},
    story::{BEGIN, Story, story, workflow},
};

fn later(after: &str, input: serde_json::Value) -> Input {
    let begin_at = Some(BEGIN + after.parse::<Span>().unwrap());
    Input::Start(Start { version: Some(1), input, begin_at, ..unversioned() })
}

fn in_an_hour(story: Story) -> Story {
    story.at("0s", later("1h", json!({})))
}

#[test]
fn it_is_accepted_now_and_begins_when_its_time_has_come() {
    let story = in_an_hour(story("a: { activity: one }"))
        .gives(&["workflow.started", "workflow.pending for time until 1h"])
        .is(Status::Pending)
        .timer_is_due("1h");
    let view = story.view();
    assert_eq!(view.begins_at, Some(BEGIN + Span::from_secs(3600)));
    assert_eq!(view.started_at, BEGIN);
    assert!(story.execution.rests(), "nothing of it is needed in memory");
    story
        .timer()
        .gives(&["workflow.admitted", "step.started a#1", "task a#1"])
        .is(Status::Running)
        .at("1h10s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 10s", "workflow.completed in 10s"]);
}

#[test]
fn one_whose_time_is_over_begins_at_once() {
    story("a: { activity: one }").at("2h", later("1h", json!({}))).gives(&[
        "workflow.started",
        "step.started a#1",
        "task a#1",
    ]);
}

#[test]
fn its_own_time_counts_from_when_it_begins() {
    in_an_hour(workflow("timeout: 10m\nsteps: { a: { activity: one } }")).timer().timer_is_due("1h10m");
}

#[test]
fn a_timer_that_comes_too_early_or_twice_changes_nothing() {
    let begin = || Input::Timer(TimerName::of_execution(TimerKind::Begin));
    in_an_hour(story("a: { activity: one }"))
        .at("59m", begin())
        .gives_nothing()
        .timer_is_due("1h")
        .timer()
        .then(begin())
        .gives_nothing();
}

#[test]
fn one_that_waits_can_be_cancelled() {
    in_an_hour(story("a: { activity: one }"))
        .at("5m", cancel("not today"))
        .gives(&["workflow.cancelled not today in 5m"])
        .is(Status::Cancelled)
        .has_no_timer();
}

#[test]
fn what_handles_a_cancel_does_so_before_it_began() {
    in_an_hour(workflow("steps: { a: { activity: one } }\non_cancel: { activity: tidy }"))
        .at("5m", Input::Cancel(Cancel::at_once(None)))
        .gives_also("task on_cancel#1")
        .has_no_timer();
}

#[test]
fn a_signal_that_comes_before_it_begins_is_kept() {
    in_an_hour(story("a: { await: { signal: go } }"))
        .at("5m", signal("go", json!(7)))
        .gives_nothing()
        .timer()
        .is(Status::Completed);
}

#[test]
fn one_that_is_paused_begins_when_somebody_lets_it_go_on() {
    in_an_hour(story("a: { activity: one }"))
        .at("5m", Input::Pause(Pause { reason: None }))
        .is(Status::Paused)
        .timer()
        .gives(&["workflow.admitted"])
        .at("2h", Input::Resume(Resume { context: Default::default() }))
        .gives(&["workflow.resumed", "step.started a#1", "task a#1"]);
}

#[test]
fn it_asks_for_its_place_only_when_its_time_has_come() {
    in_an_hour(workflow("concurrency: { limit: 1 }\nsteps: { a: { activity: one } }"))
        .gives(&["workflow.started", "workflow.pending for time until 1h"])
        .timer()
        .gives_also("workflow.pending for ~limit:w");
}

#[test]
fn why_says_when_it_begins() {
    let why = in_an_hour(story("a: { activity: one }")).why();
    assert_eq!(why.len(), 1);
    assert_eq!((why[0].state.as_str(), why[0].until), ("pending", Some(BEGIN + Span::from_secs(3600))));
    assert_eq!(why[0].ends, "it begins at 2026-01-01T01:00:00.000000000Z");
    assert_eq!(why[0].command, "sagaline cancel e");
}
