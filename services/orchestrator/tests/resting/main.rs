//! Executions that only wait leave memory, and come back for whatever comes for them: a real orchestrator on a real NATS.

mod site;

use std::collections::BTreeMap;

use sagaline_events::record::Status;
use sagaline_sdk::client::{ListFilter, RejectedFilter};
use sagaline_testkit::site::eventually;
use serde_json::json;

use crate::site::{Site, execution};

#[tokio::test]
async fn what_rests_is_listed_answers_and_goes_on_by_its_signals() {
    let mut site = Site::start().await;
    let ids: Vec<String> = (0..20).map(|number| format!("order-{number:02}")).collect();
    for id in &ids {
        site.begin("order", id).await;
    }
    site.all_rest(20).await;

    let mut listing = site.client.list(ListFilter::default(), None);
    let listed: BTreeMap<_, _> = listing
        .next(100)
        .await
        .expect("a list")
        .into_iter()
        .map(|listed| (listed.view.execution.clone(), listed.view))
        .collect();
    assert_eq!(listed.len(), 20);
    assert!(listed.values().all(|view| view.status == Status::Waiting && view.workflow.as_str() == "order"));

    let view = site.client.get(&execution("order-03")).await.expect("an answer").expect("it is open");
    assert_eq!((view.status, view.steps.len()), (Status::Waiting, 2));
    let why = site.client.why(&execution("order-04")).await.expect("an answer").expect("it is open");
    assert!(format!("{why:?}").contains("paid"), "{why:?}");

    // Two at once: the second comes while the state is being read.
    for id in &ids {
        site.signal(id, "paid", json!({"n": id})).await;
        site.signal(id, "thanked", json!({})).await;
    }
    for id in &ids {
        assert_eq!(site.reaches(id, Status::Completed).await.output, json!({"paid": id}));
    }

    // And after an owner that read nothing but snapshots.
    site.begin("order", "late").await;
    site.all_rest(1).await;
    site.restart_orchestrator();
    site.all_rest(1).await;
    site.signal("late", "paid", json!({"n": 1})).await;
    site.all_rest(1).await;
    site.signal("late", "thanked", json!({})).await;
    assert_eq!(site.reaches("late", Status::Completed).await.output, json!({"paid": 1}));
}

#[tokio::test]
async fn time_wakes_what_rests() {
    let site = Site::start().await;
    site.begin("nap", "a").await;
    site.all_rest(1).await;
    let view = site.reaches("a", Status::Completed).await;
    let slept = view.ended_at.expect("it has ended").since(view.started_at);
    assert!((12_000..14_000).contains(&slept.as_millis()), "{slept}");
}

#[tokio::test]
async fn a_snapshot_removed_by_hand_parks_its_execution_and_no_other() {
    let site = Site::start().await;
    for id in ["gone", "other"] {
        site.begin("order", id).await;
    }
    site.all_rest(2).await;
    site.put_snapshot("gone", vec![("KV-Operation", "DEL".to_owned())], "").await;
    site.signal("gone", "paid", json!({"n": 1})).await;
    // The partition does not wait for it.
    site.signal("other", "paid", json!({"n": 2})).await;
    site.signal("other", "thanked", json!({})).await;
    site.reaches("other", Status::Completed).await;

    let view = site.reaches("gone", Status::Parked).await;
    assert!(view.reason.as_deref().is_some_and(|reason| reason.contains("its snapshot is lost")), "{view:?}");
    assert!(site.said("its snapshot is lost"));
    // It takes the place of the mark that `kv del` left, which nothing else would ever remove.
    eventually("it is saved as it is now", async || {
        site.snapshot("gone").await.is_some_and(|value| String::from_utf8_lossy(&value).contains("parked"))
    })
    .await;
    site.client.cancel(&execution("gone"), None).await.expect("it is stored");
    site.reaches("gone", Status::Cancelled).await;
}

#[tokio::test]
async fn an_unreadable_snapshot_parks_its_execution_and_is_kept_for_people() {
    let mut site = Site::start().await;
    for id in ["odd", "other"] {
        site.begin("order", id).await;
    }
    site.all_rest(2).await;
    let unreadable = r#"{"applied":1,"time":"2026-01-01T00:00:00Z","state":{"from":"the future"}}"#;
    site.put_snapshot("odd", vec![], unreadable).await;
    site.restart_orchestrator();
    let view = site.reaches("odd", Status::Parked).await;
    assert!(view.reason.as_deref().is_some_and(|reason| reason.contains("cannot be read")), "{view:?}");
    assert_eq!(site.snapshot("odd").await.as_deref(), Some(unreadable.as_bytes()), "whoever can read it still may");

    site.signal("odd", "paid", json!({"n": 1})).await;
    eventually("its place is taken", async || {
        site.snapshot("odd").await.is_some_and(|value| String::from_utf8_lossy(&value).contains("parked"))
    })
    .await;
    let (rejected, _) =
        site.client.rejected(&RejectedFilter { limit: 10, ..RejectedFilter::default() }).await.expect("an answer");
    assert!(rejected.iter().any(|rejected| *rejected.payload == *unreadable.as_bytes()), "{rejected:?}");
    site.reaches("other", Status::Waiting).await;
}

/// Not at rest: its task is nowhere, and it can neither be saved nor go on.
#[tokio::test]
async fn a_task_that_no_queue_takes_is_told_of() {
    let mut site = Site::start().await;
    site.begin("work", "first").await;
    site.reaches("first", Status::Running).await;
    site.connection.jetstream().delete_stream("QUEUE_default").await.expect("it is removed");
    site.begin("work", "stuck").await;
    let why = async || format!("{:?}", site.client.why(&execution("stuck")).await);
    eventually("why says it", async || why().await.contains("not_queued")).await;
    assert!(site.said("has not taken the task"));

    // Whoever starts makes what is missing.
    site.restart_orchestrator();
    let why = async || format!("{:?}", site.client.why(&execution("stuck")).await);
    eventually("it is in its queue", async || why().await.contains("was handed to the queue")).await;
    assert!(!why().await.contains("not_queued"));
}
