//! Holding a task: by signs of life, and for as long as the connection is the one on which it came.

use std::time::Duration;

use serde_json::Value;
use tokio::{task::yield_now, time::advance};

use super::{
    super::{Ended, Served, Stop},
    fake::{ACK_WAIT, Script, World, delivery, task},
    serve_one, serving, succeeds,
};
use crate::ports::Outcome;

#[tokio::test(start_paused = true)]
async fn what_lay_about_for_an_ack_wait_is_dropped() {
    let world = World::new();
    let delivery = delivery(&world, &task());
    advance(ACK_WAIT).await;
    assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Dropped);
    assert_eq!(world.did(), []);
}

#[tokio::test(start_paused = true)]
async fn a_long_activity_gives_signs_of_life() {
    let world = World::new();
    let script = Script::Ends(Ended::Succeeded(Value::Null), ACK_WAIT * 2 + Duration::from_millis(500));
    assert_eq!(serve_one(&world, script, &delivery(&world, &task())).await, Served::Answered);
    assert_eq!(world.progress_at(), [1000, 2000, 3000, 4000, 5000, 6000]);
}

#[tokio::test(start_paused = true)]
async fn many_short_waits_are_no_excuse_for_silence() {
    let world = World::new();
    world.stream_says(vec![Outcome::Unknown("no answer".into()); 8]);
    let mut bad = delivery(&world, &task());
    bad.content = Err("it is no CloudEvent".into());
    assert_eq!(serve_one(&world, succeeds(), &bad).await, Served::Rejected);
    assert_eq!(world.progress_at(), [1000, 2000, 3000, 4000, 5000, 6000, 7000]);
}

#[tokio::test(start_paused = true)]
async fn what_has_begun_goes_on_when_the_connection_is_lost() {
    let world = World::new();
    let script = Script::Ends(Ended::Succeeded(Value::Null), ACK_WAIT * 3);
    let served = serving(&world, script, delivery(&world, &task()), &Stop::default());
    yield_now().await;
    world.lose_connection();
    assert_eq!(served.await.expect("it ends"), Served::Answered);
    assert_eq!(world.inputs().len(), 1);
}
