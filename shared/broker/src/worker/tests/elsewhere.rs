//! What others hold is left to them.

use std::time::Duration;

use sagaline_events::{Held, Task, ask::Answer};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    super::{Delivery, Ended, Served, Stop, TaskPorts},
    copy,
    fake::{ACK_WAIT, Did, SINCE, Script, World, delivery, task},
    serve_one, serving, succeeds,
};
use crate::ports::Outcome;

const GATHERING: Duration = Duration::from_secs(1);

/// A task from before the session.
fn older(world: &World) -> Delivery {
    delivery(world, &Task { cause: SINCE, ..task() })
}

fn this() -> Held {
    Held { execution: task().execution, path: task().path, attempt: task().attempt }
}

#[tokio::test(start_paused = true)]
async fn what_another_worker_holds_is_left_to_it() {
    let world = World::new();
    world.elsewhere().hear([this()], world.boot());
    assert_eq!(serve_one(&world, succeeds(), &older(&world)).await, Served::Dropped);
    assert_eq!(world.did(), [], "it is not even told that it is left alone");
}

#[tokio::test(start_paused = true)]
async fn another_attempt_elsewhere_is_no_reason_to_leave_this_one() {
    let world = World::new();
    world.elsewhere().hear([Held { attempt: 2, ..this() }], world.boot());
    world.owner_says([Some(Answer::Wanted(true))]);
    assert_eq!(serve_one(&world, succeeds(), &older(&world)).await, Served::Answered);
}

/// The server hears no sign of life while the consumer has no leader, and gives it to somebody else as soon as there is one.
#[tokio::test(start_paused = true)]
async fn a_second_delivery_is_left_to_whoever_holds_it_too() {
    let world = World::new();
    world.elsewhere().hear([this()], world.boot());
    let again = Delivery { delivered: 2, ..older(&world) };
    assert_eq!(serve_one(&world, succeeds(), &again).await, Served::Dropped);
    assert!(!world.ran());
}

#[tokio::test(start_paused = true)]
async fn what_was_said_long_ago_does_not_count() {
    let world = World::new();
    world.elsewhere().hear([this()], world.boot());
    sleep(ACK_WAIT + Duration::from_millis(1)).await;
    world.owner_says([Some(Answer::Wanted(true))]);
    assert_eq!(serve_one(&world, succeeds(), &older(&world)).await, Served::Answered);
}

#[tokio::test(start_paused = true)]
async fn what_is_newer_than_the_session_is_nobody_elses() {
    let world = World::new();
    world.gathers(GATHERING);
    world.elsewhere().hear([this()], world.boot());
    let begun = Instant::now();
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
    assert!(begun.elapsed() < GATHERING, "it waited for nobody");
}

#[tokio::test(start_paused = true)]
async fn whoever_lost_the_connection_too_is_waited_for() {
    for (says_so_after, served) in [(GATHERING / 2, Served::Dropped), (GATHERING * 2, Served::Answered)] {
        let world = World::new();
        world.gathers(GATHERING);
        world.owner_says([Some(Answer::Wanted(true))]);
        let serving = serving(&world, succeeds(), older(&world), &Stop::default());
        sleep(says_so_after).await;
        world.elsewhere().hear([this()], world.boot());
        assert_eq!(serving.await.expect("it ends"), served, "{says_so_after:?}");
        assert_eq!(world.ran(), served == Served::Answered);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_the_owner_is_asked_counts() {
    let world = World::new();
    world.owner_says(vec![None; 3]);
    world.owner_says([Some(Answer::Wanted(true))]);
    let serving = serving(&world, succeeds(), older(&world), &Stop::default());
    sleep(Duration::from_millis(150)).await;
    assert!(world.did().contains(&Did::Asked));
    world.elsewhere().hear([this()], world.boot());
    assert_eq!(serving.await.expect("it ends"), Served::Dropped);
    assert!(!world.ran());
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_held_until_its_result_is_stored() {
    let world = World::new();
    world.stream_says(vec![Outcome::Unknown("no leader".into()); 3]);
    let slow = Script::Ends(Ended::Succeeded(json!(1)), Duration::from_millis(100));
    let serving = serving(&world, slow, delivery(&world, &task()), &Stop::default());
    for (at, what) in [(50, "it runs"), (100, "its result is not stored yet")] {
        sleep(Duration::from_millis(at)).await;
        assert_eq!(world.running().held(), [this()], "{what}");
    }
    assert_eq!(serving.await.expect("it ends"), Served::Answered);
    assert_eq!(world.running().held(), []);
}

#[tokio::test(start_paused = true)]
async fn what_has_not_begun_is_not_held() {
    let world = World::new();
    let serving = serving(&world, succeeds(), copy(&world), &Stop::default());
    sleep(Duration::from_millis(50)).await;
    assert_eq!(world.running().held(), [], "its owner does not answer");
    world.owner_says([Some(Answer::Wanted(true))]);
    assert_eq!(serving.await.expect("it ends"), Served::Answered);
}
