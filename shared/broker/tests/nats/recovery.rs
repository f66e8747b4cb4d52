//! What a recovering owner reads in bulk: tasks still queued, snapshots.

use sagaline_broker::{
    names::Names,
    nats::Connection,
    ports::{Bucket, Message, Outcome, Ports},
};

use crate::common::{Site, message};

fn task(number: u64) -> String {
    format!("sagaline.queue.default.pay.order-{number}.charge.1")
}

async fn publish_all(connection: &Connection, messages: impl IntoIterator<Item = Message>) {
    let publishes = messages.into_iter().map(|message| {
        let connection = connection.clone();
        async move { connection.publish(&message).await }
    });
    for outcome in futures::future::join_all(publishes).await {
        assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn queued_tasks_are_told_from_absent_ones_over_many_pages() {
    let (site, connection) = Site::installed().await;
    publish_all(&connection, (0..2500).filter(|number| number % 3 != 0).map(|number| message(&task(number), "{}")))
        .await;
    let mut ports = site.ports().await;
    let tasks: Vec<_> = (0..2500).map(|number| ("default".to_owned(), task(number))).collect();
    let expected: Vec<_> = (0..2500).map(|number| number % 3 != 0).collect();
    assert_eq!(ports.queued(&tasks).await.unwrap(), expected);
    assert_eq!(ports.queued(&[]).await.unwrap(), [] as [bool; 0]);
    assert!(ports.queued(&[("absent".to_owned(), task(1))]).await.is_err());
}

/// The server cuts an answer off after so many bytes; the rest is asked for.
#[tokio::test]
async fn large_tasks_are_found_too() {
    let (site, connection) = Site::installed().await;
    for number in 0..60 {
        publish_all(&connection, [message(&task(number), vec![b'x'; 200_000])]).await;
    }
    let mut ports = site.ports().await;
    let tasks: Vec<_> = (0..61).map(|number| ("default".to_owned(), task(number))).collect();
    let expected: Vec<_> = (0..61).map(|number| number < 60).collect();
    assert_eq!(ports.queued(&tasks).await.unwrap(), expected);
}

#[tokio::test]
async fn snapshots_are_loaded_newest_first_hand_and_without_deleted_ones() {
    let (site, connection) = Site::installed().await;
    let key = |partition, id: &str| connection.names().key(Bucket::Executions, &Names::snapshot_key(partition, id));
    let snapshot = |number: u64| message(&key(0, &format!("order-{number}")), format!("{{\"n\":{number}}}"));
    publish_all(&connection, (0..12_000).map(snapshot)).await;
    publish_all(&connection, [message(&key(0, "order-7"), "newer"), message(&key(1, "other"), "{}")]).await;
    let deleted = Message { headers: vec![("KV-Operation", "DEL".into())], ..message(&key(0, "order-8"), "") };
    publish_all(&connection, [deleted]).await;

    let mut ports = site.ports().await;
    for _ in 0..2 {
        let mut stored = ports.snapshots().await.unwrap();
        stored.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!(stored.len(), 11_999);
        let find = |key: &str| stored.iter().find(|stored| stored.key == key);
        assert_eq!(find("order-7").map(|stored| stored.value.as_ref()), Some(&b"newer"[..]));
        assert_eq!(find("order-7").map(|stored| stored.revision), Some(12_001));
        assert!(find("order-8").is_none() && find("other").is_none() && find("~mark").is_none());
    }
}

#[tokio::test]
async fn no_snapshots_are_an_empty_list() {
    let (site, _connection) = Site::installed().await;
    assert_eq!(site.ports().await.snapshots().await.unwrap(), []);
}
