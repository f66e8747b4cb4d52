//! The shell with a second machine, on logs of another kind: it shares, hands over, and survives what fails in a member.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use sagaline_broker::{
    names::{LogKind, Names},
    nats::{
        Connection, Lease, boot,
        shell::{Report, Service, Settings, look, run},
    },
    ports::{Bucket, Message, Outcome},
};
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    common::{Site, eventually, message, soon},
    tally::{Quiet, Tally, Totals, add},
};

const PARTITIONS: u32 = 4;
const LOG: LogKind = LogKind::Schedules;

/// A member of its own connection.
struct Member {
    totals: Totals,
    /// Reports, in a word each.
    said: Arc<Mutex<Vec<String>>>,
    /// While it is set, whatever reads an input of the key `trap` never comes back.
    trap: Arc<AtomicBool>,
    /// How many machines were asked for.
    begun: Arc<AtomicU32>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// What the shell gets.
struct Tallies {
    totals: Totals,
    said: Arc<Mutex<Vec<String>>>,
    trap: Arc<AtomicBool>,
    begun: Arc<AtomicU32>,
    breaks: bool,
}

impl Service for Tallies {
    type Machine = Tally;
    type Watcher = Quiet;

    const LOG: LogKind = LOG;

    fn machine(&self, names: Names, partition: u32) -> Tally {
        self.begun.fetch_add(1, Ordering::Relaxed);
        assert!(!self.breaks, "this member is made to break");
        drop(names);
        Tally::new(partition, self.totals.clone(), self.trap.clone())
    }

    fn watcher(&self, _partition: u32) -> Quiet {
        Quiet
    }

    fn report(&self, report: &Report<'_>) {
        let said = match report {
            Report::Hangs { partition } => format!("hangs {partition}"),
            Report::LetGo { partition, halt } => format!("let go {partition}: {halt}"),
            Report::Taken(_) | Report::Looked { .. } | Report::Blind(_) => return,
        };
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    }
}

impl Member {
    async fn join(site: &Site) -> Self {
        Self::join_as(site, false).await
    }

    async fn join_as(site: &Site, breaks: bool) -> Self {
        let connection = site.connect().await;
        let (totals, said, stop) = (Totals::default(), Arc::default(), CancellationToken::new());
        let (trap, begun) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let service = Tallies {
            totals: totals.clone(),
            said: Arc::clone(&said),
            trap: trap.clone(),
            begun: Arc::clone(&begun),
            breaks,
        };
        let settings = Settings { hangs_after: Duration::from_secs(2), ..Settings::new(site.server.url(), PARTITIONS) };
        let running = tokio::spawn(run(service, connection, settings, stop.clone()));
        Self { totals, said, trap, begun, stop, running }
    }

    async fn leave(self) {
        self.stop.cancel();
        soon(self.running).await.unwrap();
    }

    fn has_said(&self, word: &str) -> bool {
        self.said.lock().unwrap().iter().any(|said| said.starts_with(word))
    }
}

/// An installation with logs of more partitions than its own one.
async fn installed() -> (Site, Connection) {
    let (site, connection) = Site::installed().await;
    for partition in 1..PARTITIONS {
        let config = async_nats::jetstream::stream::Config {
            name: connection.names().log(LOG, partition),
            subjects: vec![connection.names().log_all(LOG, partition)],
            num_replicas: site.server.replicas(),
            allow_direct: true,
            ..Default::default()
        };
        connection.jetstream().create_stream(config).await.unwrap();
    }
    (site, connection)
}

/// How many partitions each holder has, most first.
async fn counts(connection: &Connection) -> Vec<usize> {
    let sight = look(connection, LOG, PARTITIONS).await.unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for holder in sight.holders.values() {
        *counts.entry(holder).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    counts
}

async fn eventually_held(connection: &Connection, wanted: &[usize]) {
    eventually(&format!("{wanted:?} partitions are held"), async || counts(connection).await == wanted).await;
}

async fn publish(connection: &Connection, message: &Message) {
    let outcome = connection.publish(message).await;
    assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
}

async fn eventually_total(member: &Member, partition: u32, key: &str, wanted: u64) {
    let total = || member.totals.of(partition, key);
    eventually(&format!("`{key}` of {partition} is {wanted}"), async || total() == wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_service_shares_its_partitions_and_hands_its_states_over() {
    let (site, connection) = installed().await;
    // Executions have leases and members of their own.
    let lease = Lease::acquire(&connection, LogKind::Runs, 0, "an-orchestrator").await.unwrap();
    let first = Member::join(&site).await;
    eventually_held(&connection, &[4]).await;
    for partition in 0..PARTITIONS {
        publish(&connection, &add(connection.names(), partition, "daily", 5)).await;
        eventually_total(&first, partition, "daily", 5).await;
    }
    let second = Member::join(&site).await;
    eventually_held(&connection, &[2, 2]).await;
    first.leave().await;
    eventually_held(&connection, &[4]).await;
    for partition in 0..PARTITIONS {
        publish(&connection, &add(connection.names(), partition, "daily", 2)).await;
        eventually_total(&second, partition, "daily", 7).await;
        let checkpoint = connection.value(Bucket::Partitions, &LOG.checkpoint_key(partition)).await.unwrap();
        assert!(checkpoint.is_some(), "the checkpoint of partition {partition} has a key of its own");
    }
    second.leave().await;
    eventually_held(&connection, &[]).await;
    assert!(lease.is_some(), "nobody had it");
    let runs = look(&connection, LogKind::Runs, 1).await.unwrap();
    assert!(runs.members.is_empty() && runs.holders.len() <= 1, "{runs:?}");
}

/// What an owner saved while it handed over is what the next one begins with: there is nothing left to fold again.
#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_was_handed_over_has_nothing_to_be_folded_again() {
    let (site, connection) = installed().await;
    let member = Member::join(&site).await;
    eventually_held(&connection, &[4]).await;
    for number in 0..200 {
        publish(&connection, &add(connection.names(), 0, &format!("key-{number}"), 1)).await;
    }
    eventually_total(&member, 0, "key-199", 1).await;
    member.leave().await;
    let checkpoint = connection.value(Bucket::Partitions, &LOG.checkpoint_key(0)).await.unwrap().expect("one").1;
    let checkpoint: serde_json::Value = serde_json::from_slice(&checkpoint).unwrap();
    let mut log = connection.jetstream().get_stream(connection.names().log(LOG, 0)).await.unwrap();
    let head = log.info().await.unwrap().state.last_sequence;
    assert_eq!(checkpoint["next"], head + 1, "{checkpoint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_hangs_is_replaced_and_does_no_harm_when_it_wakes() {
    let (site, connection) = installed().await;
    let member = Member::join(&site).await;
    eventually_held(&connection, &[4]).await;
    publish(&connection, &add(connection.names(), 1, "before", 1)).await;
    eventually_total(&member, 1, "before", 1).await;
    member.trap.store(true, Ordering::Release);
    publish(&connection, &add(connection.names(), 1, "trap", 1)).await;
    eventually("it is noticed", async || member.has_said("hangs 1")).await;
    // The next owner folds the same input, and this time nothing holds it.
    member.trap.store(false, Ordering::Release);
    publish(&connection, &add(connection.names(), 1, "after", 1)).await;
    eventually_total(&member, 1, "after", 1).await;
    assert_eq!((member.totals.of(1, "before"), member.totals.of(1, "trap")), (1, 1));
    // The one that woke found its lease lost: nobody is fenced, and everything goes on.
    publish(&connection, &add(connection.names(), 1, "after", 1)).await;
    eventually_total(&member, 1, "after", 2).await;
    eventually_held(&connection, &[4]).await;
    member.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_can_own_nothing_leaves_its_share_to_the_others() {
    let (site, connection) = installed().await;
    let broken = Member::join_as(&site, true).await;
    eventually("it tries", async || broken.begun.load(Ordering::Relaxed) > 0).await;
    let sound = Member::join(&site).await;
    for partition in 0..PARTITIONS {
        publish(&connection, &add(connection.names(), partition, "work", 1)).await;
        eventually_total(&sound, partition, "work", 1).await;
    }
    eventually("it is no member any more", async || {
        look(&connection, LOG, PARTITIONS).await.unwrap().members.len() == 1
    })
    .await;
    eventually_held(&connection, &[4]).await;
    broken.leave().await;
    sound.leave().await;
}

/// Somebody says that it is there, and takes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_is_taken_by_who_can() {
    let (site, connection) = installed().await;
    let subject = connection.names().key(Bucket::Partitions, &LOG.member_key("ghost"));
    let ghost =
        Message { ttl: Some(Duration::from_secs(60)), ..message(&subject, r#"{"joined":"2026-01-01T00:00:00Z"}"#) };
    publish(&connection, &ghost).await;
    let begun = boot();
    let member = Member::join(&site).await;
    eventually_held(&connection, &[2]).await;
    eventually_held(&connection, &[4]).await;
    assert!(boot() - begun > Duration::from_secs(2), "it gave the other some time");
    // And kept: it would be nobody's again otherwise.
    let kept_until = boot() + Duration::from_secs(2);
    while boot() < kept_until {
        assert_eq!(counts(&connection).await, [4]);
        sleep(Duration::from_millis(100)).await;
    }
    member.leave().await;
}
