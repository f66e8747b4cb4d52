//! What the servers keep is said as far as they say it.

use std::time::Duration;

use sagaline_broker::nats::{DiskSync, Installation, connect, durability};
use sagaline_testkit::site::Nats;

use crate::common::small;

#[tokio::test]
async fn three_nodes_that_sync_always_say_so_and_two_of_them_do_not() {
    let nats = Nats::cluster_with("durable", |options| options.sync_always = true).await;
    let connection = connect(&nats.url(), "sagaline", "test").await.unwrap();
    Installation { replicas: 3, ..small() }.ensure(&connection).await.unwrap();
    let monitors = nats.monitor_urls();
    let found = durability(&connection, &monitors).await.unwrap();
    assert_eq!((found.replicas, found.nodes, found.sync), (3, 3, DiskSync::Always));
    assert_eq!(durability(&connection, &monitors[..2]).await.unwrap().sync, DiskSync::Unknown);
    let wrong = durability(&connection, &["http://127.0.0.1:1".to_owned()]).await.unwrap();
    assert_eq!((wrong.sync, wrong.silent.len()), (DiskSync::Unknown, 1));
}

#[tokio::test]
async fn one_node_says_how_late_it_syncs() {
    let nats = Nats::single_with("durable", |options| options.monitor = true).await;
    let connection = connect(&nats.url(), "sagaline", "test").await.unwrap();
    Installation { replicas: 1, ..small() }.ensure(&connection).await.unwrap();
    let found = durability(&connection, &nats.monitor_urls()).await.unwrap();
    assert_eq!((found.replicas, found.nodes, found.sync), (1, 1, DiskSync::Every(Duration::from_secs(120))));
    assert!(found.says().contains("not a power cut"), "{}", found.says());
    assert_eq!(durability(&connection, &[]).await.unwrap().sync, DiskSync::Unknown);
}
