//! What the tests share: a server in a folder of its own, the ports of its partition 0, and waiting with a deadline.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sagaline_broker::{
    names::LogKind,
    nats::{Connection, Hold, Installation, NatsPorts, boot, connect},
    ports::{Entry, Event, Message, Outcome, Ports, Sequence},
};
use sagaline_server::ServerOptions;
pub(crate) use sagaline_testkit::site::{LONG, eventually, soon};
use sagaline_testkit::site::{Nats, nodes};
use tokio_util::sync::CancellationToken;

/// A NATS with what is left of it to the tests.
pub(crate) struct Site {
    pub(crate) server: Nats,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self { server: Nats::start("broker").await }
    }

    pub(crate) async fn single_with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        Self { server: Nats::single_with("broker", change).await }
    }

    /// Three nodes, whatever the environment says, and an installation with a copy on each.
    pub(crate) async fn cluster() -> (Self, Connection) {
        let site = Self { server: Nats::cluster("broker").await };
        let connection = site.connect().await;
        Installation { replicas: 3, ..small() }.ensure(&connection).await.unwrap();
        (site, connection)
    }

    pub(crate) async fn connect(&self) -> Connection {
        connect(&self.server.url(), "sagaline", "test").await.unwrap()
    }

    /// A NATS with a small installation, and a connection to it.
    pub(crate) async fn installed() -> (Self, Connection) {
        let site = Self::start().await;
        let connection = site.connect().await;
        small().ensure(&connection).await.unwrap();
        (site, connection)
    }

    pub(crate) async fn ports(&self) -> NatsPorts {
        self.ports_of(LogKind::Runs).await
    }

    pub(crate) async fn ports_of(&self, kind: LogKind) -> NatsPorts {
        let stop = CancellationToken::new();
        NatsPorts::open_log(self.connect().await, kind, 0, Hold::default(), stop).await.unwrap()
    }
}

pub(crate) fn small() -> Installation {
    let replicas = nodes();
    Installation { partitions: 1, replicas, dedup_window: Duration::from_secs(5), ..Installation::default() }
}

pub(crate) fn message(subject: &str, payload: impl Into<Bytes>) -> Message {
    Message {
        subject: subject.into(),
        expected: None,
        msg_id: None,
        ttl: None,
        headers: vec![],
        payload: payload.into(),
    }
}

/// An input as a client would publish it.
pub(crate) fn input(number: u64) -> Message {
    let headers = vec![
        ("ce-specversion", "1.0".into()),
        ("ce-id", format!("in-{number}")),
        ("ce-source", "/test".into()),
        ("ce-type", "sagaline.input.signal.v1".into()),
        ("ce-time", "2026-11-20T06:00:00Z".into()),
    ];
    Message {
        headers,
        ..message(&format!("sagaline.run.0.order-{number}.in"), format!(r#"{{"name":"go","data":{number}}}"#))
    }
}

/// Collects events until `enough`, failing when that takes too long.
pub(crate) async fn events_until(ports: &mut NatsPorts, mut enough: impl FnMut(&[Event]) -> bool) -> Vec<Event> {
    let deadline = boot() + LONG;
    let mut events = vec![];
    while !enough(&events) {
        assert!(boot() < deadline, "only {} events came, the last {:?}", events.len(), events.last());
        ports.events(true, deadline, &mut events).await;
    }
    events
}

pub(crate) async fn entries(ports: &mut NatsPorts, count: usize) -> Vec<Entry> {
    let events = events_until(ports, |events| count <= events.len()).await;
    events.into_iter().map(entry).collect()
}

pub(crate) fn entry(event: Event) -> Entry {
    match event {
        Event::Entry(entry) => entry,
        other => panic!("not an entry: {other:?}"),
    }
}

pub(crate) fn sequences(entries: &[Entry]) -> Vec<Sequence> {
    entries.iter().map(|entry| entry.sequence).collect()
}

/// The outcomes of the tickets 0 to `count`, in their order.
pub(crate) async fn outcomes(ports: &mut NatsPorts, count: usize) -> Vec<Outcome> {
    let settled = |event: &Event| matches!(event, Event::Settled(..));
    let events = events_until(ports, |events| count <= events.iter().filter(|event| settled(event)).count()).await;
    let mut outcomes: Vec<_> = events
        .into_iter()
        .filter_map(|event| match event {
            Event::Settled(ticket, outcome) => Some((ticket, outcome)),
            _ => None,
        })
        .collect();
    outcomes.sort_by_key(|(ticket, _)| *ticket);
    let tickets: Vec<_> = outcomes.iter().map(|(ticket, _)| *ticket).collect();
    assert_eq!(tickets, (0..count as u64).collect::<Vec<_>>(), "each settles once");
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Publishes the inputs `numbers` and waits until they are stored.
pub(crate) async fn store(connection: &Connection, numbers: std::ops::Range<u64>) {
    let publishes = numbers.map(|number| {
        let connection = connection.clone();
        async move { connection.publish(&input(number)).await }
    });
    for outcome in futures::future::join_all(publishes).await {
        assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    }
}

pub(crate) fn publish_all(ports: &mut NatsPorts, messages: impl IntoIterator<Item = Message>) -> usize {
    let mut count = 0;
    for message in messages {
        ports.publish(count as u64, Arc::new(message));
        count += 1;
    }
    count
}
