//! The bucket of snapshots fills up.

use sagaline_broker::ports::Outcome;
use sagaline_testkit::site::eventually;

use crate::site::{Site, blob};

/// Waiting executions that take twice the room that the bucket has: a log with more of it takes them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_state_than_it_has_room_for_loses_nothing_and_frees_itself() {
    let site = Site::new().await;
    site.set_max_bytes("RUNS_0", 64 << 20).await;
    let _orchestrator = site.orchestrator().await;
    let _worker = site.worker("default");
    let started: Vec<String> = (0..90).map(|number| format!("raw-{number}")).collect();
    for id in &started {
        let outcome = site.raw_start("held", id, blob(90_000)).await;
        assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    }
    eventually("the bucket takes no more", async || 85 <= site.percent("KV_executions").await).await;
    site.starts_are_refused("KV_executions").await;
    site.signal(&started).await;
    site.all_complete(&started).await;
    eventually("it is empty again", async || site.percent("KV_executions").await < 5).await;
    site.starts_are_taken("held", "later").await;
}

/// The same with a takeover in the midst of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_owner_of_a_partition_without_room_for_snapshots_recovers() {
    let site = Site::new().await;
    site.set_max_bytes("RUNS_0", 64 << 20).await;
    let orchestrator = site.orchestrator().await;
    let started: Vec<String> = (0..90).map(|number| format!("raw-{number}")).collect();
    for id in &started {
        let outcome = site.raw_start("held", id, blob(90_000)).await;
        assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    }
    eventually("the bucket takes no more", async || 85 <= site.percent("KV_executions").await).await;
    orchestrator.stop().await;
    let _orchestrator = site.orchestrator().await;
    let _worker = site.worker("default");
    site.signal(&started).await;
    site.all_complete(&started).await;
    eventually("it is empty again", async || site.percent("KV_executions").await < 5).await;
}
