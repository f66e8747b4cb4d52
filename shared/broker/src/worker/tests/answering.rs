//! Answers: tried until they are stored, and made small enough to travel.

use std::time::Duration;

use sagaline_events::Input;
use sagaline_model::StepError;
use serde_json::{Value, json};

use super::{
    super::{Ended, PayloadFault, Served, TaskPorts},
    STORED, done, ends,
    fake::{Did, World, delivery, locked, task},
    published, serve_one, succeeds,
};
use crate::ports::Outcome;

#[tokio::test(start_paused = true)]
async fn every_way_to_end_has_its_input() {
    let error = StepError::new("CardDeclined", "no funds");
    for (ended, kind) in [
        (Ended::Succeeded(Value::Null), "step_succeeded"),
        (Ended::Skipped("nothing to do".into()), "step_skipped"),
        (Ended::Snoozed { delay: Duration::from_secs(1).into(), reason: String::new() }, "step_snoozed"),
        (Ended::Failed(error), "step_failed"),
        (Ended::Expanded(json!([])), "step_expanded"),
        (Ended::Late, "step_snoozed"),
        (Ended::Awaits { approvers: vec![], timeout: None, on_timeout: Default::default() }, "step_awaits"),
    ] {
        let world = World::new();
        serve_one(&world, ends(ended), &delivery(&world, &task())).await;
        assert!(world.did().contains(&published(kind)), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_too_early_says_when_to_come_again() {
    let world = World::new();
    let delay = Duration::from_secs(300).into();
    // Too large to travel, were it not shortened.
    let early = Ended::Snoozed { delay, reason: "not\nyet ".repeat(60_000) };
    assert_eq!(serve_one(&world, ends(early), &delivery(&world, &task())).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepSnoozed(snoozed)] = &inputs[..] else { panic!("one answer") };
    assert_eq!((snoozed.attempt, snoozed.delay), (1, delay));
    assert!(snoozed.reason.starts_with("not yet ") && snoozed.reason.len() < 2000, "{}", snoozed.reason.len());
}

#[tokio::test(start_paused = true)]
async fn a_result_is_tried_again_until_it_is_stored() {
    let world = World::new();
    let (unknown, full) = (Outcome::Unknown("no answer".into()), Outcome::Full("no room".into()));
    world.stream_says([vec![unknown; 10], vec![full; 10], vec![Outcome::Contended, STORED]].concat());
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
    let did = world.did();
    assert_eq!(did.iter().filter(|did| **did == Did::Ran(json!(7))).count(), 1);
    assert_eq!(did[did.len() - 2..], [published("step_succeeded"), done("ack.1")]);
    assert!(10 < world.progress_at().len(), "the task is kept all the while");
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_refused_becomes_a_failure_that_is_not() {
    let world = World::new();
    world.stream_says([Outcome::Refused("too\nlarge".into())]);
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!((failed.error.kind.as_str(), failed.error.retryable), ("ResultRefused", false));
    assert_eq!(failed.error.message, "the result could not be stored: too large");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_cannot_be_answered_at_all_is_set_aside() {
    let world = World::new();
    world.stream_says(vec![Outcome::Refused("no".into()); 2]);
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
    let rejected = Did::Published("sagaline.rejected.bad_task".into(), "sagaline.rejected.v1".into());
    assert_eq!(world.did()[1..], [rejected, done("ack.1")]);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_answer_no_stream_takes_is_set_aside_after_two_minutes() {
    let no_stream = || Outcome::Unknown("no stream takes it".into());
    let world = World::new();
    *locked(&world.is_taken) = Some(false);
    world.stream_says(vec![no_stream(); 70]);
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
    assert!((120..140).contains(&world.boot().as_secs()), "{:?}", world.boot());
    let rejected = Did::Published("sagaline.rejected.bad_task".into(), "sagaline.rejected.v1".into());
    let did = world.did();
    assert_eq!(did[did.len() - 2..], [rejected, done("ack.1")]);
    let message = world.messages().pop().expect("it is set aside");
    let why = message.headers.iter().find(|(name, _)| *name == "Sagaline-Reason").expect("a reason");
    assert!(why.1.contains("no stream takes `sagaline.run.0.order-1.in`"), "{}", why.1);
}

/// A stream without a leader, or of which nothing can be learnt, will take it in the end.
#[tokio::test(start_paused = true)]
async fn an_answer_whose_stream_only_has_no_leader_is_tried_until_it_is_stored() {
    for is_taken in [Some(true), None] {
        let world = World::new();
        *locked(&world.is_taken) = is_taken;
        world.stream_says(vec![Outcome::Unknown("no leader".into()); 400]);
        assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
        assert!(600 < world.boot().as_secs(), "{:?}", world.boot());
        assert_eq!(world.did().last(), Some(&done("ack.1")));
        assert!(matches!(world.inputs()[..], [Input::StepSucceeded(_)]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_output_travels_as_a_reference() {
    let world = World::new();
    *locked(&world.payload) = Ok(json!({ "$ref": {} }));
    let large = Ended::Succeeded("x".repeat(300 * 1024).into());
    assert_eq!(serve_one(&world, ends(large), &delivery(&world, &task())).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepSucceeded(result)] = &inputs[..] else { panic!("one result") };
    assert_eq!(result.output, json!({ "$ref": {} }));
}

#[tokio::test(start_paused = true)]
async fn an_output_too_large_for_any_store_fails_the_step() {
    let world = World::new();
    *locked(&world.payload) = Err(PayloadFault::Never("it is 70 MiB".into()));
    let large = Ended::Succeeded("x".repeat(300 * 1024).into());
    assert_eq!(serve_one(&world, ends(large), &delivery(&world, &task())).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!((failed.error.kind.as_str(), failed.error.retryable), ("ResultTooLarge", false));
    assert!(failed.error.message.contains("70 MiB"));
}

#[tokio::test(start_paused = true)]
async fn an_error_too_large_to_travel_is_shortened() {
    let world = World::new();
    let details = Some("x".repeat(300 * 1024).into());
    let error = StepError { details, ..StepError::new("CardDeclined", "no funds") };
    serve_one(&world, ends(Ended::Failed(error)), &delivery(&world, &task())).await;
    let inputs = world.inputs();
    let [Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!((failed.error.kind.as_str(), &failed.error.details), ("CardDeclined", &None));
    assert!(failed.error.message.starts_with("no funds (shortened"), "{}", failed.error.message);
}

#[tokio::test(start_paused = true)]
async fn steps_that_are_too_many_for_a_message_are_a_failure_that_says_so() {
    for (kibibytes, kind) in [(400, "step_expanded"), (600, "step_failed")] {
        let world = World::new();
        let steps = json!([{"name": "a", "kind": {"step": {"activity": "a", "input": "x".repeat(kibibytes * 1024)}}}]);
        serve_one(&world, ends(Ended::Expanded(steps)), &delivery(&world, &task())).await;
        assert!(world.did().contains(&published(kind)), "{kibibytes} KiB");
        if let [Input::StepFailed(failed)] = &world.inputs()[..] {
            assert_eq!((failed.error.kind.as_str(), failed.error.retryable), (StepError::BAD_EXPANSION, false));
            assert!(failed.error.message.contains("more than the 512 KiB"), "{}", failed.error.message);
        }
    }
}
