//! Says how much waits in the queues. Every orchestrator says the same, so that whichever is left goes on saying it.

use std::time::Duration;

use sagaline_broker::nats::Connection;
use sagaline_telemetry::metrics;
use tokio::time::sleep;

/// As often as metrics are usually scraped: two requests for each queue.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Goes on until it is dropped.
pub(crate) async fn watch(connection: Connection) {
    // A queue whose stream is removed is empty from then on.
    let mut known: Vec<String> = vec![];
    loop {
        match connection.queue_depths().await {
            Ok(depths) => {
                for queue in known.iter().filter(|queue| !depths.iter().any(|depth| depth.queue == **queue)) {
                    set(queue, 0, 0);
                }
                for depth in &depths {
                    set(&depth.queue, depth.pending, depth.active);
                }
                known = depths.into_iter().map(|depth| depth.queue).collect();
            }
            Err(failure) => tracing::debug!(%failure, "the depth of the queues is not known"),
        }
        sleep(LOOK_EVERY).await;
    }
}

fn set(queue: &str, pending: u64, active: u64) {
    let metrics = metrics::queue(queue);
    metrics.pending.set(pending as f64);
    metrics.active.set(active as f64);
}
