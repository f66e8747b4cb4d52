//! Every event starts its workflow exactly once, whatever happens to servers, replicas and consumers.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use async_nats::jetstream::consumer;
use rustix::process::{Pid, Signal, kill_process};
use sagaline_broker::nats::Connection;
use sagaline_testkit::site::stream;
use tokio::process::{Child, Command};

use crate::common::{World, eventually, id, on, order, publish};

#[tokio::test]
async fn an_event_that_is_published_twice_starts_once() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.created")]).await;
    let (one, other) = (world.trigger().await, world.trigger().await);
    for number in 0..50 {
        let id = number.to_string();
        let first = world.publish("order.created", "/shop", &id, order(number));
        let second = world.publish("order.created", "/shop", &id, order(number));
        tokio::join!(first, second);
    }
    world.publish("order.created", "/another/shop", "7", order(7)).await;
    world.settle().await;
    let starts = world.starts().await;
    assert_eq!((starts.len(), world.count_starts().await), (51, 51));
    assert!(
        starts.contains_key(&id("order", "/another/shop", "7")),
        "the same id from another source is another event"
    );
    one.stop().await;
    other.stop().await;
}

/// Nobody knows any more where the consumer was: everything is delivered again.
#[tokio::test]
async fn reading_all_events_again_starts_nothing_again() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.created")]).await;
    let trigger = world.trigger().await;
    for number in 0..30 {
        world.publish("order.created", "/shop", &number.to_string(), order(number)).await;
    }
    world.settle().await;
    trigger.stop().await;
    let events = stream(&world.connection, "EVENTS").await;
    events.delete_consumer("trigger").await.unwrap();
    let trigger = world.trigger().await;
    world.settle().await;
    assert_eq!(world.told("matched").await.len(), 60, "all of them came again");
    assert_eq!(world.count_starts().await, 30);
    trigger.stop().await;
}

#[tokio::test]
async fn a_consumer_deleted_by_an_operator_is_made_anew() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.created")]).await;
    let trigger = world.trigger().await;
    let events = stream(&world.connection, "EVENTS").await;
    for round in 0..3 {
        events.delete_consumer("trigger").await.unwrap();
        world.publish("order.created", "/shop", &round.to_string(), order(round)).await;
        world.wait_for_starts(round + 1).await;
    }
    world.settle().await;
    assert_eq!(world.count_starts().await, 3);
    trigger.stop().await;
}

/// A replica notes every half minute where the consumer is, so that not all events of a day have to be read again.
#[tokio::test]
async fn a_consumer_made_anew_goes_on_from_where_it_was() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.created")]).await;
    let trigger = world.trigger().await;
    publish_orders(&world.connection, 5).await;
    world.settle().await;
    let settled = Instant::now();
    eventually("the place is noted", async || 31 <= settled.elapsed().as_secs()).await;
    let events = stream(&world.connection, "EVENTS").await;
    events.delete_consumer("trigger").await.unwrap();
    world.publish("order.created", "/shop", "another", order(6)).await;
    world.wait_for_starts(6).await;
    world.settle().await;
    assert_eq!(world.told("matched").await.len(), 6, "the first five did not come again");
    trigger.stop().await;
}

/// The server is killed and comes back, twice, while 500 events are published.
#[tokio::test]
async fn every_event_starts_once_over_crashes_of_the_server() {
    let mut world = World::new().await;
    world.apply("order", 1, vec![on("order.created")]).await;
    let (one, other) = (world.trigger().await, world.trigger().await);
    let connection = world.connection.clone();
    let publishing = tokio::spawn(async move { publish_orders(&connection, 500).await });
    for crash_at in [100, 300] {
        eventually("some are started", async || crash_at <= count_in_logs(&world).await).await;
        world.server.kill().await;
        world.server.restart().await;
    }
    publishing.await.unwrap();
    let starts = world.wait_for_starts(500).await;
    world.settle().await;
    assert_eq!((starts.len(), world.count_starts().await), (500, 500));
    one.stop().await;
    other.stop().await;
}

/// A replica is killed while it has events that it did not acknowledge; another gets them when their time is over.
#[tokio::test]
async fn a_killed_replica_loses_no_event_and_starts_none_twice() {
    let world = World::new().await;
    world.apply("order", 1, vec![on("order.created")]).await;
    let mut killed = replica(&world);
    let pid = Pid::from_raw(killed.id().unwrap().cast_signed()).unwrap();
    eventually("the replica serves", async || consumer(&world).await.is_some_and(|consumer| 0 < consumer.num_waiting))
        .await;
    let connection = world.connection.clone();
    let publishing = tokio::spawn(async move { publish_orders(&connection, 400).await });
    eventually("some are started", async || 20 <= count_in_logs(&world).await).await;
    // It stops in the middle of whatever it does, and the server goes on delivering to it for a while.
    kill_process(pid, Signal::STOP).unwrap();
    publishing.await.unwrap();
    let started = count_in_logs(&world).await;
    let unacknowledged = consumer(&world).await.unwrap().num_ack_pending;
    assert!(started < 400 && 0 < unacknowledged, "{started} started, {unacknowledged} unacknowledged");
    kill_process(pid, Signal::KILL).unwrap();
    killed.wait().await.unwrap();

    let mut survivor = replica(&world);
    world.wait_for_starts(400).await;
    world.settle().await;
    assert_eq!((world.starts().await.len(), world.count_starts().await), (400, 400));
    assert_eq!(
        world.told("matched").await.iter().map(|data| data["execution"].to_string()).collect::<BTreeSet<_>>().len(),
        400
    );

    kill_process(Pid::from_raw(survivor.id().unwrap().cast_signed()).unwrap(), Signal::TERM).unwrap();
    let ended =
        tokio::time::timeout(Duration::from_secs(15), survivor.wait()).await.expect("SIGTERM drains and ends it");
    assert_eq!(ended.unwrap().code(), Some(0));
}

async fn consumer(world: &World) -> Option<consumer::Info> {
    let events = stream(&world.connection, "EVENTS").await;
    events.consumer_info("trigger").await.ok()
}

async fn count_in_logs(world: &World) -> u64 {
    let mut count = 0;
    for partition in 0..world.installed.partitions {
        count += stream(&world.connection, &world.names().runs(partition)).await.cached_info().state.messages;
    }
    count
}

async fn publish_orders(connection: &Connection, count: usize) {
    for number in 0..count {
        let id = number.to_string();
        let headers = [("ce-specversion", "1.0"), ("ce-id", &id), ("ce-source", "/shop"), ("ce-type", "order.created")];
        // Whoever got no answer publishes again, as publishers have to.
        while publish(connection, "order.created", &headers, order(number).to_string().into()).await.is_err() {}
    }
}
/// A trigger as a process of its own.
fn replica(world: &World) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagaline-trigger"));
    command.args(["--nats-url", &world.server.url(), "--http", "127.0.0.1:0", "--log-format", "json"]);
    command.kill_on_drop(true).spawn().expect("the program starts")
}

#[tokio::test]
async fn without_a_server_the_program_says_so() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagaline-trigger"));
    // Nobody listens on the discard port.
    let output = command.args(["--nats-url", "nats://127.0.0.1:9"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(69));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot reach NATS at `nats://127.0.0.1:9`"), "{said}");
    assert_eq!(output.stdout, b"");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_told_all_at_once() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagaline-trigger"));
    let output = command.args(["--in-flight", "none", "--log-format", "xml"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`none`") && said.contains("`xml`"), "{said}");
}
