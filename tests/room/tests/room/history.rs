//! How much of the log is kept, when its executions are done.

use std::time::Duration;

use sagaline_broker::{owner::Checkpoint, ports::Bucket};
use sagaline_testkit::site::eventually;
use serde_json::Value;

use crate::site::{Site, blob};

impl Site {
    /// The entry below the checkpoint is there, whatever else is gone: it proves the place.
    async fn proof_stays(&self) {
        let (_, value) =
            self.connection.value(Bucket::Partitions, "checkpoint.0").await.expect("an answer").expect("a checkpoint");
        let checkpoint: Checkpoint = serde_json::from_slice(&value).expect("a checkpoint");
        let log = self.connection.jetstream().get_stream("RUNS_0").await.expect("the log");
        let first = log.cached_info().state.first_sequence;
        assert!(first < checkpoint.next, "{first} {checkpoint:?}");
        log.get_raw_message(checkpoint.next - 1).await.expect("the proof");
    }

    async fn run_some(&self, count: usize, bytes: usize) {
        let ids: Vec<String> = (0..count).map(|number| format!("h-{number}")).collect();
        for page in ids.chunks(10) {
            for id in page {
                self.start("held", id, blob(bytes)).await.unwrap_or_else(|error| panic!("{error}"));
            }
            self.signal(page).await;
            self.all_complete(page).await;
        }
    }
}

/// Three times what the log has room for goes through it, and nothing is ever refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_nears_its_limit_gives_up_history_rather_than_refuse_starts() {
    let site = Site::new().await;
    let _orchestrator = site.orchestrator().await;
    let _worker = site.worker("default");
    // At most 7 % of the log in each page, and a second or more for it.
    let ids: Vec<String> = (0..130).map(|number| format!("h-{number}")).collect();
    for page in ids.chunks(3) {
        for id in page {
            site.start("held", id, blob(90_000)).await.unwrap_or_else(|error| panic!("{id}: {error}"));
        }
        site.signal(page).await;
        site.all_complete(page).await;
        eventually("the log has room", async || site.percent("RUNS_0").await <= 72).await;
    }
    assert!(site.info("RUNS_0").await.state.first_sequence > 100);
    site.proof_stays().await;
    assert!(site.word().await.is_open());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_keeps_no_more_subjects_than_it_is_set_to() {
    let site = Site::new().await;
    let _orchestrator = site.orchestrator_with(|settings| settings.history_subjects = 40).await;
    let _worker = site.worker("default");
    site.run_some(100, 10).await;
    eventually("few subjects are left", async || site.info("RUNS_0").await.state.subjects_count <= 40).await;
    site.proof_stays().await;
    assert!(site.percent("RUNS_0").await < 50, "it is not for want of room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_keeps_nothing_for_longer_than_the_history_but_what_is_open() {
    let site = Site::new().await;
    let _orchestrator = site.orchestrator_with(|settings| settings.history = Duration::from_secs(3)).await;
    let _worker = site.worker("default");
    site.start("held", "open", Value::Null).await.expect("started");
    site.run_some(20, 10).await;
    // Its snapshot lets the checkpoint pass it.
    eventually("only the proof is left, and marks", async || site.info("RUNS_0").await.state.messages <= 3).await;
    site.proof_stays().await;
    site.signal(&["open".to_owned()]).await;
    site.all_complete(&["open".to_owned()]).await;
}
