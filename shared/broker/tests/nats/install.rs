//! Streams and buckets: declared, created once, checked ever after.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy};
use futures::StreamExt;
use sagaline_broker::{
    nats::{Connection, InstallError, Installation, Installed},
    ports::Outcome,
};
use sagaline_model::Name;

use crate::common::{Site, message, small, soon};

async fn config(connection: &Connection, stream: &str) -> Config {
    connection.jetstream().get_stream(stream).await.unwrap().cached_info().config.clone()
}

#[tokio::test]
async fn installing_again_changes_nothing_and_keeps_the_number_of_partitions() {
    let site = Site::start().await;
    let connection = site.connect().await;
    assert!(matches!(Installed::read(&connection).await, Err(InstallError::NotInstalled { .. })));
    let first = Installation { partitions: 3, ..small() };
    assert_eq!(first.ensure(&connection).await.unwrap(), Installed { partitions: 3 });
    let before = config(&connection, "RUNS_2").await;
    assert_eq!(Installation { partitions: 8, ..small() }.ensure(&connection).await.unwrap().partitions, 3);
    assert_eq!(Installed::read(&connection).await.unwrap(), Installed { partitions: 3 });
    // What the size of one is, is decided by the number that was found.
    assert_eq!(config(&connection, "RUNS_2").await, before);
    assert!(connection.jetstream().get_stream("RUNS_3").await.is_err());
}

/// JetStream announces every update.
#[tokio::test]
async fn installing_again_updates_nothing_that_agrees() {
    let (_site, connection) = Site::installed().await;
    let mut updates = connection.client().subscribe("$JS.EVENT.ADVISORY.STREAM.UPDATED.>").await.unwrap();
    small().ensure(&connection).await.unwrap();
    Installation { size_factor: 2.0, ..small() }.ensure(&connection).await.unwrap();
    // Six buckets, the object store, three streams, one partition, one queue: each once, so all of the second install.
    let mut updated = vec![];
    for _ in 0..12 {
        updated.push(soon(updates.next()).await.expect("an announcement").subject.to_string());
    }
    updated.sort();
    updated.dedup();
    assert_eq!(updated.len(), 12, "{updated:?}");
}

#[tokio::test]
async fn any_number_may_install_at_once_and_agree() {
    let site = Site::start().await;
    let installs = (1..=6_u32).map(|partitions| {
        let site = &site;
        async move {
            let connection = site.connect().await;
            let size_factor = f64::from(partitions) / 2.0;
            Installation { partitions, size_factor, ..small() }.ensure(&connection).await.unwrap()
        }
    });
    let installed = futures::future::join_all(installs).await;
    assert!(installed.iter().all(|one| *one == installed[0]), "{installed:?}");
    let connection = site.connect().await;
    for partition in 0..installed[0].partitions {
        config(&connection, &format!("RUNS_{partition}")).await;
    }
}

#[tokio::test]
async fn streams_are_as_the_design_says() {
    let (_site, connection) = Site::installed().await;
    let runs = config(&connection, "RUNS_0").await;
    assert_eq!(
        (runs.retention, runs.discard, runs.max_age),
        (RetentionPolicy::Limits, DiscardPolicy::New, Duration::ZERO)
    );
    assert_eq!((runs.deny_delete, runs.deny_purge, runs.allow_direct), (false, false, true));
    let queue = config(&connection, "QUEUE_default").await;
    assert_eq!((queue.retention, queue.duplicate_window), (RetentionPolicy::WorkQueue, Duration::from_secs(5)));
    let leases = config(&connection, "KV_partitions").await;
    assert_eq!((leases.max_messages_per_subject, leases.allow_message_ttl), (1, true));
    let stored = connection.publish(&message("sagaline.lifecycle.step.completed.orders.order-1", "{}")).await;
    let Outcome::Stored { sequence, .. } = stored else { panic!("{stored:?}") };
    let lifecycle = connection.jetstream().get_stream("LIFECYCLE").await.unwrap();
    let stored = lifecycle.get_raw_message(sequence).await.unwrap();
    assert_eq!(stored.subject.as_str(), "sagaline.lifecycle.step.completed.orders");
}

#[tokio::test]
async fn other_clients_find_ordinary_buckets() {
    let (_site, connection) = Site::installed().await;
    let settings = connection.jetstream().get_key_value("settings").await.unwrap();
    settings.put("a.b", "1".into()).await.unwrap();
    assert_eq!(settings.get("a.b").await.unwrap().as_deref(), Some("1".as_bytes()));
    assert!(connection.jetstream().get_object_store("payloads").await.is_ok());
}

#[tokio::test]
async fn a_stream_that_cannot_be_mended_is_refused_by_name_field_and_value() {
    let site = Site::start().await;
    let connection = site.connect().await;
    let other = Config { name: "RUNS_0".into(), subjects: vec!["other.>".into()], ..Config::default() };
    connection.jetstream().create_stream(other).await.unwrap();
    let error = small().ensure(&connection).await.expect_err("another's stream");
    let text = error.to_string();
    assert!(["`RUNS_0`", "subjects", "other.>", "sagaline.run.0.>"].iter().all(|part| text.contains(part)), "{text}");
}

#[tokio::test]
async fn what_can_follow_the_settings_follows_them() {
    let (_site, connection) = Site::installed().await;
    let larger = Installation { size_factor: 2.0, dedup_window: Duration::from_secs(9), ..small() };
    let before = config(&connection, "QUEUE_default").await;
    larger.ensure(&connection).await.unwrap();
    let after = config(&connection, "QUEUE_default").await;
    assert_eq!((after.max_bytes, after.duplicate_window), (2 * before.max_bytes, Duration::from_secs(9)));
    small().ensure(&connection).await.unwrap();
    assert_eq!(config(&connection, "QUEUE_default").await.max_bytes, after.max_bytes, "never lowered");
}

#[tokio::test]
async fn too_little_room_and_too_many_replicas_are_explained() {
    let site = Site::single_with(|options| options.max_file_store = 1 << 30).await;
    let connection = site.connect().await;
    let small = || Installation { replicas: 1, ..small() };
    let error = small().ensure(&connection).await.expect_err("a GiB is not enough").to_string();
    assert!(error.contains("max_file_store"), "{error}");
    Installation { size_factor: 0.05, ..small() }.ensure(&connection).await.unwrap();
    let three = Installation { size_factor: 0.05, replicas: 3, queues: vec![Name::new("x").unwrap()], ..small() };
    let error = three.ensure(&connection).await.expect_err("one server").to_string();
    assert!(error.contains("replicas"), "{error}");
}

#[tokio::test]
async fn namespaces_do_not_meet() {
    let (site, _connection) = Site::installed().await;
    let other = sagaline_broker::nats::connect(&site.server.url(), "team-a", "test").await.unwrap();
    assert!(matches!(Installed::read(&other).await, Err(InstallError::NotInstalled { .. })));
    Installation { partitions: 2, ..small() }.ensure(&other).await.unwrap();
    assert_eq!(Installed::read(&other).await.unwrap().partitions, 2);
    config(&other, "team-a_RUNS_1").await;
}

#[tokio::test]
async fn a_queue_that_a_definition_names_is_there_afterwards() {
    let (_site, connection) = Site::installed().await;
    small().ensure_queue(&connection, &Name::new("gpu").unwrap()).await.unwrap();
    assert_eq!(config(&connection, "QUEUE_gpu").await.subjects, ["sagaline.queue.gpu.>"]);
}
