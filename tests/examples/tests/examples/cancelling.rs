//! Ending what goes on: all of a workflow at once, and with time to tidy up.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use sagaline_events::record::{Status, StepStatus};
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::{
    client::{ListFilter, StartOptions},
    worker::{ActivityContext, ActivityError},
};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{assert_steps, calls, note, site};

const MANY: &str = "
workflow: cancelled_in_bulk
steps: { go: { await: go } }
";

/// More than one page of a list, over all partitions.
#[tokio::test]
async fn every_open_execution_of_a_workflow_is_cancelled() {
    let site = site().await;
    site.apply(MANY, "many").await;
    let workflow = Name::new("cancelled_in_bulk").expect("a name");
    let ids: Vec<_> = (0..450).map(|number| ExecutionId::new(format!("bulk-{number}")).expect("an id")).collect();
    let client = &site.client;
    let starts = stream::iter(&ids).map(|id| {
        let options = StartOptions { id: Some(id.clone()), ..StartOptions::default() };
        client.start(&workflow, Value::Null, options)
    });
    starts.buffered(32).try_collect::<Vec<_>>().await.expect("they start");
    let filter = |status| ListFilter { workflow: Some(workflow.clone()), status: vec![status], ..Default::default() };
    let count = async |status| client.list(filter(status), None).next(1_000).await.expect("a list").len();
    eventually("they all wait", async || count(Status::Waiting).await == 450).await;

    let mut all = client.cancel_all(&workflow, Some("maintenance".to_owned()));
    let (mut cancelled, mut pages) = (vec![], 0);
    while let Some(page) = all.next().await.expect("cancelled") {
        pages += 1;
        cancelled.extend(page);
    }
    cancelled.sort();
    let mut wanted = ids.clone();
    wanted.sort();
    assert_eq!((cancelled, 1 < pages, all.silent().count()), (wanted, true, 0));
    eventually("they are over", async || count(Status::Cancelled).await == 450).await;
    let view = client.get(&ids[0]).await.expect("an answer").expect("it is there");
    assert_eq!(json!(view.reason), json!("maintenance"));
    assert_eq!(client.cancel_all(&workflow, None).finish().await.expect("none"), 0);
}

const TIDY: &str = "
workflow: tidied
steps:
  copy: { activity: tidy.copy, queue: tidy }
  next: { after: copy, activity: tidy.copy, queue: tidy }
on_cancel: { activity: tidy.remove, queue: tidy, input: '${ ctx.copied }' }
";

/// Copies until it is told to stop, and says how far it came.
async fn copy(context: ActivityContext, input: Value) -> Result<Value, ActivityError> {
    note(&context, &input);
    context.cancellation().cancelled().await;
    assert!(context.is_cancelled());
    Ok(json!({ "copied": 3 }))
}

async fn remove(context: ActivityContext, input: Value) -> Result<Value, ActivityError> {
    note(&context, &input);
    Ok(Value::Null)
}

#[tokio::test]
async fn who_is_at_work_tidies_up_before_what_handles_a_cancel_begins() {
    let site = site().await;
    site.apply(TIDY, "tidied").await;
    let _worker =
        site.worker("tidy", |worker| worker.queue("tidy").activity("tidy.copy", copy).activity("tidy.remove", remove));
    let execution = site.start("tidied", Value::Null).await;
    site.began(&execution, "tidy.copy", 1).await;
    let reason = Some("no room".to_owned());
    site.client.cancel_with_cleanup(&execution, reason, Some(Duration::from_secs(60))).await.expect("cancelled");
    let view = site.end(&execution).await;
    assert_eq!((view.status, view.reason.as_deref()), (Status::Cancelled, Some("no room")));
    assert_steps(&view, StepStatus::Completed, &["copy", "on_cancel"]);
    assert_steps(&view, StepStatus::Pending, &["next"]);
    assert_eq!(calls(&execution, "tidy.remove"), [json!(3)], "the handler reads what the step gave");
    assert_eq!(calls(&execution, "tidy.copy").len(), 1);
}
