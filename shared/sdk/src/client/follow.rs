//! Following lifecycle events as they happen, with a bound on what may wait to be handled.
//!
//! What is heard here is core NATS: nothing is stored for a listener that is away. What was missed is counted and said, never
//! hidden; whoever must have every event reads the stream `LIFECYCLE`.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures::StreamExt;
use sagaline_model::id::fnv1a;
use serde::de::DeserializeOwned;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::JoinSet,
};

use super::{Client, Error};

/// Which events to hear. What is left out may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LifecycleFilter {
    /// `workflow`, `step`, …
    pub kind: Option<String>,
    /// `started`, `completed`, …
    pub what: Option<String>,
    pub workflow: Option<String>,
    pub execution: Option<String>,
}

/// How many handlers run at once, and how much may wait for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionSettings {
    /// Events of one execution always go to the same worker, so they are handled in order.
    pub workers: usize,
    /// Events that wait for each worker. What comes when it is full is dropped and counted.
    pub buffer: usize,
}

impl Default for SubscriptionSettings {
    /// A thousand events are a second or so of a busy installation, and a megabyte at most.
    fn default() -> Self {
        Self { workers: 1, buffer: 1000 }
    }
}

/// An event, as its subject and its data tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleEvent {
    pub kind: String,
    pub what: String,
    pub workflow: String,
    pub execution: String,
    /// The CloudEvent's id: one that is told again after a takeover has the same.
    pub id: String,
    /// The JSON data, as it came.
    pub data: Bytes,
    /// How many events were dropped right before this one, for want of room.
    pub missed: u64,
}

impl LifecycleEvent {
    /// Reads the data as whatever has the fields that are of interest.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.data)
    }

    fn parse(namespace: &str, subject: &str, id: String, data: Bytes) -> Option<Self> {
        let rest = subject.strip_prefix(namespace)?.strip_prefix(".lifecycle.")?;
        let mut tokens = rest.split('.').map(str::to_owned);
        let (kind, what) = (tokens.next()?, tokens.next()?);
        Some(Self { kind, what, workflow: tokens.next()?, execution: tokens.next()?, id, data, missed: 0 })
    }
}

/// How a subscription keeps up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    pub received: u64,
    pub handled: u64,
    /// Came while there was no room.
    pub dropped: u64,
    /// How often the connection was lost; what happened meanwhile was not heard.
    pub gaps: u64,
}

/// Hears events until it is dropped.
#[derive(Debug)]
pub struct Subscription {
    client: Client,
    connects: u64,
    counts: Arc<Counts>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Counts {
    received: AtomicU64,
    handled: AtomicU64,
    dropped: AtomicU64,
}

impl Subscription {
    pub fn lag(&self) -> Lag {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Lag {
            received: read(&self.counts.received),
            handled: read(&self.counts.handled),
            dropped: read(&self.counts.dropped),
            gaps: self.client.connects() - self.connects,
        }
    }
}

impl Client {
    /// Hands every event that passes the filter to `handler`, from when this returns until the subscription is dropped.
    pub async fn subscribe<H, F>(
        &self,
        filter: &LifecycleFilter,
        settings: SubscriptionSettings,
        handler: H,
    ) -> Result<Subscription, Error>
    where
        H: Fn(LifecycleEvent) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let connects = self.connects();
        let heard = self.listen(filter).await?;
        let counts = Arc::new(Counts::default());
        let mut tasks = JoinSet::new();
        let mut queues = vec![];
        for _ in 0..settings.workers.max(1) {
            let (sender, waiting) = mpsc::channel(settings.buffer.max(1));
            tasks.spawn(work(waiting, handler.clone(), Arc::clone(&counts)));
            queues.push(Queue { sender, missed: 0 });
        }
        tasks.spawn(sort(heard, self.names().namespace().to_owned(), queues, Arc::clone(&counts)));
        Ok(Subscription { client: self.clone(), connects, counts, _tasks: tasks })
    }

    /// A subscription that the server knows of once this returns.
    pub(super) async fn listen(&self, filter: &LifecycleFilter) -> Result<async_nats::Subscriber, Error> {
        let token = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
        let subject = self.names().lifecycle(
            &token(&filter.kind),
            &token(&filter.what),
            &token(&filter.workflow),
            &token(&filter.execution),
        );
        let failed = |source: async_nats::Error| Error::nats(format!("subscribe to `{subject}`"))(source);
        let client = self.connection.client();
        let heard = client.subscribe(subject.clone()).await.map_err(|error| failed(error.into()))?;
        client.flush().await.map_err(|error| failed(error.into()))?;
        Ok(heard)
    }

    /// How often a connection was made.
    pub(super) fn connects(&self) -> u64 {
        self.connection.client().statistics().connects.load(Ordering::Relaxed)
    }
}

struct Queue {
    sender: mpsc::Sender<LifecycleEvent>,
    missed: u64,
}

/// Gives each event to the worker of its execution, or drops it if that has no room.
async fn sort(mut heard: async_nats::Subscriber, namespace: String, mut queues: Vec<Queue>, counts: Arc<Counts>) {
    while let Some(message) = heard.next().await {
        let id = message.headers.as_ref().and_then(|headers| headers.get("ce-id"));
        let id = id.map_or(String::new(), |id| id.as_str().to_owned());
        let Some(mut event) = LifecycleEvent::parse(&namespace, &message.subject, id, message.payload) else {
            continue;
        };
        counts.received.fetch_add(1, Ordering::Relaxed);
        let worker = fnv1a(event.execution.as_bytes()) as usize % queues.len();
        let queue = &mut queues[worker];
        event.missed = queue.missed;
        match queue.sender.try_send(event) {
            Ok(()) => queue.missed = 0,
            Err(TrySendError::Full(_)) => {
                queue.missed += 1;
                // Said at 1, 2, 4, 8 …: once is worth a line, a flood is not worth a flood.
                let dropped = counts.dropped.fetch_add(1, Ordering::Relaxed) + 1;
                if dropped.is_power_of_two() {
                    tracing::warn!(dropped, "lifecycle events come faster than they are handled and are dropped");
                }
            }
            Err(TrySendError::Closed(_)) => return,
        }
    }
}

async fn work<H, F>(mut waiting: mpsc::Receiver<LifecycleEvent>, handler: H, counts: Arc<Counts>)
where
    H: Fn(LifecycleEvent) -> F,
    F: Future<Output = ()>,
{
    while let Some(event) = waiting.recv().await {
        handler(event).await;
        counts.handled.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_tells_what_happened_to_what() {
        let parse = |subject| LifecycleEvent::parse("sagaline", subject, "1".into(), Bytes::new());
        let event = parse("sagaline.lifecycle.step.completed.order.o-1").expect("an event");
        assert_eq!((event.kind.as_str(), event.what.as_str()), ("step", "completed"));
        assert_eq!((event.workflow.as_str(), event.execution.as_str()), ("order", "o-1"));
        assert_eq!(parse("sagaline.lifecycle.step.completed.order"), None);
        assert_eq!(parse("other.lifecycle.step.completed.order.o-1"), None);
    }
}
