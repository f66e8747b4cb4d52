//! What a program brings with it is applied, and nothing newer is taken back.

use sagaline_sdk::{
    client::{Change, Client, Registered},
    workflow::{Workflow, activity},
};

use serde_json::json;

use crate::common::{client, name};

fn order(does: &str) -> Workflow {
    Workflow::new("order").step("a", activity(does))
}

async fn register(client: &Client, does: &str) -> (u32, Option<Change>) {
    match client.register(&order(does)).await.expect("an answer") {
        Registered::Applied(applied) => (applied.version, Some(applied.change)),
        Registered::Older { version, newest, .. } => {
            assert!(version < newest);
            (version, None)
        }
    }
}

#[tokio::test]
async fn a_program_of_yesterday_takes_nothing_back() {
    let client = client().await;
    assert_eq!(register(&client, "one").await, (1, Some(Change::Created)));
    assert_eq!(register(&client, "one").await, (1, Some(Change::Unchanged)));
    assert_eq!(register(&client, "two").await, (2, Some(Change::Changed)));
    assert_eq!(register(&client, "one").await, (1, None), "it was the newest before");
    assert_eq!(client.newest_version(&name("order")).await.expect("an answer"), Some(2));
    // Who means it says so.
    let built = order("one").build().expect("it can be built");
    client.apply(built.plan(), Some(built.source())).await.expect("applied");
    assert_eq!(register(&client, "one").await, (3, Some(Change::Unchanged)));
    assert_eq!(register(&client, "two").await, (2, None));
    assert_eq!(register(&client, "three").await, (4, Some(Change::Changed)));
}

#[tokio::test]
async fn what_the_installation_adds_since_is_applied_and_an_older_text_is_still_known() {
    let client = client().await;
    register(&client, "one").await;
    let (defaults, _) = sagaline_lang::read_defaults("step_timeout: 5m", "defaults").expect("defaults");
    client.set_defaults(&defaults).await.expect("set");
    assert_eq!(register(&client, "one").await, (2, Some(Change::Changed)), "the same text is another plan now");
    let stored = client.definition(&name("order"), 2).await.expect("an answer").expect("version 2");
    assert_eq!(stored.source, Some(order("one").source()));
    register(&client, "two").await;
    client.set_defaults(&Default::default()).await.expect("set");
    assert_eq!(register(&client, "one").await, (2, None));
}

#[tokio::test]
async fn two_programs_at_once_apply_one_version() {
    let client = client().await;
    let both = [order("one"), order("one")];
    let [one, other] = both.each_ref().map(|workflow| client.register(workflow));
    let (one, other) = tokio::join!(one, other);
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(client.versions(&name("order")).await.expect("versions").len(), 1);
}

#[tokio::test]
async fn other_values_are_another_version_and_those_of_yesterday_are_left_alone() {
    let client = client().await;
    let with = |total: u32| {
        order("one").step("b", activity("two").when("${ config.least > 1 }")).config(json!({ "least": total }))
    };
    let register = async |total| match client.register(&with(total)).await.expect("an answer") {
        Registered::Applied(applied) => (applied.version, Some(applied.change)),
        Registered::Older { version, .. } => (version, None),
    };
    assert_eq!(register(10).await, (1, Some(Change::Created)));
    assert_eq!(register(20).await, (2, Some(Change::Changed)), "the same text, and another plan");
    assert_eq!(register(10).await, (1, None));
    let stored = client.definition(&name("order"), 2).await.expect("an answer").expect("version 2");
    assert_eq!(stored.plan.config.get("least"), Some(&json!(20)));
}
