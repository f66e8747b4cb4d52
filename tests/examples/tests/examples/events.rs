//! `examples/paid_order.yaml`, `search_index.yaml` and `row_loader.yaml`: what events wake and what they start together.

use sagaline_broker::ports::{Message, Outcome};
use sagaline_events::record::{
    ExecutionView,
    StepStatus::{Skipped, Waiting},
};
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::{ListFilter, fresh_id};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{Site, assert_completed, assert_steps, site};

const WORKFLOW: &str = "paid_order";

/// Publishes as any client does.
async fn publish(site: &Site, kind: &str, id: &str, data: Value) {
    let connection = site.client.connection();
    let message = Message {
        subject: connection.names().event(kind),
        expected: None,
        msg_id: None,
        ttl: None,
        headers: vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", id.to_owned()),
            ("ce-source", "/shop".to_owned()),
            ("ce-type", kind.to_owned()),
        ],
        payload: data.to_string().into(),
    };
    eventually("the event is stored", async || matches!(connection.publish(&message).await, Outcome::Stored { .. }))
        .await;
}

async fn paid(site: &Site, order: &str, payment: &str) {
    publish(site, "shop.payment.received", payment, json!({ "order": order, "amount": 7 })).await;
}

#[tokio::test]
async fn a_payment_that_comes_later_wakes_its_order_and_no_other() {
    let site = site().await;
    let (mine, other) = (fresh_id().to_string(), fresh_id().to_string());
    let execution = site.start(WORKFLOW, json!({ "order": mine })).await;
    let another = site.start(WORKFLOW, json!({ "order": other, "patience": "3s" })).await;
    site.step_is(&execution, "paid", Waiting).await;
    let why = site.client.why(&execution).await.expect("an answer");
    assert!(format!("{why:?}").contains("shop.payment.received"), "{why:?}");
    publish(&site, "shop.payment.received", "nothing", json!({ "order": mine, "amount": 0 })).await;
    paid(&site, &mine, "p-1").await;
    paid(&site, &mine, "p-1").await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "paid": 7, "payment": "p-1" }));
    let view = site.end(&another).await;
    assert_steps(&view, Skipped, &["paid", "ship"]);
}

#[tokio::test]
async fn a_payment_that_came_before_its_order_waits_is_kept() {
    let site = site().await;
    let order = fresh_id().to_string();
    paid(&site, &order, "p-2").await;
    let view = site.run(WORKFLOW, json!({ "order": order })).await;
    assert_eq!(view.output, json!({ "paid": 7, "payment": "p-2" }));
    // Everybody gets it.
    let view = site.run(WORKFLOW, json!({ "order": order })).await;
    assert_eq!(view.output, json!({ "paid": 7, "payment": "p-2" }));
}

/// Those that have ended of this workflow, as they are recorded, and whose input fits.
async fn ended(site: &Site, workflow: &str, fits: impl Fn(&ExecutionView) -> bool) -> Vec<ExecutionView> {
    let filter = ListFilter { workflow: Some(Name::new(workflow).expect("a name")), ..ListFilter::default() };
    let mut all = vec![];
    for listed in site.client.list(filter, None).next(500).await.expect("a list") {
        all.extend(site.client.get(&listed.view.execution).await.expect("an answer"));
    }
    all.retain(|view| view.status.is_over() && fits(view));
    all
}

#[tokio::test]
async fn a_document_that_is_changed_often_is_indexed_once() {
    let site = site().await;
    let doc = fresh_id().to_string();
    for number in 0..5 {
        let id = format!("{doc}-{number}");
        publish(&site, "docs.changed", &id, json!({ "doc": doc, "text": number })).await;
    }
    let of_it = |view: &ExecutionView| view.output["doc"] == json!(doc);
    eventually("it is indexed", async || !ended(&site, "search_index", of_it).await.is_empty()).await;
    let found = ended(&site, "search_index", of_it).await;
    assert_eq!(found.iter().map(|view| &view.output["text"]).collect::<Vec<_>>(), [4]);
}

#[tokio::test]
async fn rows_are_loaded_together_each_of_them_once() {
    let site = site().await;
    let table = fresh_id().to_string();
    for number in 0..25 {
        let id = format!("{table}-{number}");
        let row = json!({ "table": table, "row": number });
        publish(&site, "rows.added", &id, row.clone()).await;
        publish(&site, "rows.added", &id, row).await;
    }
    let of_it = |view: &ExecutionView| view.output["rows"][0]["table"] == json!(table);
    let rows = |found: &[ExecutionView]| -> Vec<u64> {
        let rows = found.iter().flat_map(|view| view.output["rows"].as_array().cloned().unwrap_or_default());
        let mut rows: Vec<u64> = rows.filter_map(|row| row["row"].as_u64()).collect();
        rows.sort_unstable();
        rows
    };
    eventually("all are loaded", async || rows(&ended(&site, "row_loader", of_it).await).len() >= 25).await;
    let found = ended(&site, "row_loader", of_it).await;
    assert_eq!(rows(&found), (0..25).collect::<Vec<_>>());
    assert_eq!(found.len(), 3, "two of ten, and the rest");
    let ids: Vec<&ExecutionId> = found.iter().map(|view| &view.execution).collect();
    assert!(ids.iter().all(|id| id.as_str().starts_with("row_loader-gathered-")), "{ids:?}");
    assert_eq!(found[0].output["events"][0]["type"], "rows.added");
}
