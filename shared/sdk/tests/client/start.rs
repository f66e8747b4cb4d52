//! Starting executions.

use sagaline_events::{Input, Start};
use sagaline_sdk::client::{Class, Client, Error, HistoryEntry, StartOptions};
use serde_json::{Value, json};

use crate::common::{client, id, name, order};

fn called(execution: &str) -> StartOptions {
    StartOptions { id: Some(id(execution)), ..StartOptions::default() }
}

async fn log_of(client: &Client, execution: &str) -> Vec<HistoryEntry> {
    client.history(&id(execution), 0, 100).await.expect("a history").entries
}

fn start_of(entry: &HistoryEntry) -> Start {
    match Input::read(&entry.kind, entry.data.to_string().as_bytes()) {
        Ok(Input::Start(start)) => start,
        other => panic!("no start: {other:?}"),
    }
}

#[tokio::test]
async fn a_start_names_the_version_that_was_applied_just_before() {
    let client = client().await;
    for version in 1..=3 {
        client.apply(&order(&format!("a{version}")), None).await.expect("applied");
        let started = client.start(&name("order"), json!({"n": 1}), StartOptions::default()).await.expect("started");
        assert!(!started.existing);
        let log = log_of(&client, started.execution.as_str()).await;
        let start = start_of(&log[0]);
        assert_eq!((start.version, start.input, log.len()), (Some(version), json!({"n": 1}), 1));
    }
}

#[tokio::test]
async fn the_same_start_again_is_the_same_execution() {
    let client = client().await;
    client.apply(&order("one"), None).await.expect("applied");
    let workflow = name("order");
    let start = |input: Value| client.start(&workflow, input, called("o-1"));
    assert!(!start(json!({"n": 1})).await.expect("started").existing);
    assert!(start(json!({"n": 1})).await.expect("there already").existing);
    // A newer version is no reason to refuse who merely tries again.
    client.apply(&order("two"), None).await.expect("applied");
    assert!(start(json!({"n": 1})).await.expect("there already").existing);

    let error = start(json!({"n": 2})).await.expect_err("another input");
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    assert_eq!(error.class(), Class::Refused);
    assert_eq!(log_of(&client, "o-1").await.len(), 1);
}

#[tokio::test]
async fn of_starts_at_once_under_one_id_one_is_the_first() {
    let client = client().await;
    client.apply(&order("one"), None).await.expect("applied");
    let workflow = name("order");
    let starts = (0..16).map(|_| client.start(&workflow, json!({"n": 1}), called("o-1")));
    let all = futures::future::join_all(starts).await;
    let new = all.into_iter().filter(|started| !started.as_ref().expect("started").existing).count();
    assert_eq!((new, log_of(&client, "o-1").await.len()), (1, 1));
}

#[tokio::test]
async fn what_is_not_applied_cannot_be_started() {
    let client = client().await;
    let error = client.start(&name("order"), Value::Null, StartOptions::default()).await.expect_err("no workflow");
    assert!(matches!(error, Error::UnknownWorkflow { near: None, .. }), "{error}");
    client.apply(&order("one"), None).await.expect("applied");
    let error = client.start(&name("oder"), Value::Null, StartOptions::default()).await.expect_err("no workflow");
    assert_eq!(error.to_string(), "no workflow `oder` is applied");
    assert_eq!(error.hint().as_deref(), Some("did you mean `order`?"));
    let options = StartOptions { version: Some(7), ..StartOptions::default() };
    let error = client.start(&name("order"), Value::Null, options).await.expect_err("no version 7");
    assert_eq!(error.to_string(), "workflow `order` has no version 7; the newest is 1");
}

#[tokio::test]
async fn a_large_input_travels_as_a_reference_and_a_huge_one_is_refused() {
    let client = client().await;
    client.apply(&order("one"), None).await.expect("applied");
    let large = json!({ "text": "x".repeat(300 * 1024) });
    let workflow = name("order");
    let start = || client.start(&workflow, large.clone(), called("o-1"));
    assert!(!start().await.expect("started").existing);
    assert!(start().await.expect("there already").existing, "the same content is the same reference");

    let carried = start_of(&log_of(&client, "o-1").await[0]).input;
    assert!(carried["$ref"].is_object() && carried.to_string().len() < 1000);
    assert_eq!(client.resolve(carried).await.expect("the payload"), large);

    let huge = json!("x".repeat(64 * 1024 * 1024));
    let error = client.start(&name("order"), huge, called("o-2")).await.expect_err("too large");
    assert_eq!(error.class(), Class::BadData);
    assert!(error.to_string().contains("64 MiB"), "{error}");
}
