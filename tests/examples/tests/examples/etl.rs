//! `examples/daily_etl.yaml`.

use sagaline_events::record::StepStatus::{Compensated, Completed, Failed};
use serde_json::{Value, json};

use crate::site::{assert_completed, assert_steps, calls, came_before, failure, site, step_of, why};

const WORKFLOW: &str = "daily_etl";

#[tokio::test]
async fn a_day_is_extracted_joined_and_loaded() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "day": "2026-01-31" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "rows": 7, "report": "reports/2026-01-31" }));
    // All of a group come before what comes after the group.
    for extract in ["extract_sales", "extract_stock", "extract_customers"] {
        assert!(came_before(&execution, extract, "join"));
    }
    let tables: Vec<Value> = calls(&execution, "etl.join")[0].as_array().expect("a list").clone();
    assert_eq!(tables.iter().map(|table| &table["table"]).collect::<Vec<_>>(), ["sales", "stock", "customers"]);
    assert_eq!(calls(&execution, "etl.load").len(), 3);
    assert_eq!(
        calls(&execution, "messages.post"),
        [json!({ "to": "data-team", "text": "2026-01-31: 7 rows, reports/2026-01-31" })]
    );
}

#[tokio::test]
async fn wrong_rows_are_looked_at_once_and_nothing_is_loaded() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "day": "2026-02-28" })).await;
    let view = site.end(&execution).await;
    assert_eq!(failure(&view, "check", "BadRows").message, "3 rows have no customer");
    assert_eq!(step_of(&view, "check").attempt, 1);
    assert_steps(&view, Completed, &["on_failure"]);
    assert_eq!(calls(&execution, "etl.load"), [] as [Value; 0]);
}

#[tokio::test]
async fn a_place_that_is_down_is_tried_again_and_then_given_up() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "day": "2026-03-31" })).await;
    let view = site.end(&execution).await;
    why(&view, "to_search", "Down");
    let attempt = step_of(&view, "to_search");
    assert_eq!((attempt.status, attempt.attempt), (Failed, 3));
    assert_steps(&view, Compensated, &["to_warehouse", "to_cache"]);
    assert_steps(&view, Completed, &["on_failure"]);
    let text = "2026-03-31: failed at to_search: Down: the search is down";
    assert_eq!(calls(&execution, "messages.post"), [json!({ "to": "data-team", "text": text })]);
    // What comes after the group is never begun.
    assert_eq!(calls(&execution, "etl.report"), [] as [Value; 0]);
}
