//! `examples/data_analysis.yaml` and `examples/learning_path.yaml`.

use sagaline_events::record::StepStatus::{Completed, Pending, Skipped};
use serde_json::{Value, json};

use crate::site::{assert_completed, assert_steps, calls, failure, site, step_of};

#[tokio::test]
async fn data_is_clustered_if_that_was_asked_for() {
    let site = site().await;
    let view = site.run("data_analysis", json!({ "user": "ann", "file": "slow.csv", "analysis": "clustering" })).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "analysis": "d-1", "summary": "two humps", "pictures": 2 }));
    assert_steps(&view, Completed, &["cluster"]);
    // The file was still being copied at the first try.
    assert_eq!(step_of(&view, "load").attempt, 2);

    let view = site.run("data_analysis", json!({ "user": "ann", "file": "good.csv" })).await;
    assert_completed(&view);
    assert_eq!(view.output["pictures"], 1);
    assert_steps(&view, Skipped, &["cluster", "refuse"]);
}

#[tokio::test]
async fn broken_data_is_refused_with_all_that_is_wrong_with_it() {
    let site = site().await;
    let execution = site.start("data_analysis", json!({ "user": "ann", "file": "broken.csv" })).await;
    let view = site.end(&execution).await;
    let error = failure(&view, "refuse", "BadData");
    assert_eq!(error.message, "the data cannot be analysed: line 3 has no end");
    assert_eq!(error.details, Some(json!({ "faults": ["line 3 has no end", "line 9 is empty"] })));
    assert_steps(&view, Pending, &["explore", "save"]);
    assert_eq!(calls(&execution, "data.explore"), [] as [Value; 0]);
}

#[tokio::test]
async fn an_analysis_that_nobody_knows_is_not_started() {
    let site = site().await;
    let workflow = sagaline_model::Name::new("data_analysis").expect("a name");
    let input = json!({ "user": "ann", "file": "good.csv", "analysis": "astrology" });
    let started = site.client.start(&workflow, input, Default::default()).await;
    let fault = started.expect_err("the schema forbids it").to_string();
    assert!(fault.contains("astrology") || fault.contains("analysis"), "{fault}");
}

#[tokio::test]
async fn a_plan_has_resources_for_each_of_its_modules() {
    let site = site().await;
    let input = |subject: &str| json!({ "user": "ann", "subject": subject, "hours_a_week": 3 });
    let view = site.run("learning_path", input("music")).await;
    assert_completed(&view);
    // `scales`, `chords`, `songs`: as many links as letters, in the order of the modules.
    assert_eq!(view.output, json!({ "plan": "l-1", "days": 21, "resources": [6, 6, 5] }));

    let execution = site.start("learning_path", input("alchemy")).await;
    let view = site.end(&execution).await;
    failure(&view, "resources/item:2", "NothingFound");
    assert_eq!(calls(&execution, "learning.schedule"), [] as [Value; 0]);
}
