//! Says how much waits in the queues, and how much comes later. Every orchestrator says the same, so that whichever is left goes on
//! saying it.

use std::{collections::BTreeMap, time::Duration};

use sagaline_broker::nats::{Connection, QueueDepth};
use sagaline_events::{
    ask::{Answer, Ask},
    queue_tally::QueueTally,
};
use sagaline_telemetry::metrics;
use tokio::time::{sleep, timeout};

/// As often as metrics are usually scraped: two requests for each queue, and one for each partition.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// An owner that is there answers at once.
const OWNER_WITHIN: Duration = Duration::from_secs(2);

/// The gauges of one queue, by their `state`.
#[derive(Clone, Copy, Default)]
struct Depth {
    pending: u64,
    active: u64,
    /// Not known while a partition has no owner: then what was said last stays said.
    later: Option<Later>,
}

#[derive(Clone, Copy, Default)]
struct Later {
    scheduled: u64,
    retry: u64,
}

/// Goes on until it is dropped.
pub(crate) async fn watch(connection: Connection, partitions: u32) {
    // A queue whose stream is removed is empty from then on.
    let mut known: Vec<String> = vec![];
    loop {
        match connection.queue_depths().await {
            Ok(depths) => {
                let seen = seen(depths, later(&connection, partitions).await);
                for queue in known.iter().filter(|queue| !seen.contains_key(*queue)) {
                    set(queue, Depth { later: Some(Later::default()), ..Depth::default() });
                }
                for (queue, depth) in &seen {
                    set(queue, *depth);
                }
                known = seen.into_keys().collect();
            }
            Err(failure) => tracing::debug!(%failure, "the depth of the queues is not known"),
        }
        sleep(LOOK_EVERY).await;
    }
}

/// What waits in the streams, and beside it what is to come: also to a queue that has no stream any more.
fn seen(depths: Vec<QueueDepth>, later: Option<BTreeMap<String, Later>>) -> BTreeMap<String, Depth> {
    let none = later.as_ref().map(|_| Later::default());
    let of_stream = |QueueDepth { queue, pending, active, .. }| (queue, Depth { pending, active, later: none });
    let mut seen: BTreeMap<String, Depth> = depths.into_iter().map(of_stream).collect();
    for (queue, later) in later.into_iter().flatten() {
        seen.entry(queue).or_default().later = Some(later);
    }
    seen
}

/// What the owners of all partitions say is to come; nothing if one of them says nothing.
async fn later(connection: &Connection, partitions: u32) -> Option<BTreeMap<String, Later>> {
    let question = serde_json::to_vec(&Ask::Queues).expect("questions have string keys only");
    let mut all: BTreeMap<String, Later> = BTreeMap::new();
    for partition in 0..partitions {
        let asking = connection.client().request(connection.names().ask(partition), question.clone().into());
        let answer = timeout(OWNER_WITHIN, asking).await.ok()?.ok()?;
        let Ok(Answer::Queues(QueueTally { queues, .. })) = serde_json::from_slice(&answer.payload) else {
            return None;
        };
        for counts in queues {
            let of_queue = all.entry(counts.queue.to_string()).or_default();
            of_queue.scheduled += counts.scheduled;
            of_queue.retry += counts.retry;
        }
    }
    Some(all)
}

fn set(queue: &str, depth: Depth) {
    let metrics = metrics::queue(queue);
    metrics.pending.set(depth.pending as f64);
    metrics.active.set(depth.active as f64);
    if let Some(later) = depth.later {
        metrics.scheduled.set(later.scheduled as f64);
        metrics.retry.set(later.retry as f64);
    }
}
