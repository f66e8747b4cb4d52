//! How long partitions stand still: every owner is asked again and again whether it is live.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sagaline_broker::nats::{Connection, connect};
use sagaline_events::ask::{Answer, Ask};
use sagaline_testkit::site::eventually;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::site::Site;

const ASK_EVERY: Duration = Duration::from_millis(25);
/// Whoever goes may leave a question without an answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(100);

pub(crate) struct Pauses {
    /// When the owner of each partition said that it is live.
    live: Arc<Mutex<BTreeMap<u32, Vec<Instant>>>>,
    partitions: u32,
    _asking: JoinSet<()>,
}

impl Pauses {
    pub(crate) fn begin(site: &Site) -> Self {
        let live = Arc::new(Mutex::new(BTreeMap::new()));
        let mut asking = JoinSet::new();
        for partition in 0..site.partitions {
            asking.spawn(ask(site.url(), partition, live.clone()));
        }
        Self { live, partitions: site.partitions, _asking: asking }
    }

    /// Waits until every owner says once more that it is live.
    pub(crate) async fn all_live(&self) {
        let since = Instant::now();
        eventually("every partition is live", async || {
            let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
            (0..self.partitions).all(|partition| live.get(&partition).is_some_and(|said| said.last() > Some(&since)))
        })
        .await;
    }

    /// The longest time between two such answers of a partition, of what overlaps with this stretch.
    pub(crate) fn longest(&self, from: Instant, to: Instant) -> Duration {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let gaps = live.values().flat_map(|said| {
            said.windows(2).filter(|pair| pair[1] >= from && pair[0] <= to).map(|pair| pair[1] - pair[0].max(from))
        });
        gaps.max().unwrap_or_default()
    }
}

async fn ask(url: String, partition: u32, live: Arc<Mutex<BTreeMap<u32, Vec<Instant>>>>) {
    let connection = connect(&url, "sagaline", "asker").await.expect("a connection");
    loop {
        if is_live(&connection, partition).await {
            let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
            live.entry(partition).or_default().push(Instant::now());
        }
        sleep(ASK_EVERY).await;
    }
}

async fn is_live(connection: &Connection, partition: u32) -> bool {
    let question = serde_json::to_vec(&Ask::Partition).expect("JSON");
    let asked = connection.client().request(connection.names().ask(partition), question.into());
    let Ok(Ok(answer)) = timeout(ANSWER_WITHIN, asked).await else { return false };
    matches!(serde_json::from_slice(&answer.payload), Ok(Answer::Partition(view)) if view.live)
}
