//! Room: the word on it, and the streams that must never be without.

use std::time::Duration;

use sagaline_broker::{
    nats::{
        Connection, Installation,
        room::{Gate, RoomKeeper, RoomWatcher},
    },
    ports::{Bucket, LogRoom, Message, Outcome, Ports},
    room::{Admission, Fill},
};
use tokio::{sync::watch, task::JoinSet};

use crate::common::{Site, eventually, message, small, soon};

/// Hears the word for a test.
struct Ear(watch::Sender<Option<Admission>>);

impl RoomWatcher for Ear {
    fn admission(&mut self, word: &Admission) {
        self.0.send_replace(Some(word.clone()));
    }
}

/// Every stream as small as it can be: 4 MiB.
async fn tiny() -> (Site, Connection) {
    let site = Site::start().await;
    let connection = site.connect().await;
    Installation { size_factor: 0.001, ..small() }.ensure(&connection).await.unwrap();
    (site, connection)
}

fn keep(connection: &Connection, keepers: &mut JoinSet<()>) -> watch::Receiver<Option<Admission>> {
    let (sender, heard) = watch::channel(None);
    keepers.spawn(RoomKeeper::new(connection.clone(), 1, Ear(sender)).keep());
    heard
}

/// Stores entries of 50,000 bytes on subjects of their own until the stream is so full.
async fn fill(connection: &Connection, stream: &str, subject: &str, percent: u64) {
    let stream = connection.jetstream().get_stream(stream).await.unwrap();
    let most = u64::try_from(stream.cached_info().config.max_bytes).unwrap();
    for number in 0.. {
        if most * percent / 100 <= stream.get_info().await.unwrap().state.bytes {
            break;
        }
        let outcome = connection.publish(&message(&format!("{subject}.fill-{number}.in"), vec![b'x'; 50_000])).await;
        assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    }
}

async fn empty(connection: &Connection, stream: &str) {
    connection.jetstream().get_stream(stream).await.unwrap().purge().await.unwrap();
}

/// What a gate that knows nothing yet says about partition 0.
async fn refusal(connection: &Connection) -> Option<Fill> {
    Gate::new(connection.clone()).refusal(0).await
}

#[tokio::test]
async fn the_word_follows_the_streams() {
    let (_site, connection) = tiny().await;
    let mut keepers = JoinSet::new();
    let mut heard = keep(&connection, &mut keepers);
    let word = soon(heard.wait_for(Option::is_some)).await.unwrap().clone().unwrap();
    assert!(word.is_open(), "{word:?}");
    assert_eq!(refusal(&connection).await, None);

    for (stream, subject) in
        [("RUNS_0", "sagaline.run.0"), ("KV_executions", "$KV.executions.0"), ("OBJ_payloads", "$O.payloads.C")]
    {
        fill(&connection, stream, subject, 90).await;
        eventually(&format!("`{stream}` is closed"), async || {
            refusal(&connection).await.is_some_and(|fill| fill.stream == stream && (90..100).contains(&fill.percent))
        })
        .await;
        let told =
            soon(heard.wait_for(|word| word.as_ref().is_some_and(|word| !word.is_open()))).await.unwrap().clone();
        assert_eq!(told.unwrap().closed.keys().collect::<Vec<_>>(), [stream]);
        empty(&connection, stream).await;
        eventually(&format!("`{stream}` is open"), async || refusal(&connection).await.is_none()).await;
    }

    fill(&connection, "QUEUE_default", "sagaline.queue.default.a.b.c", 90).await;
    let gate = |connection: &Connection| Gate::new(connection.clone());
    eventually("the queue is closed", async || gate(&connection).minds_queues().await).await;
    assert_eq!(refusal(&connection).await, None, "what does not lead to the queue is let in");
    let refused = gate(&connection).refusal_of_queues(["other", "default"]).await;
    assert_eq!(refused.map(|fill| fill.stream).as_deref(), Some("QUEUE_default"));
    assert_eq!(gate(&connection).refusal_of_queues(["other"]).await, None);
}

#[tokio::test]
async fn one_keeper_tells_the_word_and_another_steps_in() {
    let (_site, connection) = tiny().await;
    let mut first = JoinSet::new();
    let mut heard = keep(&connection, &mut first);
    soon(heard.wait_for(Option::is_some)).await.unwrap();
    let mut second = JoinSet::new();
    let mut heard = keep(&connection, &mut second);
    soon(heard.wait_for(Option::is_some)).await.unwrap();
    drop(first);
    fill(&connection, "RUNS_0", "sagaline.run.0", 90).await;
    soon(heard.wait_for(|word| word.as_ref().is_some_and(|word| !word.is_open()))).await.unwrap();
    let there = connection.admission().await.unwrap().expect("it is told");
    assert!(!there.is_open());
}

#[tokio::test]
async fn without_a_keeper_the_word_is_forgotten_and_the_log_looked_at() {
    let (_site, connection) = tiny().await;
    let mut keepers = JoinSet::new();
    let mut heard = keep(&connection, &mut keepers);
    fill(&connection, "KV_executions", "$KV.executions.0", 90).await;
    soon(heard.wait_for(|word| word.as_ref().is_some_and(|word| !word.is_open()))).await.unwrap();
    drop(keepers);
    eventually("it is forgotten", async || connection.admission().await.unwrap().is_none()).await;
    assert_eq!(refusal(&connection).await, None, "nobody stands for it any more");
    fill(&connection, "RUNS_0", "sagaline.run.0", 90).await;
    assert_eq!(refusal(&connection).await.map(|fill| fill.stream).as_deref(), Some("RUNS_0"));
}

#[tokio::test]
async fn leases_and_checkpoints_are_written_however_often_and_however_full_the_rest_is() {
    let (_site, connection) = tiny().await;
    for (stream, subject) in [("RUNS_0", "sagaline.run.0"), ("KV_executions", "$KV.executions.0")] {
        fill(&connection, stream, subject, 97).await;
    }
    // A partition writes some 300,000 of these a day: more bytes than the bucket has, in all.
    let stream = connection.jetstream().get_stream("KV_partitions").await.unwrap();
    let most = u64::try_from(stream.cached_info().config.max_bytes).unwrap();
    let value = vec![b'x'; 10_000];
    let writes = most / 10_000 + 100;
    for number in 0..writes {
        let key = connection.names().key(Bucket::Partitions, &format!("checkpoint.{}", number % 16));
        let written = Message { ttl: Some(Duration::from_secs(60)), ..message(&key, value.clone()) };
        let outcome = connection.publish(&written).await;
        assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    }
    let state = stream.get_info().await.unwrap().state;
    assert!(state.bytes < 17 * 11_000, "only the last of each is kept: {state:?}");
}

#[tokio::test]
async fn a_port_says_how_full_its_log_is() {
    let (site, connection) = tiny().await;
    crate::common::store(&connection, 0..3).await;
    let mut ports = site.ports().await;
    let LogRoom { first, entries, bytes, bytes_max, subjects } = ports.log_room().await.unwrap();
    assert_eq!((first, entries, subjects, bytes_max), (1, 3, 3, Some((4 << 30) / 1000)));
    assert!((100..10_000).contains(&bytes), "{bytes}");
    ports.purge_below(3).await.unwrap();
    let room = ports.log_room().await.unwrap();
    assert_eq!((room.first, room.entries, room.subjects), (3, 1, 1));
}
