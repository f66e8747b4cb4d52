//! How long the log's reader is deaf when leaders change and nodes die.

use std::time::Duration;

use sagaline_broker::{
    nats::{Connection, NatsPorts, boot},
    ports::{Event, Message, Outcome, Ports, Sequence},
};
use tokio_util::sync::CancellationToken;

use super::step_down;
use crate::common::{LONG, Site, eventually, input};

/// Reads everything, as an owner does that begins anew behind what it has.
struct Reading {
    ports: NatsPorts,
    read: Vec<Sequence>,
    /// How often it had to begin anew.
    resets: u32,
}

impl Reading {
    async fn begin(site: &Site) -> Self {
        let mut ports = site.ports().await;
        ports.read_from(1).await.unwrap();
        Self { ports, read: vec![], resets: 0 }
    }

    /// Reads on until the entry `until` was read.
    async fn to(&mut self, until: Sequence) {
        let deadline = boot() + LONG;
        while self.read.last().is_none_or(|last| *last < until) {
            assert!(boot() < deadline, "read up to {:?}, not to {until}", self.read.last());
            self.what_comes().await;
        }
    }

    /// Reads what comes within a moment.
    async fn what_comes(&mut self) {
        let mut events = vec![];
        self.ports.events(true, boot() + Duration::from_millis(50), &mut events).await;
        for event in events {
            match event {
                Event::Entry(entry) => self.read.push(entry.sequence),
                Event::ReaderLost(_) => self.begin_anew().await,
                other => panic!("{other:?}"),
            }
        }
    }

    async fn begin_anew(&mut self) {
        self.resets += 1;
        let next = self.read.last().map_or(1, |last| last + 1);
        while self.ports.read_from(next).await.is_err() {
            self.ports.pause(Duration::from_millis(50)).await;
        }
    }

    fn is_whole(&self) {
        let last = *self.read.last().expect("something was read");
        assert_eq!(self.read, (1..=last).collect::<Vec<_>>());
    }
}

/// Publishes until it is stored: how long nobody would take it.
async fn stored_at_last(connection: &Connection, message: &Message) -> Sequence {
    let deadline = boot() + LONG;
    loop {
        assert!(boot() < deadline, "nobody takes it");
        // Nobody to answer is said at once; silence is not waited for.
        let publish = tokio::time::timeout(Duration::from_millis(500), connection.publish(message));
        match publish.await {
            Ok(Outcome::Stored { sequence, .. }) => return sequence,
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Kills a node. Once the log and the cluster have leaders again, which takes NATS up to nine seconds, the reader must soon hear.
async fn deaf_after_the_end_of(
    site: &mut Site,
    connection: &Connection,
    reading: &mut Reading,
    node: usize,
    number: u64,
) {
    site.server.nodes().node_mut(node).kill().await;
    let killed = boot();
    let sequence = stored_at_last(connection, &input(number)).await;
    let stored = boot() - killed;
    let cluster = site.server.nodes();
    let (heard, led) = tokio::join!(
        async {
            reading.to(sequence).await;
            boot() - killed
        },
        async {
            eventually("the cluster has a leader", async || {
                cluster.meta_leader().await.is_some_and(|leader| leader != node)
            })
            .await;
            boot() - killed
        },
    );
    let deaf = heard.saturating_sub(stored.max(led));
    eprintln!("node {node} killed: the log is led after {stored:?}, the cluster after {led:?}, heard after {heard:?}");
    // 1.5 s of silence are waited for; a consumer that is given to the dead node is tried again beside. All else is the machine's.
    assert!(deaf < Duration::from_secs(3), "deaf for {deaf:?}");
    site.server.nodes().node_mut(node).restart().await.unwrap();
    site.server.nodes().current().await.unwrap();
}

async fn consumer(connection: &Connection) -> String {
    let answer = connection.client().request("$JS.API.CONSUMER.NAMES.RUNS_0", "".into()).await.unwrap();
    let names: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
    names["consumers"][0].as_str().expect("the reader's consumer").to_owned()
}

#[tokio::test]
async fn the_reader_hears_again_soon_after_there_is_a_leader_whichever_node_dies() {
    let (mut site, connection) = Site::cluster().await;
    let mut reading = Reading::begin(&site).await;
    let first = stored_at_last(&connection, &input(0)).await;
    reading.to(first).await;
    // The node with the reader's consumer, the leader of the log, the leader of all, and whichever leads the log then.
    let name = consumer(&connection).await;
    let carrier = site.server.nodes().consumer_leader("RUNS_0", &name).await.expect("somebody has it");
    deaf_after_the_end_of(&mut site, &connection, &mut reading, carrier, 1).await;
    assert!(0 < reading.resets, "the consumer died with its node");
    for number in 2..4 {
        let leader = site.server.nodes().leader_of("RUNS_0").await.expect("somebody leads");
        deaf_after_the_end_of(&mut site, &connection, &mut reading, leader, number).await;
    }
    let meta = site.server.nodes().meta_leader().await.expect("somebody leads");
    deaf_after_the_end_of(&mut site, &connection, &mut reading, meta, 4).await;
    reading.is_whole();
}

#[tokio::test]
async fn leaders_that_change_while_it_reads_cost_no_entry_and_repeat_none() {
    let (site, connection) = Site::cluster().await;
    let mut reading = Reading::begin(&site).await;
    let stop = CancellationToken::new();
    let (stopping, elsewhere) = (stop.clone(), connection.clone());
    let changes = tokio::spawn(async move {
        let mut paced = tokio::time::interval(Duration::from_secs(1));
        while !stopping.is_cancelled() {
            paced.tick().await;
            step_down(&elsewhere, "STREAM.LEADER.STEPDOWN.RUNS_0").await;
        }
    });
    let writer = connection.clone();
    let written = tokio::spawn(async move {
        let mut last = 0;
        for number in 0..3000 {
            last = stored_at_last(&writer, &input(number)).await;
        }
        last
    });
    while !written.is_finished() {
        reading.what_comes().await;
    }
    reading.to(written.await.unwrap()).await;
    stop.cancel();
    changes.await.unwrap();
    reading.is_whole();
}
