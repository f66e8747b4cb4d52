//! What an attempt leaves behind is there for the next one, and for who takes it over from a worker that died.

use sagaline_broker::ports::Bucket;
use sagaline_model::ExecutionId;
use sagaline_sdk::worker::{ActivityContext, ActivityError, Worker};
use sagaline_testkit::site::{eventually, shared};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::site::{NAMESPACE, Site, assert_completed, calls, note, site};

const IMPORT: &str = "
workflow: import_parts
steps: { load: { activity: parts.load, queue: parts, retry: { attempts: 2, initial: 10ms } } }
output: '${ steps.load.output }'
";

/// Goes on behind the part that was done last: the first attempt fails after the third, the second one hangs after the fifth.
async fn load_until_killed(context: ActivityContext, _: Value) -> Result<Value, ActivityError> {
    let done: u32 = context.last_heartbeat().await.unwrap_or_default();
    note(&context, &json!([context.attempt(), done]));
    let last = if context.attempt() == 1 { 3 } else { 5 };
    for part in done + 1..=last {
        context.heartbeat(part).await;
    }
    if context.attempt() == 1 {
        return Err(ActivityError::new("Cut", "the line is cut"));
    }
    std::future::pending().await
}

async fn load(context: ActivityContext, _: Value) -> Result<Value, ActivityError> {
    let done: u32 = context.last_heartbeat().await.unwrap_or_default();
    note(&context, &json!([context.attempt(), done]));
    Ok(json!(done))
}

/// What is kept for the step.
async fn left(site: &Site, execution: &ExecutionId) -> Option<Value> {
    let key = format!("{execution}.load");
    let found = site.client.connection().value(Bucket::Heartbeats, &key).await.expect("an answer");
    found.map(|(_, details)| serde_json::from_slice(&details).expect("JSON"))
}

#[tokio::test]
async fn an_attempt_goes_on_from_what_the_last_one_left_also_if_its_worker_was_killed() {
    let site = site().await;
    site.apply(IMPORT, "import_parts").await;
    let doomed = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let worker = Worker::new(shared().url.as_str()).namespace(NAMESPACE).name("doomed").queue("parts");
    let worker = worker.activity("parts.load", load_until_killed);
    doomed.spawn(async move { worker.run(CancellationToken::new()).await.expect("a worker") });
    let execution = site.start("import_parts", Value::Null).await;
    // It said the fifth right after the fourth: that waits for its second, and then it is stored, though nothing else is said.
    eventually("the fifth part is done", async || left(&site, &execution).await == Some(json!(5))).await;
    doomed.shutdown_background();

    let _worker = site.worker("heir", |worker| worker.queue("parts").activity("parts.load", load));
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(calls(&execution, "parts.load"), [json!([1, 0]), json!([2, 3]), json!([2, 5])]);
    assert_eq!(view.output, json!(5));
}
