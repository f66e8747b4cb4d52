//! Doubt: what is asked about before it runs, and what the answers mean.

use sagaline_events::{Task, ask::Answer};
use sagaline_model::{Moment, StepError};
use tokio::task::yield_now;

use super::{
    super::{CAUSE_WITHIN, Served, Stop, TaskPorts},
    Cast, copy, done,
    fake::{Did, SINCE, World, delivery, task},
    serve_one, serving, succeeds,
};

#[tokio::test(start_paused = true)]
async fn whatever_may_be_a_copy_is_asked_about() {
    let recent = task().cause;
    let doubts: [(&str, Moment, Cast); 6] = [
        ("delivered before", recent, |delivery| delivery.delivered = 2),
        ("marked", recent, |delivery| delivery.repeat = true),
        ("stored late", recent, |delivery| delivery.stored = delivery.stored + CAUSE_WITHIN),
        ("of an earlier session", recent, |delivery| delivery.session = 0),
        ("caused as the session began", SINCE, |_| ()),
        ("caused before the session", Moment::from_millis(1), |_| ()),
    ];
    for (doubt, cause, cast) in doubts {
        let world = World::new();
        world.owner_says([Some(Answer::Wanted(false))]);
        let mut delivery = delivery(&world, &Task { cause, ..task() });
        cast(&mut delivery);
        assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Unwanted, "{doubt}");
        assert_eq!(world.did(), [Did::Asked, done("ack.1")], "{doubt}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_it_is_not_known_when_the_session_began_everything_is_asked_about() {
    let world = World::new();
    let mut delivery = delivery(&world, &task());
    world.lose_connection();
    delivery.session = world.session().number;
    world.owner_says([Some(Answer::Wanted(true))]);
    assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Answered);
    assert_eq!(world.did()[0], Did::Asked);
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_the_owner_does_not_know_wants_nothing() {
    let world = World::new();
    world.owner_says([Some(Answer::Unknown)]);
    assert_eq!(serve_one(&world, succeeds(), &copy(&world)).await, Served::Unwanted);
    assert!(!world.ran());
}

#[tokio::test(start_paused = true)]
async fn without_an_owner_the_task_is_kept_until_there_is_one() {
    let world = World::new();
    world.owner_says(vec![None; 10]);
    world.owner_says([Some(Answer::Wanted(true))]);
    assert_eq!(serve_one(&world, succeeds(), &copy(&world)).await, Served::Answered);
    assert_eq!(world.did().iter().filter(|did| **did == Did::Asked).count(), 11);
    assert_eq!(world.progress_at(), [1000, 2000, 3000, 4000, 5000, 6000, 7000]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_does_not_understand_is_asked_again() {
    let world = World::new();
    let refused = Answer::Refused(StepError::new("BadQuestion", "what?"));
    world.owner_says([Some(refused), Some(Answer::Wanted(true))]);
    assert_eq!(serve_one(&world, succeeds(), &copy(&world)).await, Served::Answered);
}

#[tokio::test(start_paused = true)]
async fn a_task_asked_about_on_a_lost_connection_is_dropped() {
    let world = World::new();
    let served = serving(&world, succeeds(), copy(&world), &Stop::default());
    yield_now().await;
    world.lose_connection();
    assert_eq!(served.await.expect("it ends"), Served::Dropped);
    assert!(!world.ran());
    assert!(!world.did().iter().any(|did| matches!(did, Did::Told(..))), "somebody else has it");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_after_the_connection_was_lost_starts_nothing() {
    let world = World::new();
    world.owner_says([Some(Answer::Wanted(true))]);
    let served = serving(&world, succeeds(), copy(&world), &Stop::default());
    yield_now().await;
    world.lose_connection();
    assert_eq!(served.await.expect("it ends"), Served::Dropped);
    assert!(!world.ran());
}
