//! Reading the log: in order, from anywhere, through everything that can happen to a reader.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::consumer::pull;
use futures::{StreamExt, TryStreamExt};
use sagaline_broker::{
    nats::{Connection, Hold, NatsPorts, boot},
    ports::{Asker, Event, Outcome, Ports},
};
use sagaline_events::ask::{Answer, Ask};
use tokio_util::sync::CancellationToken;

use crate::common::{Site, entries, entry, events_until, input, message, sequences, soon, store};

async fn consumers(connection: &Connection) -> Vec<String> {
    let log = connection.jetstream().get_stream("RUNS_0").await.unwrap();
    log.consumer_names().try_collect().await.unwrap()
}

fn why_lost(events: &[Event]) -> Option<&str> {
    events.iter().find_map(|event| match event {
        Event::ReaderLost(why) => Some(why.as_str()),
        _ => None,
    })
}

#[tokio::test]
async fn entries_come_in_order_with_their_time_and_content() {
    let (site, connection) = Site::installed().await;
    store(&connection, 0..3000).await;
    let mut ports = site.ports().await;
    ports.read_from(1001).await.unwrap();
    let entries = entries(&mut ports, 2000).await;
    assert_eq!(sequences(&entries), (1001..=3000).collect::<Vec<_>>());
    assert!(entries.windows(2).all(|pair| pair[0].time <= pair[1].time));
    assert_eq!(ports.stored_at(1001).await.unwrap(), Some(entries[0].time));
    let content = entries[0].content.as_ref().expect("a CloudEvent");
    assert_eq!((content.kind.as_str(), &content.data), ("sagaline.input.signal.v1", &entries[0].payload));
    assert!(entries[0].subject.starts_with("sagaline.run.0.order-") && entries[0].subject.ends_with(".in"));
}

#[tokio::test]
async fn new_entries_come_without_being_asked_for_again() {
    let (site, connection) = Site::installed().await;
    let mut ports = site.ports().await;
    ports.read_from(1).await.unwrap();
    for number in 0..30 {
        store(&connection, number..number + 1).await;
        assert_eq!(sequences(&entries(&mut ports, 1).await), [number + 1]);
    }
}

#[tokio::test]
async fn what_is_no_cloudevent_comes_with_the_reason() {
    let (site, connection) = Site::installed().await;
    connection.publish(&message("sagaline.run.0.a.in", "hello")).await;
    let mut ports = site.ports().await;
    ports.read_from(0).await.unwrap();
    let entry = entries(&mut ports, 1).await.remove(0);
    assert!(entry.content.expect_err("no CloudEvent").contains("no CloudEvent"));
    assert_eq!(entry.payload, "hello");
}

/// An owner that is not hungry keeps its place, also when that lasts longer than heartbeats may be missing.
#[tokio::test]
async fn nothing_comes_while_not_hungry_and_nothing_is_lost_by_it() {
    let (site, connection) = Site::installed().await;
    let mut ports = site.ports().await;
    ports.read_from(1).await.unwrap();
    store(&connection, 0..10).await;
    assert_eq!(sequences(&entries(&mut ports, 10).await), (1..=10).collect::<Vec<_>>());
    store(&connection, 10..1500).await;
    let mut events = vec![];
    let until = boot() + Duration::from_millis(2500);
    while boot() < until {
        ports.events(false, until, &mut events).await;
    }
    assert!(events.is_empty(), "{events:?}");
    assert_eq!(sequences(&entries(&mut ports, 1490).await), (11..=1500).collect::<Vec<_>>());
}

/// A quiet log: requests expire and are made again, and the reader neither ends nor goes deaf.
#[tokio::test]
async fn a_quiet_reader_hears_what_comes_after_its_request_expired() {
    let (site, connection) = Site::installed().await;
    let mut ports = site.ports().await;
    ports.read_from(1).await.unwrap();
    let mut events = vec![];
    let until = boot() + Duration::from_millis(10_600);
    while boot() < until {
        ports.events(true, until, &mut events).await;
    }
    assert!(events.is_empty(), "{events:?}");
    store(&connection, 0..1).await;
    assert_eq!(sequences(&entries(&mut ports, 1).await), [1]);
}

#[tokio::test]
async fn a_restart_of_the_server_ends_the_reader_and_a_new_one_goes_on_without_loss_or_repetition() {
    let (mut site, connection) = Site::installed().await;
    store(&connection, 0..2000).await;
    let mut ports = site.ports().await;
    ports.read_from(1).await.unwrap();
    let mut seen = sequences(&entries(&mut ports, 700).await);
    site.server.kill().await;
    site.server.restart().await;
    let rest = events_until(&mut ports, |events| why_lost(events).is_some()).await;
    // Nothing comes after the loss, whatever was on its way.
    assert!(matches!(rest.last(), Some(Event::ReaderLost(_))), "{:?}", rest.last());
    seen.extend(rest.into_iter().filter(|event| matches!(event, Event::Entry(_))).map(|event| entry(event).sequence));
    let mut more = vec![];
    ports.events(true, boot() + Duration::from_millis(300), &mut more).await;
    assert!(more.is_empty(), "{more:?}");

    let last = *seen.last().expect("700 and more");
    let reopened = async |ports: &mut NatsPorts| ports.read_from(last + 1).await.is_ok();
    while !reopened(&mut ports).await {}
    seen.extend(sequences(&entries(&mut ports, 2000 - seen.len()).await));
    assert_eq!(seen, (1..=2000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_consumer_that_an_operator_deletes_ends_the_reader_at_once() {
    let (site, connection) = Site::installed().await;
    store(&connection, 0..5).await;
    let mut ports = site.ports().await;
    ports.read_from(1).await.unwrap();
    entries(&mut ports, 5).await;
    let name = consumers(&connection).await.remove(0);
    connection.jetstream().get_stream("RUNS_0").await.unwrap().delete_consumer(&name).await.unwrap();
    let events = events_until(&mut ports, |events| !events.is_empty()).await;
    assert!(why_lost(&events).is_some_and(|why| why.contains("Consumer Deleted")), "{events:?}");
    ports.read_from(6).await.unwrap();
    store(&connection, 5..6).await;
    assert_eq!(sequences(&entries(&mut ports, 1).await), [6]);
}

/// The server is stopped, not killed: the connection stays open and says nothing.
#[tokio::test]
async fn a_server_that_falls_silent_ends_the_reader() {
    let (site, _connection) = Site::installed().await;
    let mut ports = site.ports().await;
    ports.read_from(1).await.unwrap();
    let mut events = vec![];
    ports.events(true, boot() + Duration::from_millis(700), &mut events).await;
    site.server.freeze();
    let begun = boot();
    let events = events_until(&mut ports, |events| !events.is_empty()).await;
    site.server.thaw();
    assert!(why_lost(&events).is_some_and(|why| why.contains("heartbeat")), "{events:?}");
    assert!(boot() - begun < Duration::from_secs(4), "{:?}", boot() - begun);
}

#[tokio::test]
async fn reading_anew_leaves_no_consumer_behind() {
    let (site, connection) = Site::installed().await;
    store(&connection, 0..5).await;
    let mut ports = site.ports().await;
    for from in [1, 3, 5, 2] {
        ports.read_from(from).await.unwrap();
        assert_eq!(entries(&mut ports, 1).await[0].sequence, from);
    }
    crate::common::eventually("one consumer is left", || async { consumers(&connection).await.len() == 1 }).await;
}

#[tokio::test]
async fn the_log_is_purged_below_and_found_by_time() {
    let (site, connection) = Site::installed().await;
    store(&connection, 0..50).await;
    let mut ports = site.ports().await;
    ports.read_from(1).await.unwrap();
    let entries = entries(&mut ports, 50).await;
    let before = sagaline_model::Moment::from_nanos(entries[0].time.as_nanos() - 1);
    assert_eq!(ports.first_after(before).await.unwrap(), Some(1));
    assert_eq!(ports.first_after(entries[49].time).await.unwrap(), None);
    let expected = entries.iter().find(|entry| entries[20].time < entry.time).map(|entry| entry.sequence);
    assert_eq!(ports.first_after(entries[20].time).await.unwrap(), expected);

    ports.purge_below(1).await.unwrap();
    assert_eq!(ports.stored_at(1).await.unwrap(), Some(entries[0].time));
    ports.purge_below(31).await.unwrap();
    assert_eq!(
        (ports.stored_at(30).await.unwrap(), ports.stored_at(31).await.unwrap()),
        (None, Some(entries[30].time))
    );
    assert_eq!(ports.first_after(before).await.unwrap(), Some(31));
    assert_eq!(ports.stored_at(51).await.unwrap(), None);
}

/// A jump is passed on as it is: whether it is a gap is for the owner to say.
#[tokio::test]
async fn deleted_messages_are_stepped_over() {
    let (site, connection) = Site::installed().await;
    store(&connection, 0..6).await;
    let log = connection.jetstream().get_stream("RUNS_0").await.unwrap();
    log.delete_message(3).await.unwrap();
    let mut ports = site.ports().await;
    ports.read_from(2).await.unwrap();
    assert_eq!(sequences(&entries(&mut ports, 4).await), [2, 4, 5, 6]);
}

#[tokio::test]
async fn a_question_is_answered_and_an_unreadable_one_is_refused() {
    let (site, connection) = Site::installed().await;
    let mut ports = site.ports().await;
    let ask = Ask::Get { execution: "order-1".parse().unwrap() };
    let request = |payload: Vec<u8>| {
        let client = connection.client().clone();
        tokio::spawn(async move { client.request("sagaline.ask.0", payload.into()).await.unwrap() })
    };
    let (asked, refused) = (request(serde_json::to_vec(&ask).unwrap()), request(b"?".to_vec()));
    let events = events_until(&mut ports, |events| !events.is_empty()).await;
    let Event::Asked(got, asker) = &events[0] else { panic!("{events:?}") };
    assert_eq!(*got, ask);
    ports.answer(asker.clone(), &Answer::Unknown);
    ports.answer(Asker("not a subject".into()), &Answer::Unknown);
    let mut none = vec![];
    while !(asked.is_finished() && refused.is_finished()) {
        ports.events(true, boot() + Duration::from_millis(20), &mut none).await;
    }
    let answer: Answer = serde_json::from_slice(&soon(asked).await.unwrap().payload).unwrap();
    assert_eq!(answer, Answer::Unknown);
    let answer: Answer = serde_json::from_slice(&soon(refused).await.unwrap().payload).unwrap();
    assert!(matches!(answer, Answer::Refused(_)), "{answer:?}");
}

#[tokio::test]
async fn workers_are_told_and_a_stop_comes_once() {
    let (site, connection) = Site::installed().await;
    let stop = CancellationToken::new();
    let mut ports = NatsPorts::open(site.connect().await, 0, Hold::default(), stop.clone()).await.unwrap();
    let mut told = connection.client().subscribe("sagaline.tell.*").await.unwrap();
    // An answer says that the server has read the subscription too.
    connection.client().request("$JS.API.INFO", "".into()).await.unwrap();
    ports.tell("order-1", "over".into());
    stop.cancel();
    let mut events = vec![];
    for _ in 0..3 {
        ports.events(true, boot() + Duration::from_millis(200), &mut events).await;
    }
    assert!(matches!(events.as_slice(), [Event::Stop]), "{events:?}");
    let notice = soon(told.next()).await.unwrap();
    assert_eq!((notice.subject.as_str(), &notice.payload[..]), ("sagaline.tell.order-1", &b"over"[..]));
}

/// Entries and outcomes of many publishes at once, on one connection.
#[tokio::test]
async fn reading_and_publishing_at_once_lose_nothing() {
    let (site, _connection) = Site::installed().await;
    let mut ports = site.ports().await;
    ports.read_from(1).await.unwrap();
    for ticket in 0..5000 {
        ports.publish(ticket, Arc::new(input(ticket)));
    }
    let events = events_until(&mut ports, |events| 10_000 <= events.len()).await;
    let (mut read, mut stored) = (vec![], vec![]);
    for event in events {
        match event {
            Event::Entry(entry) => read.push(entry.sequence),
            Event::Settled(_, Outcome::Stored { sequence, .. }) => stored.push(sequence),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((read, stored), ((1..=5000).collect(), (1..=5000).collect()));
}

/// Our reader uses a plain pull consumer: an operator sees it as such.
#[tokio::test]
async fn the_consumer_is_ephemeral_and_in_memory() {
    let (site, connection) = Site::installed().await;
    let mut ports = site.ports().await;
    ports.read_from(1).await.unwrap();
    let name = consumers(&connection).await.remove(0);
    let log = connection.jetstream().get_stream("RUNS_0").await.unwrap();
    let consumer = log.get_consumer::<pull::Config>(&name).await.unwrap();
    let config = &consumer.cached_info().config;
    assert!(config.memory_storage && config.durable_name.is_none(), "{config:?}");
    assert_eq!(config.inactive_threshold, Duration::from_secs(30));
}
