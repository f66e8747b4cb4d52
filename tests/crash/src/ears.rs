//! Hears every lifecycle event of a step, to measure how long work stands still.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::StreamExt;
use sagaline_broker::nats;
use sagaline_model::partition_of;

/// When something was told of each partition.
#[derive(Clone, Default)]
pub struct Ears {
    heard: Arc<Mutex<BTreeMap<u32, Vec<Instant>>>>,
}

impl Ears {
    /// Listens from now on, at each of these servers: what is told while one of them is dead is heard at another.
    pub async fn open(urls: &[String], partitions: u32) -> Self {
        let ears = Self::default();
        for url in urls {
            let connection = nats::connect(url, "sagaline", "ears").await.expect("a connection");
            let subject = "sagaline.lifecycle.step.>";
            let mut told = connection.client().subscribe(subject).await.expect("a subscription");
            let heard = Arc::clone(&ears.heard);
            tokio::spawn(async move {
                let kept = connection;
                while let Some(message) = told.next().await {
                    let execution = message.subject.rsplit('.').next().unwrap_or_default();
                    let partition = partition_of(execution, partitions);
                    heard
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .entry(partition)
                        .or_default()
                        .push(Instant::now());
                }
                drop(kept);
            });
        }
        ears
    }

    /// The longest silence of any partition that began or went on within `within` after `kill`; nothing if it was silent for good.
    pub fn longest_silence(&self, kill: Instant, within: Duration) -> Option<Duration> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let silences = heard.values().flat_map(|times| {
            let around = |pair: &&[Instant]| pair[1] >= kill && pair[0] <= kill + within;
            times.windows(2).filter(around).map(|pair| pair[1] - pair[0].max(kill)).collect::<Vec<_>>()
        });
        silences.max()
    }
}
