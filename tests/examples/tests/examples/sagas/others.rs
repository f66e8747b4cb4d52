//! What the other examples take back: `order.yaml`, `order_processing.yaml`, `daily_etl.yaml`, `user_onboarding.yaml`, `batch_images.yaml`,
//! `tenant_migration.yaml` and `transactional.yaml`.

use std::collections::BTreeSet;

use sagaline_events::record::{
    Status,
    StepStatus::{Compensated, Failed},
};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{all_calls, assert_steps, calls, site, step_of};

/// The paths of what was undone, in the order in which that began.
fn undone(execution: &sagaline_model::ExecutionId) -> Vec<String> {
    let calls = all_calls(execution).into_iter();
    calls.filter_map(|call| call.step.split_once("/~undo").map(|(step, _)| step.to_owned())).collect()
}

#[tokio::test]
async fn the_first_example_releases_what_it_reserved_if_the_card_is_declined() {
    let site = site().await;
    let view = site.run("order", json!({ "order_id": "A-102", "total": 59.9, "card": "declined" })).await;
    assert_eq!((view.status, view.failed_step.as_deref()), (Status::RolledBack, Some("decline")), "{view:#?}");
    assert_steps(&view, Compensated, &["reserve"]);
}

#[tokio::test]
async fn an_order_that_no_carrier_takes_is_taken_back() {
    let site = site().await;
    let execution = site.start("order_processing", json!({ "order_id": "unshippable" })).await;
    let view = site.end(&execution).await;
    assert_eq!((view.status, view.failed_step.as_deref()), (Status::RolledBack, Some("ship")), "{view:#?}");
    let undone = undone(&execution);
    assert_eq!(undone[0], "capture");
    assert_eq!(BTreeSet::from_iter(&undone[1..]), BTreeSet::from([&"authorize".to_owned(), &"reserve".to_owned()]));
    assert_eq!(calls(&execution, "payments.refund"), [json!({ "payment": "p-1" })]);
    assert_eq!(calls(&execution, "payments.void"), [json!({ "authorization": "a-1" })]);
    assert_eq!(calls(&execution, "stock.release"), [json!({ "reservation": "r-1" })]);
    // Afterwards.
    let all = all_calls(&execution);
    let [last_undone, marked] = ["/~undo", "on_failure/mark"]
        .map(|part| all.iter().rposition(|call| call.step.contains(part)).expect("it ran"));
    assert!(last_undone < marked, "{all:#?}");
}

#[tokio::test]
async fn a_day_is_in_all_places_or_in_none() {
    let site = site().await;
    let execution = site.start("daily_etl", json!({ "day": "2026-03-31" })).await;
    let view = site.end(&execution).await;
    assert_eq!((view.status, view.failed_step.as_deref()), (Status::RolledBack, Some("to_search")), "{view:#?}");
    let cleared: BTreeSet<String> = calls(&execution, "etl.unload")
        .iter()
        .map(|input| input["from"].as_str().expect("a place").to_owned())
        .collect();
    assert_eq!(cleared, BTreeSet::from(["cache".to_owned(), "warehouse".to_owned()]), "the search said that it failed");
    assert_steps(&view, Compensated, &["to_warehouse", "to_cache"]);
    assert_steps(&view, Failed, &["to_search"]);
}

#[tokio::test]
async fn a_sign_up_that_fails_frees_the_address() {
    let site = site().await;
    let execution = site.start("user_onboarding", json!({ "email": "full@example.com" })).await;
    site.signal(&execution, "email_confirmed", Value::Null).await;
    let view = site.end(&execution).await;
    assert_eq!(view.status, Status::RolledBack, "{view:#?}");
    let deleted = json!({ "user": "full@example.com", "created_under": format!("{execution}/account") });
    assert_eq!(calls(&execution, "accounts.delete"), [deleted]);
}

#[tokio::test]
async fn a_batch_that_is_cancelled_with_rollback_deletes_what_it_stored() {
    let site = site().await;
    let execution = site.start("batch_images", json!({ "batch": "unreported" })).await;
    // The report does not come to an end.
    eventually("every image is stored", async || calls(&execution, "images.report").len() == 1).await;
    site.client.cancel_with_rollback(&execution, Some("the wrong batch".to_owned())).await.expect("cancelled");
    let view = site.end(&execution).await;
    assert_eq!(view.status, Status::RolledBack, "{view:#?}");
    let stored: BTreeSet<String> = calls(&execution, "images.store").iter().map(Value::to_string).collect();
    let deleted = calls(&execution, "images.delete");
    assert_eq!((stored.len(), deleted.len()), (23, 23), "two were no images");
    let urls: BTreeSet<String> = deleted.iter().map(|input| input["url"].to_string()).collect();
    assert_eq!(urls.len(), 23, "each once");
}

#[tokio::test]
async fn a_migration_that_loses_rows_is_restored_and_then_unlocked() {
    let site = site().await;
    let execution = site.start("tenant_migration", json!({ "tenant": "unlucky", "version": 4 })).await;
    let view = site.end(&execution).await;
    assert_eq!((view.status, view.failed_step.as_deref()), (Status::RolledBack, Some("check")), "{view:#?}");
    assert_eq!(undone(&execution), ["backup", "lock"]);
    assert_eq!(calls(&execution, "tenants.restore"), [json!("backup of unlucky")]);
    let locked: Vec<Value> = calls(&execution, "tenants.lock").iter().map(|input| input["locked"].clone()).collect();
    assert_eq!(locked, [true, false]);
    let text = "the migration of unlucky failed (RowsLost: two rows are gone), rollback completed";
    assert_eq!(calls(&execution, "messages.post"), [json!({ "to": "platform-team", "text": text })]);
}

#[tokio::test]
async fn a_transaction_counts_as_a_whole_or_not_at_all() {
    let site = site().await;
    let whole = site.run("transactional", json!({ "fail_at": "nothing" })).await;
    assert_eq!((whole.status, &whole.output), (Status::Completed, &json!({ "committed": true })));
    // A commit that says that it failed may have begun, so it is undone as well.
    for (fail_at, wanted) in
        [("reserve", &[][..]), ("process", &["reserve"]), ("commit", &["commit", "process", "reserve"])]
    {
        let execution = site.start("transactional", json!({ "fail_at": fail_at })).await;
        let view = site.end(&execution).await;
        assert_eq!(undone(&execution), wanted, "{fail_at}");
        let status = if wanted.is_empty() { Status::Failed } else { Status::RolledBack };
        assert_eq!((view.status, view.failed_step.as_deref()), (status, Some(fail_at)));
        assert!(step_of(&view, fail_at).attempt > 1, "it was tried again first");
    }
}
