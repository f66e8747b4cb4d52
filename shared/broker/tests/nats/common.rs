//! What the tests share: a server in a folder of its own, the ports of its partition 0, and waiting with a deadline.

use std::{
    path::PathBuf,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use sagaline_broker::{
    nats::{Connection, Hold, Installation, NatsPorts, boot, connect},
    ports::{Entry, Event, Message, Outcome, Ports, Sequence},
};
use sagaline_server::{Binary, Finder, Server, ServerOptions};
use tokio_util::sync::CancellationToken;

/// Long enough for a machine with much else to do.
pub(crate) const LONG: Duration = Duration::from_secs(60);

static BINARY: LazyLock<Binary> =
    LazyLock::new(|| Finder::from_env().find_or_install(|doing| eprintln!("{doing}")).unwrap());

/// A server that goes away with its folder, in this order.
pub(crate) struct Site {
    pub(crate) server: Server,
    _folder: Folder,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("`{}` stays: {error}", self.0.display());
        }
    }
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("broker-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(unique);
        let mut options = ServerOptions::new(BINARY.clone(), &folder);
        change(&mut options);
        Self { server: Server::start(options).await.unwrap(), _folder: Folder(folder) }
    }

    pub(crate) async fn connect(&self) -> Connection {
        connect(&self.server.url(), "sagaline", "test").await.unwrap()
    }

    /// A server with a small installation, and a connection to it.
    pub(crate) async fn installed() -> (Self, Connection) {
        let site = Self::start().await;
        let connection = site.connect().await;
        small().ensure(&connection).await.unwrap();
        (site, connection)
    }

    pub(crate) async fn ports(&self) -> NatsPorts {
        NatsPorts::open(self.connect().await, 0, Hold::default(), CancellationToken::new()).await.unwrap()
    }
}

pub(crate) fn small() -> Installation {
    Installation { partitions: 1, dedup_window: Duration::from_secs(5), ..Installation::default() }
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

/// The value of a future that must come in time.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("it comes in time")
}

/// Waits until `true`, failing when that takes too long.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = boot() + LONG;
    while !holds().await {
        assert!(boot() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
