//! Applying definitions.

use std::collections::BTreeSet;

use futures::future::join_all;
use sagaline_broker::{
    names::Names,
    ports::{Bucket, Message, Outcome},
};
use sagaline_events::record::Definition;
use sagaline_sdk::client::{Applied, Change, Client};

use crate::common::{client, name, order, plan};

fn applied(version: u32, change: Change) -> Applied {
    Applied { workflow: name("order"), version, change }
}

#[tokio::test]
async fn a_definition_is_created_once_and_changed_when_it_differs() {
    let client = client().await;
    assert_eq!(client.apply(&order("one"), Some("text")).await.expect("applied"), applied(1, Change::Created));
    assert_eq!(client.apply(&order("one"), None).await.expect("applied"), applied(1, Change::Unchanged));
    assert_eq!(client.apply(&order("two"), None).await.expect("applied"), applied(2, Change::Changed));
    assert_eq!(client.apply(&order("one"), None).await.expect("applied"), applied(3, Change::Changed), "back again");

    let first = client.definition(&name("order"), 1).await.expect("an answer").expect("version 1");
    assert_eq!((first.plan, first.source.as_deref()), (order("one"), Some("text")));
    let workflows = client.workflows().await.expect("a list");
    let listed: Vec<_> = workflows.iter().map(|(workflow, latest)| (workflow.as_str(), latest.version)).collect();
    assert_eq!(listed, [("order", 3)]);
}

/// Leaves what an apply leaves that dies between its two writes.
async fn die_between_the_writes(client: &Client, activity: &str, version: u32) {
    let plan = order(activity);
    let definition = Definition { workflow: name("order"), version, hash: plan.hash(), plan, source: None };
    let subject = client.connection().names().key(Bucket::Definitions, &Names::definition_key("order", version));
    let payload = serde_json::to_vec(&definition).expect("JSON").into();
    let message = Message { subject, expected: Some(0), msg_id: None, ttl: None, headers: vec![], payload };
    assert!(matches!(client.connection().publish(&message).await, Outcome::Stored { .. }));
}

#[tokio::test]
async fn the_next_apply_completes_one_that_died_between_its_writes() {
    let client = client().await;
    die_between_the_writes(&client, "one", 1).await;
    assert_eq!(client.apply(&order("one"), None).await.expect("applied"), applied(1, Change::Created));
    assert!(client.definition(&name("order"), 2).await.expect("an answer").is_none(), "no second copy was written");
}

#[tokio::test]
async fn an_apply_goes_past_what_another_left_behind() {
    let client = client().await;
    client.apply(&order("one"), None).await.expect("applied");
    die_between_the_writes(&client, "two", 2).await;
    assert_eq!(client.apply(&order("three"), None).await.expect("applied"), applied(3, Change::Changed));
    assert_eq!(client.apply(&order("two"), None).await.expect("applied"), applied(4, Change::Changed));
}

#[tokio::test]
async fn applies_at_once_are_all_right() {
    let client = client().await;
    let plans: Vec<_> = (0..8).map(|number| order(&format!("a{number}"))).collect();
    let all = join_all(plans.iter().map(|plan| client.apply(plan, None))).await;
    let mut versions = BTreeSet::new();
    for (plan, applied) in plans.iter().zip(all) {
        let version = applied.expect("applied").version;
        let stored = client.definition(&name("order"), version).await.expect("an answer").expect("a definition");
        assert_eq!(stored.plan, *plan, "version {version}");
        versions.insert(version);
    }
    assert_eq!(versions.len(), 8, "each has a version of its own");
    let (_, latest) = client.workflows().await.expect("a list").remove(0);
    assert_eq!(Some(&latest.version), versions.last());

    let same = order("same");
    let all = join_all((0..8).map(|_| client.apply(&same, None))).await;
    let versions: BTreeSet<_> = all.into_iter().map(|applied| applied.expect("applied").version).collect();
    assert_eq!(versions.len(), 1, "the same plan is one version: {versions:?}");
}

#[tokio::test]
async fn the_queues_that_a_definition_names_are_there_after_it_is_applied() {
    let client = client().await;
    let text = "workflow: order\nsteps:\n  a: { activity: one, queue: slow }\n  b: { activity: two, queue: gpu }\n";
    client.apply(&plan(text), None).await.expect("applied");
    client.apply(&plan(text), None).await.expect("applied again");
    let (jetstream, names) = (client.connection().jetstream(), client.connection().names());
    let usual = jetstream.get_stream(names.queue_stream("default")).await.expect("the queue `default`");
    let usual = &usual.cached_info().config;
    for queue in ["slow", "gpu"] {
        let stream = jetstream.get_stream(names.queue_stream(queue)).await.expect("the queue");
        let config = &stream.cached_info().config;
        assert_eq!(config.subjects, [names.queue_all(queue)]);
        assert_eq!((config.retention, config.max_bytes), (usual.retention, usual.max_bytes), "{queue}");
    }
}
