//! Reports, and the limits of an attempt: its timeout, and the signs of life that it owes.

use std::time::Duration;

use sagaline_events::{Input, Task};
use sagaline_model::StepError;
use serde_json::{Value, json};

use super::{
    super::{Ended, Served, Stop, TaskPorts},
    STORED, done,
    fake::{Did, Script, World, delivery, task},
    published, serve_one, serving, succeeds,
};
use crate::ports::Outcome;

fn limited(timeout: Duration) -> Task {
    Task { timeout: Some(timeout.into()), ..task() }
}

#[tokio::test(start_paused = true)]
async fn a_limited_attempt_begins_once_its_report_is_stored() {
    let world = World::new();
    world.stream_says([Outcome::Unknown("no answer".into()), Outcome::Full("no room".into()), STORED]);
    let delivery = delivery(&world, &limited(Duration::from_secs(5)));
    assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Answered);
    let expected = [published("step_started"), Did::Ran(json!(7)), published("step_succeeded"), done("ack.1")];
    assert_eq!(world.did(), expected);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_whose_report_is_not_stored_before_the_connection_is_lost_does_not_begin() {
    let world = World::new();
    world.stream_says(vec![Outcome::Unknown("no answer".into()); 100]);
    let delivery = delivery(&world, &limited(Duration::from_secs(5)));
    let served = serving(&world, succeeds(), delivery, &Stop::default());
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.lose_connection();
    assert_eq!(served.await.expect("it ends"), Served::Dropped);
    assert!(!world.ran());
    assert_eq!(world.running().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_runs_too_long_is_broken_off_and_fails() {
    for script in [Script::Ignores, Script::Heeds] {
        let world = World::new();
        let delivery = delivery(&world, &limited(Duration::from_millis(2500)));
        assert_eq!(serve_one(&world, script, &delivery).await, Served::Answered);
        let inputs = world.inputs();
        let [Input::StepStarted(_), Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
        assert_eq!((failed.error.kind.as_str(), failed.error.retryable), (StepError::TIMEOUT, true));
        assert!(failed.error.message.contains("2s500ms"), "{}", failed.error.message);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_may_be_asked_to_report_without_a_limit() {
    let world = World::new();
    let delivery = delivery(&world, &Task { report: true, ..task() });
    assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Answered);
    let expected = [published("step_started"), Did::Ran(json!(7)), published("step_succeeded"), done("ack.1")];
    assert_eq!(world.did(), expected);
}

fn must_beat(every: Duration) -> Task {
    Task { heartbeat: Some(every.into()), ..task() }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_gives_no_sign_of_life_is_broken_off_and_fails() {
    for script in [Script::Ignores, Script::Heeds] {
        let world = World::new();
        let delivery = delivery(&world, &must_beat(Duration::from_secs(2)));
        assert_eq!(serve_one(&world, script, &delivery).await, Served::Answered);
        let inputs = world.inputs();
        let [Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
        assert_eq!((failed.error.kind.as_str(), failed.error.retryable), (StepError::HEARTBEAT_TIMEOUT, true));
        assert!(failed.error.message.ends_with("its heartbeat of 2s"), "{}", failed.error.message);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_may_run_for_as_long_as_it_gives_signs_of_life() {
    let world = World::new();
    let script = Script::Beats(Duration::from_millis(1900), 10, Ended::Succeeded(Value::Null));
    let begun = world.boot();
    assert_eq!(
        serve_one(&world, script, &delivery(&world, &must_beat(Duration::from_secs(2)))).await,
        Served::Answered
    );
    assert!(matches!(world.inputs()[..], [Input::StepSucceeded(_)]), "{:?}", world.inputs());
    assert!(Duration::from_secs(19) <= world.boot() - begun);
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_lengthen_no_timeout() {
    let world = World::new();
    let script = Script::Beats(Duration::from_millis(100), 1000, Ended::Succeeded(Value::Null));
    let timeout = Some(Duration::from_secs(5).into());
    let task = Task { timeout, ..must_beat(Duration::from_secs(2)) };
    assert_eq!(serve_one(&world, script, &delivery(&world, &task)).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepStarted(_), Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!(failed.error.kind, StepError::TIMEOUT);
}
