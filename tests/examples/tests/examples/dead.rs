//! What failed, kept and tried again from where it failed; and beginning at a later step.

use sagaline_events::record::{
    Status,
    StepStatus::{Completed, Skipped},
};
use sagaline_model::Name;
use sagaline_sdk::{
    client::{Error, RetryOptions, StartOptions},
    worker::{ActivityContext, ActivityError},
};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{Site, assert_completed, assert_steps, calls, failure, note, site};

const KEPT: &str = "
workflow: kept
dead_letter: { ttl: 1h }
steps:
  reserve: { activity: stub.give, input: { reservation: r-1 } }
  charge: { after: reserve, activity: kept.charge, queue: kept, input: '${ ctx.reservation }' }
  close: { after: charge, activity: stub.give, input: { closed: '${ steps.charge.output.key }' } }
";

async fn kept() -> Site {
    let site = site().await;
    site.apply(KEPT, "kept").await;
    site
}

/// Declines, and says by which key it goes.
async fn decline(context: ActivityContext, input: Value) -> Result<Value, ActivityError> {
    note(&context, &input);
    Err(ActivityError::new("Declined", context.idempotency_key().to_owned()).not_retryable())
}

async fn charge(context: ActivityContext, input: Value) -> Result<Value, ActivityError> {
    note(&context, &input);
    Ok(json!({ "key": context.idempotency_key() }))
}

#[tokio::test]
async fn what_failed_is_kept_and_tried_again_from_where_it_failed() {
    let site = kept().await;
    let broken = site.worker("declines", |worker| worker.queue("kept").activity("kept.charge", decline));
    let execution = site.start("kept", json!({ "order": 7 })).await;
    let view = site.end(&execution).await;
    let key = failure(&view, "charge", "Declined").message.clone();
    // It was mended.
    drop(broken);
    let _mended = site.worker("charges", |worker| worker.queue("kept").activity("kept.charge", charge));

    let mut found = None;
    eventually("its letter is there", async || {
        found = site.client.dead_letter(&execution).await.expect("an answer");
        found.is_some()
    })
    .await;
    let (_, letter) = found.expect("a letter");
    assert_eq!((letter.failed_step.as_deref(), &letter.input), (Some("charge"), &json!({ "order": 7 })));
    let workflow = Name::new("kept").expect("a name");
    let (letters, _) = site.client.dead_letters(Some(&workflow), 1_000).await.expect("a list");
    assert!(letters.iter().any(|letter| letter.execution == execution));

    let again = site.client.retry(&execution, RetryOptions::default()).await.expect("it is tried again");
    let view = site.end(&again.execution).await;
    assert_completed(&view);
    assert_eq!(view.output["closed"], json!(key), "what may have happened has the same key");
    assert_eq!(calls(&again.execution, "stub.give").len(), 1, "what was done is not done again");
    assert_steps(&view, Completed, &["reserve", "charge", "close"]);
    // The same letter is no second execution.
    let twice = site.client.retry(&execution, RetryOptions::default()).await.expect("an answer");
    assert_eq!((twice.existing, &twice.execution), (true, &again.execution));

    let from = Some(Name::new("reserve").expect("a name"));
    let id = Some(sagaline_sdk::client::fresh_id());
    let options = RetryOptions { from, id, ..RetryOptions::default() };
    let again = site.client.retry(&execution, options).await.expect("it is tried again");
    assert_completed(&site.end(&again.execution).await);
    assert_eq!(calls(&again.execution, "stub.give").len(), 2, "that step was asked for");

    assert!(site.client.discard_dead_letter(&execution).await.expect("an answer"));
    let gone = site.client.retry(&execution, RetryOptions::default()).await.expect_err("it is gone");
    assert!(matches!(gone, Error::NoDeadLetter(_)), "{gone}");
}

#[tokio::test]
async fn an_execution_begins_at_a_later_step() {
    let site = kept().await;
    let _worker = site.worker("charges", |worker| worker.queue("kept").activity("kept.charge", charge));
    let workflow = Name::new("kept").expect("a name");
    let from = |step: &str| StartOptions { from: Some(Name::new(step).expect("a name")), ..StartOptions::default() };
    let started = site.client.start(&workflow, Value::Null, from("close")).await.expect("it starts");
    let view = site.end(&started.execution).await;
    assert_eq!(view.status, Status::Completed);
    assert_steps(&view, Skipped, &["reserve", "charge"]);
    let refused = site.client.start(&workflow, Value::Null, from("nothing")).await.expect_err("there is none");
    assert_eq!(refused.to_string(), "`nothing` is no step of `kept` version 1 itself");
}
