//! A state that does not fit in one message, and owners that die at every stage of saving it.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use sagaline_broker::{
    names::{LogKind, PART_PREFIX},
    nats::{Connection, Hold, NatsPorts},
    owner::{Checkpoint, Halt, Owner, Settings, Watcher},
    ports::{Asker, Bucket, Event, Failure, LogRoom, Message, Outcome, Ports, Sequence, Snapshots, Ticket},
};
use sagaline_events::ask::Answer;
use sagaline_model::{Moment, Span};
use tokio_util::sync::CancellationToken;

use crate::{
    common::{Site, eventually},
    tally::{Tally, Totals, add},
};

const KIND: LogKind = LogKind::Schedules;
/// Four parts of 512 KiB.
const STATE_BYTES: usize = 1_700_000;
const PARTS: usize = 4;

/// Ports over which an owner writes so often to the bucket of snapshots, and then is no more.
struct Mortal {
    ports: NatsPorts,
    writes_left: usize,
    writes: Arc<AtomicUsize>,
}

impl Mortal {
    fn is_dead(&self) -> bool {
        self.writes_left <= self.writes.load(Ordering::Acquire)
    }
}

impl Ports for Mortal {
    fn events(&mut self, hungry: bool, wake: Duration, into: &mut Vec<Event>) -> impl Future<Output = ()> + Send {
        self.ports.events(hungry, wake, into)
    }

    fn publish(&mut self, ticket: Ticket, message: Arc<Message>) {
        let is_counted = message.subject.starts_with("$KV.executions.");
        if self.is_dead() {
            return;
        }
        if is_counted {
            self.writes.fetch_add(1, Ordering::AcqRel);
        }
        self.ports.publish(ticket, message);
    }

    fn revoke(&mut self, ticket: Ticket, queue: &str, subject: &str) {
        self.ports.revoke(ticket, queue, subject);
    }

    fn look_up(&mut self, ticket: Ticket, bucket: Bucket, key: &str) {
        self.ports.look_up(ticket, bucket, key);
    }

    fn answer(&mut self, asker: Asker, answer: &Answer) {
        self.ports.answer(asker, answer);
    }

    fn tell(&mut self, execution: &str, notice: Bytes) {
        self.ports.tell(execution, notice);
    }

    fn read_from(&mut self, sequence: Sequence) -> impl Future<Output = Result<(), Failure>> + Send {
        self.ports.read_from(sequence)
    }

    fn publish_and_wait(&mut self, message: Message) -> impl Future<Output = Outcome> + Send {
        self.ports.publish_and_wait(message)
    }

    fn stored_at(&mut self, sequence: Sequence) -> impl Future<Output = Result<Option<Moment>, Failure>> + Send {
        self.ports.stored_at(sequence)
    }

    fn first_after(&mut self, time: Moment) -> impl Future<Output = Result<Option<Sequence>, Failure>> + Send {
        self.ports.first_after(time)
    }

    fn log_room(&mut self) -> impl Future<Output = Result<LogRoom, Failure>> + Send {
        self.ports.log_room()
    }

    fn purge_below(&mut self, sequence: Sequence) -> impl Future<Output = Result<(), Failure>> + Send {
        self.ports.purge_below(sequence)
    }

    fn queued(&mut self, tasks: &[(String, String)]) -> impl Future<Output = Result<Vec<bool>, Failure>> + Send {
        self.ports.queued(tasks)
    }

    fn snapshots(&mut self, from: Option<Sequence>) -> impl Future<Output = Result<Snapshots, Failure>> + Send {
        self.ports.snapshots(from)
    }

    fn value(
        &mut self,
        bucket: Bucket,
        key: &str,
    ) -> impl Future<Output = Result<Option<(Sequence, Bytes)>, Failure>> + Send {
        self.ports.value(bucket, key)
    }

    fn values(
        &mut self,
        bucket: Bucket,
        keys: &[String],
    ) -> impl Future<Output = Result<Vec<Option<(Sequence, Bytes)>>, Failure>> + Send {
        self.ports.values(bucket, keys)
    }

    fn message_room(&self) -> usize {
        self.ports.message_room()
    }

    fn pause(&mut self, time: Duration) -> impl Future<Output = ()> + Send {
        self.ports.pause(time)
    }

    fn holds_lease(&self) -> bool {
        !self.is_dead()
    }

    fn now(&self) -> Moment {
        self.ports.now()
    }

    fn boot(&self) -> Duration {
        self.ports.boot()
    }
}

/// Keeps what an operator should know.
#[derive(Clone, Default)]
struct Alarms(Arc<Mutex<Vec<String>>>);

impl Watcher for Alarms {
    fn recovered(&mut self, _took: Duration, _folded: u64, _states: usize) {}
    fn applied(&mut self, _sequence: Sequence, _time: Moment) {}
    fn states(&mut self, _count: usize) {}
    fn rejected(&mut self, _reason: &'static str, _detail: &str, _sequence: Sequence) {}
    fn retried(&mut self, _subject: &str, _why: &str) {}
    fn alarm(&mut self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

struct Large {
    site: Site,
    connection: Connection,
    totals: Totals,
    alarms: Alarms,
    given: u64,
}

impl Large {
    async fn start() -> Self {
        let (site, connection) = Site::installed().await;
        Self { site, connection, totals: Totals::default(), alarms: Alarms::default(), given: 0 }
    }

    /// One more is added, on the log.
    async fn add(&mut self) {
        self.given += 1;
        let outcome = self.connection.publish(&add(self.connection.names(), 0, "a", self.given)).await;
        assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    }

    fn expected(&self) -> u64 {
        self.given * (self.given + 1) / 2
    }

    fn has_all(&self) -> bool {
        self.totals.of(0, "a") == self.expected()
    }

    /// An owner that dies after so many writes, or when it is told to.
    async fn owner(
        &self,
        writes_left: usize,
        stop: &CancellationToken,
    ) -> (impl Future<Output = Halt> + use<>, Arc<AtomicUsize>) {
        let connection = self.site.connect().await;
        let ports = NatsPorts::open_log(connection, KIND, 0, Hold::default(), stop.clone()).await.unwrap();
        let writes = Arc::new(AtomicUsize::new(0));
        let ports = Mortal { ports, writes_left, writes: Arc::clone(&writes) };
        let trap = Arc::new(AtomicBool::new(false));
        let machine = Tally::new(0, self.totals.clone(), trap).of_bytes(STATE_BYTES);
        let settings = Settings {
            log: KIND,
            snapshot_after: Duration::from_millis(100),
            checkpoint_every: Duration::from_millis(50),
            ..Settings::new(0, self.connection.names().clone())
        };
        let mut owner = Owner::new(ports, machine, self.alarms.clone(), settings);
        (async move { owner.run().await }, writes)
    }

    /// Until everything is saved and the checkpoint has passed it.
    async fn save(&self) {
        let stop = CancellationToken::new();
        let (owner, _) = self.owner(usize::MAX, &stop).await;
        let owner = tokio::spawn(owner);
        eventually("all of it is folded and saved", async || {
            let head = self.connection.jetstream().get_stream("SCHEDULES_0").await.unwrap();
            self.has_all() && self.checkpoint().await.next > head.cached_info().state.last_sequence
        })
        .await;
        stop.cancel();
        assert_eq!(owner.await.unwrap(), Halt::Stopped);
    }

    async fn checkpoint(&self) -> Checkpoint {
        let there = self.connection.value(Bucket::Partitions, &KIND.checkpoint_key(0)).await.unwrap();
        there.map(|(_, json)| serde_json::from_slice(&json).unwrap()).unwrap_or_default()
    }

    /// The keys of parts.
    async fn parts(&self) -> Vec<String> {
        let mut keys = vec![];
        let bucket = self.connection.jetstream().get_key_value("executions").await.unwrap();
        let mut all = bucket.keys().await.unwrap();
        while let Some(key) = futures::StreamExt::next(&mut all).await {
            keys.extend(key.ok().filter(|key| key.starts_with(PART_PREFIX)));
        }
        keys
    }

    async fn sweep(&self) -> usize {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = Moment::from_millis(i64::try_from(since.as_millis()).unwrap());
        self.connection.sweep_payloads(1, false, now + Span::from_secs(2 * 3600)).await.unwrap().parts
    }
}

#[tokio::test]
async fn an_owner_may_die_at_every_stage_of_saving_what_does_not_fit_in_one_message() {
    let mut large = Large::start().await;
    for _ in 0..10 {
        large.add().await;
    }
    large.save().await;
    assert_eq!(large.parts().await.len(), PARTS);
    // Nothing but the snapshot knows of these any more.
    let mut ports = large.site.ports_of(KIND).await;
    ports.purge_below(large.checkpoint().await.next - 1).await.unwrap();

    // All parts, what names them, and the removal of those that were there before.
    for stage in 1..=2 * PARTS + 1 {
        large.add().await;
        let stop = CancellationToken::new();
        let (owner, writes) = large.owner(stage, &stop).await;
        let halt = tokio::time::timeout(Duration::from_secs(60), owner).await.expect("it comes so far");
        assert_eq!((halt, writes.load(Ordering::Acquire)), (Halt::LeaseLost, stage));
        assert!(large.has_all(), "stage {stage}: {} instead of {}", large.totals.of(0, "a"), large.expected());
    }
    large.add().await;
    large.save().await;
    assert!(large.has_all());
    assert_eq!(*large.alarms.0.lock().unwrap(), [] as [String; 0]);

    assert!(PARTS < large.parts().await.len(), "those who died left some");
    assert!(0 < large.sweep().await);
    assert_eq!(large.parts().await.len(), PARTS);
    large.add().await;
    large.save().await;
    assert_eq!((large.has_all(), large.parts().await.len()), (true, PARTS));
}

#[tokio::test]
async fn a_part_that_is_missing_or_wrong_is_told_and_nothing_is_made_of_the_rest() {
    for wrong in [None, Some("x".repeat(512 * 1024))] {
        let mut large = Large::start().await;
        large.add().await;
        large.save().await;
        let parts = large.parts().await;
        let bucket = large.connection.jetstream().get_key_value("executions").await.unwrap();
        let why = match wrong {
            None => {
                bucket.purge(&parts[1]).await.unwrap();
                "is missing"
            }
            Some(wrong) => {
                bucket.put(&parts[0], wrong.into()).await.unwrap();
                "are not those that were written"
            }
        };
        large.totals = Totals::default();
        let stop = CancellationToken::new();
        let (owner, _) = large.owner(usize::MAX, &stop).await;
        let owner = tokio::spawn(owner);
        eventually("it is told", async || large.alarms.0.lock().unwrap().iter().any(|what| what.contains(why))).await;
        stop.cancel();
        owner.await.unwrap();
        assert_eq!(large.totals.of(0, "a"), 0);
        assert!(!large.parts().await.is_empty(), "what is left is left for people");
    }
}
