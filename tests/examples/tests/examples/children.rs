//! Children and events: `examples/image_batch.yaml`, `notification.yaml` and `signup.yaml`.

use sagaline_events::record::{
    Status,
    StepStatus::{Cancelled, Completed, Failed, TimedOut},
};
use sagaline_model::{ExecutionId, Name};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{Site, assert_completed, assert_steps, calls, failure, site, step_of};

async fn with(definitions: &str) -> Site {
    let site = site().await;
    site.apply(definitions, "children.yaml").await;
    site
}

/// The child that a step waits for.
async fn child_of(site: &Site, execution: &ExecutionId, step: &str) -> ExecutionId {
    let mut child = None;
    eventually(&format!("{execution} waits for a child"), async || {
        let view = site.client.get(execution).await.expect("an answer");
        // While its version is being looked up, it has no steps.
        let step = view.and_then(|view| view.steps.into_iter().find(|view| view.step == step));
        child = step.and_then(|step| step.child);
        child.is_some()
    })
    .await;
    child.expect("it waits for one")
}

async fn is(site: &Site, execution: &ExecutionId, status: Status) {
    eventually(&format!("{execution} is {}", status.as_str()), async || {
        site.client.get(execution).await.expect("an answer").is_some_and(|view| view.status == status)
    })
    .await;
}

#[tokio::test]
async fn a_parent_waits_for_its_child_and_takes_what_it_gives() {
    let site = site().await;
    let execution = site.start("user_signup", json!({ "email": "ann@example.com" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "user": "ann@example.com", "welcomed": true }));
    // The child is an execution like any other.
    let child = execution.of_child("welcome");
    let child_view = site.end(&child).await;
    assert_eq!(child_view.output, json!({ "sent": "welcome!" }));
    assert_eq!(child_view.parent.expect("it has a parent").execution, execution);
    let sent = json!({ "channel": "mail", "to": "ann@example.com", "text": "welcome!" });
    assert_eq!(calls(&child, "messages.send"), [sent]);
}

#[tokio::test]
async fn a_child_that_fails_may_do_no_harm() {
    let site = site().await;
    let view = site.run("user_signup", json!({ "email": "bob@example.com", "channel": "pigeon" })).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "user": "bob@example.com", "welcomed": false }));
    let error = step_of(&view, "welcome").error.clone().expect("it failed");
    assert_eq!(
        (error.kind.as_str(), &error.details.expect("more")["error"]["type"]),
        ("ChildFailed", &json!("NoSuchChannel"))
    );
}

#[tokio::test]
async fn an_event_that_a_workflow_emits_starts_another() {
    let site = site().await;
    let execution = site.start("user_signup", json!({ "email": "eve@example.com" })).await;
    assert_completed(&site.end(&execution).await);
    let source = "/sagaline/examples/workflow/user_signup";
    let workflow = Name::new("count_signups").expect("a name");
    let started = sagaline_trigger::execution_of(&workflow, source, &format!("{execution}/announce"));
    is(&site, &started, Status::Completed).await;
    assert_eq!(calls(&started, "analytics.count"), [json!("eve@example.com")]);
}

#[tokio::test]
async fn a_batch_of_children_is_done_though_some_fail() {
    let site = site().await;
    let prompts = json!(["a red barn", "a famous face", "", "a blue barn"]);
    let execution = site.start("image_batch", json!({ "user": "ann", "prompts": prompts })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    let urls = json!(["https://images.example/a-red-barn", null, null, "https://images.example/a-blue-barn"]);
    assert_eq!(view.output, json!({ "urls": urls, "failed": 2 }));
    let second = ExecutionId::new(format!("{execution}-1")).expect("an id");
    assert_eq!(site.end(&second).await.status, Status::Failed);
}

const HOLDING: &str = "
workflow: holding
steps: { hold: { activity: stub.hold } }
---
workflow: holds
steps: { inner: { child: holding } }
---
workflow: impatient
steps: { inner: { child: { workflow: holding, timeout: 300ms } } }
---
workflow: careless
steps: { inner: { child: { workflow: holding, on_parent_end: abandon } } }
---
workflow: hasty
steps: { inner: { child: { workflow: holding, wait: false } } }
---
workflow: missing
steps: { inner: { child: nobody_wrote_this } }
---
workflow: named
steps: { inner: { child: { workflow: holding, id: '${ workflow.input }' } } }
";

#[tokio::test]
async fn a_child_ends_with_its_parent_through_every_generation() {
    let site = with(&format!("{HOLDING}---\nworkflow: grandparent\nsteps: {{ outer: {{ child: holds }} }}")).await;
    let execution = site.start("grandparent", Value::Null).await;
    let middle = child_of(&site, &execution, "outer").await;
    let inner = child_of(&site, &middle, "inner").await;
    site.began(&inner, "stub.hold", 1).await;
    site.client.cancel(&execution, Some("enough".to_owned())).await.expect("cancelled");
    for ended in [&execution, &middle, &inner] {
        assert_eq!(site.end(ended).await.status, Status::Cancelled, "{ended}");
    }
    eventually("the worker is told", async || calls(&inner, "stub.hold").contains(&json!("cancelled"))).await;
}

#[tokio::test]
async fn patience_ends_and_with_it_the_child() {
    let site = with(HOLDING).await;
    let execution = site.start("impatient", Value::Null).await;
    let view = site.end(&execution).await;
    assert_steps(&view, TimedOut, &["inner"]);
    failure(&view, "inner", "Timeout");
    is(&site, &execution.of_child("inner"), Status::Cancelled).await;
}

#[tokio::test]
async fn an_abandoned_child_goes_on() {
    let site = with(HOLDING).await;
    let execution = site.start("careless", Value::Null).await;
    let child = child_of(&site, &execution, "inner").await;
    site.began(&child, "stub.hold", 1).await;
    site.client.cancel(&execution, None).await.expect("cancelled");
    assert_steps(&site.end(&execution).await, Cancelled, &["inner"]);
    let view = site.client.get(&child).await.expect("an answer").expect("it is there");
    assert_eq!(view.status, Status::Running);
    site.client.cancel(&child, None).await.expect("cancelled");
}

#[tokio::test]
async fn a_child_that_nobody_waits_for_ends_when_its_parent_is_done() {
    let site = with(HOLDING).await;
    let execution = site.start("hasty", Value::Null).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_steps(&view, Completed, &["inner"]);
    is(&site, &execution.of_child("inner"), Status::Cancelled).await;
}

#[tokio::test]
async fn a_child_of_a_workflow_that_is_not_there_fails() {
    let site = with(HOLDING).await;
    let view = site.run("missing", Value::Null).await;
    let error = failure(&view, "inner", "ChildFailed");
    assert_eq!(error.details.as_ref().expect("more")["error"]["type"], "UnknownWorkflow");
}

#[tokio::test]
async fn the_id_of_another_execution_is_not_taken() {
    let site = with(HOLDING).await;
    let other = site.start("holding", Value::Null).await;
    site.began(&other, "stub.hold", 1).await;
    let view = site.run("named", json!(other)).await;
    let error = failure(&view, "inner", "ChildFailed");
    assert_eq!(error.details.as_ref().expect("more")["error"]["type"], "IdTaken");
    assert_steps(&view, Failed, &["inner"]);
    let view = site.client.get(&other).await.expect("an answer").expect("it is there");
    assert_eq!(view.status, Status::Running, "it is not touched");
    site.client.cancel(&other, None).await.expect("cancelled");
}
