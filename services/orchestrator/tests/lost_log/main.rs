//! A log that lost what it had acknowledged: it is noticed and said, what is known of open executions goes on, and what comes
//! afterwards counts.

// Marked so that the lints take the helpers, too, for tests.
#[cfg(test)]
mod site;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sagaline_broker::ports::{Bucket, Message, Outcome};

    use crate::site::Site;

    /// The orchestrator is away meanwhile, and makes the log anew when it starts.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_that_was_deleted_is_made_anew_and_open_executions_go_on() {
        let mut site = Site::start().await;
        site.open(&["a-1", "a-2", "a-3"]).await;
        site.settled().await;
        site.kill_orchestrator();
        site.connection.jetstream().delete_stream("RUNS_0").await.expect("an operator deletes it");

        site.start_orchestrator();
        site.goes_on(&["a-1", "a-2", "a-3"], "b").await;
        assert!(site.said("the log is gone and is made anew") && site.said("has lost acknowledged entries"));
        assert!(!site.said("is parked"));
    }

    /// It is deleted under a running orchestrator, and made anew by hand, from one on.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_that_is_made_anew_under_a_running_orchestrator_is_filled_and_goes_on() {
        let site = Site::start().await;
        site.open(&["a-1", "a-2", "a-3"]).await;
        site.settled().await;
        let jetstream = site.connection.jetstream();
        let mut config = jetstream.get_stream("RUNS_0").await.expect("the log").cached_info().config.clone();
        jetstream.delete_stream("RUNS_0").await.expect("an operator deletes it");
        config.metadata.clear();
        jetstream.create_stream(config).await.expect("and makes it anew");

        site.goes_on(&["a-1", "a-2", "a-3"], "b").await;
        assert!(site.said("has lost acknowledged entries"));
    }

    /// An operator puts the log's files back as they were before; the buckets are newer. So does a power cut on a disk that is synced
    /// late. The files of a cluster know of each other, so this is about one node.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_that_was_put_back_to_a_backup_goes_on_from_what_snapshots_know() {
        let mut site = Site::start_on_one().await;
        site.open(&["a-1", "a-2"]).await;
        site.settled().await;
        let backup = site.back_up_log().await;
        site.open(&["c-1", "c-2", "c-3"]).await;
        site.settled().await;
        site.put_back_log(&backup).await;

        site.goes_on(&["a-1", "a-2", "c-1", "c-2", "c-3"], "b").await;
        assert!(site.said("has lost acknowledged entries"));
    }

    /// 100,000 entries are gone that the checkpoint knows of.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_long_tail_is_filled_in_seconds() {
        let mut site = Site::start().await;
        site.kill_orchestrator();
        let subject = site.connection.names().key(Bucket::Partitions, "checkpoint.0");
        let payload = r#"{"epoch":7,"next":100001,"time":"2020-01-01T00:00:00Z"}"#.into();
        let message = Message { subject, expected: None, msg_id: None, ttl: None, headers: vec![], payload };
        assert!(matches!(site.connection.publish(&message).await, Outcome::Stored { .. }));
        let begun = std::time::Instant::now();
        site.start_orchestrator();
        site.goes_on(&[], "b").await;
        let took = begun.elapsed();
        println!("100,000 fillers and a first execution: {took:?}");
        assert!(site.said("has lost acknowledged entries"));
        assert!(took < Duration::from_secs(60), "{took:?}");
        assert!(100_000 < site.head().await);
    }
}
