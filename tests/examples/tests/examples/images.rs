//! `examples/batch_images.yaml` and `examples/image_generation.yaml`.

use sagaline_events::record::StepStatus::{Completed, Failed, Skipped};
use sagaline_sdk::client::fresh_id;
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{assert_completed, assert_steps, calls, failure, site, step_of};

#[tokio::test]
async fn a_batch_is_processed_though_some_images_are_none() {
    let site = site().await;
    let execution = site.start("batch_images", json!({ "batch": "b-1" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    // All but the 7th and the 19th, in the order of the list.
    let good = (0..25).filter(|number| ![7, 19].contains(number));
    let urls: Vec<String> = good.map(|number| format!("https://images.example/{number}.png")).collect();
    assert_eq!(view.output, json!({ "total": 25, "failed": 2, "urls": urls }));
    assert_eq!(calls(&execution, "images.report"), [json!({ "batch": "b-1", "total": 25, "failed": 2 })]);
    assert_eq!(calls(&execution, "images.resize").len(), 25, "what is no image is not tried again");
    assert_eq!(calls(&execution, "images.store").len(), 23);
}

#[tokio::test]
async fn a_batch_of_nothing_is_done_at_once() {
    let site = site().await;
    let view = site.run("batch_images", json!({ "batch": "none" })).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "total": 0, "failed": 0, "urls": [] }));
}

async fn generate(input: Value) -> sagaline_events::record::ExecutionView {
    site().await.run("image_generation", input).await
}

#[tokio::test]
async fn an_image_is_made_by_the_backend_that_was_asked_for() {
    let view = generate(json!({ "user": "ann", "prompt": "a red barn" })).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "url": "https://images.example/a-red-barn", "seconds": 3 }));
    // It says so also when it has ended.
    let status =
        site().await.client.query(&view.execution, &"status".parse().expect("a name")).await.expect("an answer");
    let url = "https://images.example/a-red-barn";
    assert_eq!(status, json!({ "checked": true, "made": true, "url": url, "failure": null }));
    assert_steps(&view, Skipped, &["refuse", "block", "generate/backend/large_model", "generate/failure", "fail"]);
    // The history is down, and that fails nothing.
    assert_eq!((step_of(&view, "history").status, step_of(&view, "history").attempt), (Failed, 3));

    let view = generate(json!({ "user": "ann", "prompt": "a red barn", "backend": "large", "style": "ink" })).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "url": "https://images.example/standard", "seconds": 9 }));
    assert_steps(&view, Skipped, &["generate/backend/small_model", "generate/backend/no_backend"]);
}

#[tokio::test]
async fn a_prompt_that_cannot_be_used_is_refused() {
    let view = generate(json!({ "user": "ann", "prompt": "" })).await;
    assert_eq!(failure(&view, "refuse", "InvalidPrompt").message, "the prompt cannot be used: it is empty");
    let view = generate(json!({ "user": "ann", "prompt": "something cruel" })).await;
    failure(&view, "block", "UnsafeContent");
    assert_steps(&view, Completed, &["filter"]);
}

#[tokio::test]
async fn what_no_backend_makes_is_noted_and_told_before_it_fails() {
    let site = site().await;
    let asked = json!({ "user": "ann", "prompt": "a famous face" });
    let execution = site.start("image_generation", asked).await;
    let view = site.end(&execution).await;
    assert_eq!(failure(&view, "fail", "NoImage").message, "PolicyViolation: no famous faces");
    assert_steps(&view, Completed, &["generate", "generate/failure", "tell"]);
    assert_eq!(calls(&execution, "images.generate_small").len(), 1, "a policy is not tried again");
    assert_eq!(calls(&execution, "messages.post"), [json!({ "to": "ann", "text": "no image this time" })]);

    let view = generate(json!({ "user": "ann", "prompt": "a barn", "backend": "abacus" })).await;
    assert_eq!(failure(&view, "fail", "NoImage").message, "UnknownBackend: there is no backend abacus");
}

#[tokio::test]
async fn a_generation_is_broken_off_and_its_worker_told() {
    let site = site().await;
    let asked = json!({ "user": "ann", "prompt": "an endless road" });
    let execution = site.start("image_generation", asked).await;
    site.began(&execution, "images.generate_small", 1).await;
    let view = site.client.get(&execution).await.expect("an answer").expect("it is there");
    assert_eq!(view.status.as_str(), "running");
    let status = site.client.query(&execution, &"status".parse().expect("a name")).await.expect("an answer");
    assert_eq!(status, json!({ "checked": true, "made": false, "url": null, "failure": null }));
    site.client.cancel(&execution, None).await.expect("cancelled");
    let view = site.end(&execution).await;
    assert_eq!(view.status.as_str(), "cancelled");
    eventually("the worker is told", async || calls(&execution, "images.generate_small").contains(&json!("cancelled")))
        .await;
    assert_eq!(calls(&execution, "images.note"), [] as [Value; 0]);
}

#[tokio::test]
async fn a_generation_is_paused_before_it_begins_and_goes_on() {
    let site = site().await;
    let execution = fresh_id();
    site.client.pause(&execution, Some("the machines are being serviced".to_owned())).await.expect("paused");
    site.start_as(&execution, "image_generation", json!({ "user": "ann", "prompt": "a red barn" })).await;
    eventually("it is paused", async || {
        let view = site.client.get(&execution).await.expect("an answer");
        view.is_some_and(|view| view.status.as_str() == "paused")
    })
    .await;
    assert_eq!(calls(&execution, "images.validate_prompt"), [] as [Value; 0]);
    site.client.resume(&execution, serde_json::Map::new()).await.expect("resumed");
    assert_completed(&site.end(&execution).await);
}
