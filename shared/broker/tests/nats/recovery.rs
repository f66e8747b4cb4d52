//! What a recovering owner reads in bulk: tasks still queued, snapshots.

use std::collections::BTreeMap;

use sagaline_broker::{
    names::LogKind,
    nats::{Connection, NatsPorts},
    ports::{Bucket, Message, Outcome, Ports, Stored},
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

/// Every snapshot of the partition, by key: the last revision that came.
async fn snapshots(ports: &mut NatsPorts) -> BTreeMap<String, Stored> {
    let mut all = BTreeMap::new();
    let mut from = None;
    loop {
        let page = ports.snapshots(from).await.unwrap();
        assert!(page.stored.is_sorted_by_key(|stored| stored.revision));
        all.extend(page.stored.into_iter().map(|stored| (stored.key.clone(), stored)));
        match page.next {
            Some(next) => from = Some(next),
            None => return all,
        }
    }
}

#[tokio::test]
async fn snapshots_are_loaded_page_by_page_and_removed_ones_are_told() {
    let (site, connection) = Site::installed().await;
    let key =
        |partition, id: &str| connection.names().key(Bucket::Executions, &LogKind::Runs.snapshot_key(partition, id));
    let snapshot = |number: u64| message(&key(0, &format!("order-{number}")), format!("{{\"n\":{number}}}"));
    publish_all(&connection, (0..12_000).map(snapshot)).await;
    publish_all(&connection, [message(&key(0, "order-7"), "newer"), message(&key(1, "other"), "{}")]).await;
    let deleted = Message { headers: vec![("KV-Operation", "DEL".into())], ..message(&key(0, "order-8"), "") };
    publish_all(&connection, [deleted]).await;

    let mut ports = site.ports().await;
    for _ in 0..2 {
        let stored = snapshots(&mut ports).await;
        assert_eq!(stored.len(), 12_000);
        let value = |key: &str| stored[key].value.as_deref();
        assert_eq!((value("order-7"), stored["order-7"].revision), (Some(&b"newer"[..]), 12_001));
        assert_eq!((value("order-8"), value("order-9")), (None, Some(&b"{\"n\":9}"[..])));
        assert!(!stored.contains_key("other") && !stored.contains_key("~mark"));
    }
}

#[tokio::test]
async fn no_snapshots_are_an_empty_page() {
    let (site, _connection) = Site::installed().await;
    assert_eq!(snapshots(&mut site.ports().await).await, BTreeMap::new());
}

#[tokio::test]
async fn records_are_read_in_batches_and_removed_ones_count_as_absent() {
    let (site, connection) = Site::installed().await;
    let key = |number: u64| connection.names().key(Bucket::Results, &format!("order-{number}"));
    let ended = |number: &u64| number.is_multiple_of(10);
    publish_all(&connection, (0..5_000).filter(ended).map(|number| message(&key(number), number.to_string()))).await;
    let removed = Message { headers: vec![("KV-Operation", "PURGE".into())], ..message(&key(20), "") };
    publish_all(&connection, [removed]).await;

    let mut ports = site.ports().await;
    let keys: Vec<_> = (0..5_000).map(|number| format!("order-{number}")).collect();
    let records = ports.values(Bucket::Results, &keys).await.unwrap();
    assert_eq!(records.len(), keys.len());
    for (number, record) in (0..).zip(&records) {
        let expected = (ended(&number) && number != 20).then(|| number.to_string());
        assert_eq!(record.as_ref().map(|(_, value)| value.as_ref()), expected.as_deref().map(str::as_bytes));
    }
    assert_eq!(ports.values(Bucket::Results, &[]).await.unwrap(), []);
}
