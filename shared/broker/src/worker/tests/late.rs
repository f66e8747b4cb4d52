//! An attempt whose turn of a rate is over does not begin, and says so.

use std::time::Duration;

use sagaline_events::{Input, Task, ask::Answer, input::StepSnoozed};
use sagaline_model::Span;
use tokio::time::advance;

use super::{
    super::{Delivery, Served},
    STORED, done,
    fake::{SINCE, World, delivery, task},
    serve_one, succeeds,
};
use crate::ports::Outcome;

/// Its turn is over so long after the session began.
fn until(span: Duration) -> Task {
    Task { begin_by: Some(SINCE + Span::from(span)), ..task() }
}

fn late(world: &World) -> StepSnoozed {
    let mut inputs = world.inputs();
    match (inputs.pop(), &inputs[..]) {
        (Some(Input::StepSnoozed(snoozed)), [] | [Input::StepStarted(_)]) => snoozed,
        (last, others) => panic!("{others:?} {last:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_in_time_begins() {
    let world = World::new();
    advance(Duration::from_secs(1)).await;
    let task = until(Duration::from_secs(1));
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task)).await, Served::Answered);
    assert!(world.ran());
}

#[tokio::test(start_paused = true)]
async fn who_comes_too_late_does_not_begin_and_says_so() {
    let world = World::new();
    advance(Duration::from_millis(1_001)).await;
    let task = until(Duration::from_secs(1));
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task)).await, Served::Late);
    assert!(!world.ran());
    let said = late(&world);
    assert_eq!((said.late, said.attempt, said.delay), (true, 1, Span::ZERO));
    assert_eq!(world.did().last(), Some(&done("ack.1")), "the queue forgets it once that is stored");
}

/// Storing the report takes as long as it takes.
#[tokio::test(start_paused = true)]
async fn whose_turn_is_over_once_its_start_is_reported_does_not_begin_either() {
    let world = World::new();
    world.stream_says([vec![Outcome::Unknown("no answer".into()); 8], vec![STORED; 2]].concat());
    let task = Task { report: true, ..until(Duration::from_secs(1)) };
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task)).await, Served::Late);
    assert!(!world.ran() && late(&world).late);
}

/// A turn is for one begin, and nobody knows whether somebody who is gone had it.
#[tokio::test(start_paused = true)]
async fn what_was_delivered_before_begins_no_second_time_on_its_turn() {
    let world = World::new();
    world.owner_says([Some(Answer::Wanted(true))]);
    let task = until(Duration::from_secs(3600));
    let again = Delivery { delivered: 2, ..delivery(&world, &task) };
    assert_eq!(serve_one(&world, succeeds(), &again).await, Served::Late);
    assert!(!world.ran() && late(&world).late);

    // The server may have forgotten that it was delivered.
    let world = World::new();
    world.owner_says([Some(Answer::Wanted(true))]);
    let older = Task { cause: SINCE, ..task };
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &older)).await, Served::Late);
    assert!(!world.ran() && late(&world).late);
}
