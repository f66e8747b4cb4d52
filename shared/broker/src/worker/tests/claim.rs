//! Attempts that are claimed: whether they began can be told from the log, and they are always answered for.

use std::{sync::Arc, time::Duration};

use sagaline_events::{Input, Task, ask::Answer};
use sagaline_model::StepError;
use serde_json::json;
use tokio::time::sleep;

use super::{
    super::{Acknowledgement, Delivery, Ended, Served, Stop, TaskPorts},
    STORED, done, ends,
    fake::{ACK_WAIT, Did, Script, World, delivery, task},
    published, serve_one, serving, succeeds,
};
use crate::ports::Outcome;

const REVOKED: &[u8] = br#"{"revoked":{"path":"charge","attempt":1}}"#;

fn claimed() -> Task {
    Task { report: true, claim: true, ..task() }
}

/// A world whose owner gives these answers.
fn world(answers: &[bool]) -> Arc<World> {
    let world = World::new();
    world.owner_says(answers.iter().map(|wanted| Some(Answer::Wanted(*wanted))));
    world
}

fn error_of(inputs: &[Input]) -> &str {
    let [Input::StepStarted(_), Input::StepFailed(failed)] = inputs else { panic!("{inputs:?}") };
    &failed.error.kind
}

#[tokio::test(start_paused = true)]
async fn it_begins_once_its_report_is_stored_and_it_is_still_wanted() {
    // A task that says nothing of reports has its start reported all the same.
    for task in [claimed(), Task { report: false, ..claimed() }] {
        let world = world(&[true]);
        world.stream_says([Outcome::Unknown("no answer".into()), STORED]);
        assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task)).await, Served::Answered);
        let expected =
            [published("step_started"), Did::Asked, Did::Ran(json!(7)), published("step_succeeded"), done("ack.1")];
        assert_eq!(world.did(), expected);
        let inputs = world.inputs();
        let [Input::StepStarted(_), Input::StepSucceeded(success)] = &inputs[..] else { panic!("{inputs:?}") };
        assert!(success.claimed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_as_any_other() {
    let world = world(&[true]);
    let failed = Ended::Failed(StepError::new("CardDeclined", "no funds"));
    assert_eq!(serve_one(&world, ends(failed), &delivery(&world, &claimed())).await, Served::Answered);
    assert_eq!(error_of(&world.inputs()), "CardDeclined");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_wanted_any_more_does_not_run_and_says_that_it_has_done_nothing() {
    for answer in [Answer::Wanted(false), Answer::Unknown] {
        let world = World::new();
        world.owner_says([Some(answer)]);
        assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &claimed())).await, Served::Answered);
        assert_eq!(world.did(), [published("step_started"), Did::Asked, published("step_failed"), done("ack.1")]);
        assert_eq!(error_of(&world.inputs()), StepError::NOT_BEGUN);
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_not_wanted_any_more_says_nothing_since_another_may_run() {
    let world = world(&[true, false]);
    let copy = Delivery { delivered: 2, ..delivery(&world, &claimed()) };
    assert_eq!(serve_one(&world, succeeds(), &copy).await, Served::Unwanted);
    assert_eq!(world.did(), [Did::Asked, published("step_started"), Did::Asked, done("ack.1")]);
}

#[tokio::test(start_paused = true)]
async fn without_an_owner_it_is_kept_and_does_not_run() {
    let world = World::new();
    world.owner_says(vec![None; 10]);
    world.owner_says([Some(Answer::Wanted(true))]);
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &claimed())).await, Served::Answered);
    assert_eq!(world.did().iter().filter(|did| **did == Did::Asked).count(), 11);
    assert!(5 < world.progress_at().len(), "{:?}", world.progress_at());
    assert!(world.ran());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_when_it_may_be_somebody_elses_starts_and_says_nothing() {
    for wanted in [true, false] {
        let world = World::new();
        world.owner_says(vec![None; 3]);
        world.owner_says([Some(Answer::Wanted(wanted))]);
        let served = serving(&world, succeeds(), delivery(&world, &claimed()), &Stop::default());
        sleep(Duration::from_millis(50)).await;
        world.lose_connection();
        assert_eq!(served.await.expect("it ends"), Served::Dropped);
        assert!(!world.ran());
        assert_eq!(world.inputs().len(), 1, "only its report: {:?}", world.inputs());
        assert_eq!(world.running().count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_revoked_while_it_runs_is_answered_for() {
    let world = world(&[true]);
    let served = serving(&world, Script::Heeds, delivery(&world, &claimed()), &Stop::default());
    sleep(Duration::from_millis(10)).await;
    world.running().notice("order-1", REVOKED);
    assert_eq!(served.await.expect("it ends"), Served::Answered);
    let inputs = world.inputs();
    let [Input::StepStarted(_), Input::StepSucceeded(success)] = &inputs[..] else { panic!("{inputs:?}") };
    assert!(success.claimed);
    assert_eq!(world.did().last(), Some(&done("ack.1")));
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_one_that_was_told_to_stop_does_not_mean_that_it_did_nothing() {
    for (notice, kind) in [("revoked", "Interrupted"), ("cleanup", "Interrupted"), ("revoked", StepError::CANCELLED)] {
        let world = world(&[true]);
        let script = Script::HeedsAndFails(kind);
        let served = serving(&world, script, delivery(&world, &claimed()), &Stop::default());
        sleep(Duration::from_millis(10)).await;
        let notice = json!({ notice: { "path": "charge", "attempt": 1 } }).to_string();
        world.running().notice("order-1", notice.as_bytes());
        assert_eq!(served.await.expect("it ends"), Served::Answered);
        assert_eq!(error_of(&world.inputs()), StepError::CANCELLED);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_revoked_and_does_not_stop_runs_out_of_time() {
    let world = world(&[true]);
    let task = Task { timeout: Some(ACK_WAIT.into()), ..claimed() };
    let served = serving(&world, Script::Ignores, delivery(&world, &task), &Stop::default());
    sleep(Duration::from_millis(10)).await;
    world.running().notice("order-1", REVOKED);
    assert_eq!(served.await.expect("it ends"), Served::Answered);
    assert_eq!(error_of(&world.inputs()), StepError::TIMEOUT);
    assert!(world.boot() < ACK_WAIT + Duration::from_secs(2), "{:?}", world.boot());
}

/// The notice comes while its report is being stored, or while the owner's answer, an older one, is under way.
#[tokio::test(start_paused = true)]
async fn one_that_is_revoked_before_it_begins_has_done_nothing() {
    for (asked, before) in [(0, Outcome::Unknown("no answer".into())), (4, STORED)] {
        let world = World::new();
        world.stream_says([before]);
        world.owner_says(vec![None; 3]);
        world.owner_says([Some(Answer::Wanted(true))]);
        let served = serving(&world, succeeds(), delivery(&world, &claimed()), &Stop::default());
        sleep(Duration::from_millis(20)).await;
        world.running().notice("order-1", REVOKED);
        assert_eq!(served.await.expect("it ends"), Served::Answered);
        assert_eq!(error_of(&world.inputs()), StepError::NOT_BEGUN);
        assert_eq!(world.did().iter().filter(|did| **did == Did::Asked).count(), asked);
        assert!(!world.ran());
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_begun_when_the_worker_drains_goes_to_another() {
    let world = World::new();
    let stop = Stop::default();
    let served = serving(&world, succeeds(), delivery(&world, &claimed()), &stop);
    sleep(Duration::from_millis(500)).await;
    stop.drain.cancel();
    assert_eq!(served.await.expect("it ends"), Served::Released);
    assert_eq!(world.did().last(), Some(&Did::Told(Acknowledgement::Again, "ack.1".into())));
    assert_eq!((world.running().count(), world.inputs().len()), (0, 1));
}
