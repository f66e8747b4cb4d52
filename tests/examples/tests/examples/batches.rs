//! `examples/batch_processing.yaml`.

use sagaline_events::record::StepStatus::{Completed, Pending};
use serde_json::{Value, json};

use crate::site::{assert_completed, assert_steps, calls, failure, site};

const WORKFLOW: &str = "batch_processing";

#[tokio::test]
async fn one_step_is_made_for_each_image_of_a_batch() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "batch": "b-1" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "total": 26, "failed": 2, "cover": { "of": ["0.png", "1.png"] } }));
    assert_steps(&view, Completed, &["pending", "process", "summary", "report"]);
    // Two that are no images are tried twice; what was planned once is not planned again.
    assert_eq!(calls(&execution, "images.resize").len(), 27);
    assert_eq!(calls(&execution, "images.plan").len(), 1);
    let summed = &calls(&execution, "images.summary")[0];
    assert_eq!(summed["results"]["process_24"], json!({ "resized": "24.png" }));
    assert_eq!(summed["results"]["process_7"]["error"]["type"], json!("NotAnImage"));
}

#[tokio::test]
async fn a_batch_of_nothing_needs_no_steps() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "batch": "none" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "total": 0, "failed": 0, "cover": null }));
    assert_eq!(calls(&execution, "images.resize"), [] as [Value; 0]);
}

#[tokio::test]
async fn steps_that_cannot_be_run_fail_the_batch_and_it_says_why() {
    let site = site().await;
    let view = site.run(WORKFLOW, json!({ "batch": "impossible" })).await;
    let error = failure(&view, "process", "BadExpansion");
    assert!(error.message.ends_with("step `cover` comes after `nobody`, which is not beside it"), "{}", error.message);
    assert_steps(&view, Pending, &["summary", "report"]);
}
