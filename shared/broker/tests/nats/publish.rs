//! Publishing many at a time, and every way in which that ends.

use std::{sync::Arc, time::Duration};

use sagaline_broker::{
    names::LogKind,
    nats::boot,
    ports::{Bucket, Event, Message, Outcome, Ports},
    rejected,
};
use sagaline_testkit::site::nodes;

use crate::common::{Site, entries, events_until, input, message, outcomes, publish_all};

const TASK: &str = "sagaline.queue.default.pay.order-1.charge.1";

#[tokio::test]
async fn every_publish_settles_once_and_says_how() {
    let (site, _connection) = Site::installed().await;
    let mut ports = site.ports().await;
    let first = Message { expected: Some(0), ..input(1) };
    let task = Message { msg_id: Some("t-1".into()), ..message(TASK, "{}") };
    let count = publish_all(
        &mut ports,
        [
            first.clone(),
            first,
            task.clone(),
            task,
            message("sagaline.run.0.big.in", vec![b'x'; 2 << 20]),
            message("sagaline.run.99.nobody.in", "{}"),
            message("with space", "{}"),
            Message { headers: vec![("ce-id", "two\nlines".into())], ..input(2) },
            Message { ttl: Some(Duration::from_secs(5)), ..input(3) },
        ],
    );
    let outcomes = outcomes(&mut ports, count).await;
    assert_eq!(outcomes[0], Outcome::Stored { sequence: 1, duplicate: false });
    // On a cluster what is in flight at the same time meets.
    let met = |outcome: &Outcome| 1 < nodes() && *outcome == Outcome::Contended;
    assert!(met(&outcomes[1]) || outcomes[1] == Outcome::Conflict { last: Some(1) }, "{:?}", outcomes[1]);
    assert_eq!(outcomes[2], Outcome::Stored { sequence: 1, duplicate: false });
    let known = Outcome::Stored { sequence: 1, duplicate: true };
    assert!(met(&outcomes[3]) || outcomes[3] == known, "{:?}", outcomes[3]);
    assert!(matches!(&outcomes[4], Outcome::Refused(why) if why.contains("size")), "{:?}", outcomes[4]);
    assert!(matches!(&outcomes[5], Outcome::Unknown(why) if why.contains("no stream")), "{:?}", outcomes[5]);
    assert!(matches!(&outcomes[6], Outcome::Refused(_)), "{:?}", outcomes[6]);
    assert!(matches!(&outcomes[7], Outcome::Refused(_)), "{:?}", outcomes[7]);
    assert!(matches!(&outcomes[8], Outcome::Refused(why) if why.contains("TTL")), "{:?}", outcomes[8]);
}

#[tokio::test]
async fn thousands_in_flight_all_settle_in_the_order_of_the_log() {
    let (site, _connection) = Site::installed().await;
    let mut ports = site.ports().await;
    // More than the connection takes at once, and so few that a machine with much else to do answers each before it is given up.
    let count = publish_all(&mut ports, (0..5_000).map(input));
    for (outcome, sequence) in outcomes(&mut ports, count).await.into_iter().zip(1..) {
        assert_eq!(outcome, Outcome::Stored { sequence, duplicate: false });
    }
}

#[tokio::test]
async fn publishing_one_and_waiting_gives_the_same_outcomes() {
    let (site, _connection) = Site::installed().await;
    let mut ports = site.ports().await;
    let first = Message { expected: Some(0), ..input(1) };
    assert_eq!(ports.publish_and_wait(first.clone()).await, Outcome::Stored { sequence: 1, duplicate: false });
    assert_eq!(ports.publish_and_wait(first).await, Outcome::Conflict { last: Some(1) });
    let big = ports.publish_and_wait(message("sagaline.run.0.big.in", vec![b'x'; 2 << 20])).await;
    assert!(matches!(big, Outcome::Refused(_)), "{big:?}");
    let nobody = ports.publish_and_wait(message("sagaline.run.99.nobody.in", "{}")).await;
    assert!(matches!(nobody, Outcome::Unknown(_)), "{nobody:?}");
}

#[tokio::test]
async fn a_full_stream_says_so_and_takes_more_after_a_purge() {
    let (site, connection) = Site::installed().await;
    let mut small = connection.jetstream().get_stream("RUNS_0").await.unwrap().cached_info().config.clone();
    small.max_bytes = 4096;
    connection.jetstream().update_stream(small).await.unwrap();
    let mut ports = site.ports().await;
    let large = || message("sagaline.run.0.a.in", vec![b'x'; 1500]);
    let count = publish_all(&mut ports, [large(), large(), large()]);
    let outcomes = outcomes(&mut ports, count).await;
    assert!(matches!(&outcomes[2], Outcome::Full(why) if why.contains("maximum bytes")), "{outcomes:?}");
    ports.purge_below(3).await.unwrap();
    assert!(matches!(ports.publish_and_wait(large()).await, Outcome::Stored { .. }));
}

#[tokio::test]
async fn what_is_in_flight_when_the_server_dies_becomes_unknown_and_what_comes_after_is_stored() {
    let (mut site, _connection) = Site::installed().await;
    let mut ports = site.ports().await;
    site.server.kill().await;
    ports.publish(0, Arc::new(input(1)));
    let settled = events_until(&mut ports, |events| !events.is_empty()).await;
    assert!(matches!(&settled[0], Event::Settled(0, Outcome::Unknown(_))), "{settled:?}");
    site.server.restart().await;
    ports.publish(1, Arc::new(input(2)));
    let settled = events_until(&mut ports, |events| !events.is_empty()).await;
    assert!(matches!(&settled[0], Event::Settled(1, Outcome::Stored { .. })), "{settled:?}");
}

#[tokio::test]
async fn a_revoked_task_is_gone_and_revoking_again_is_harmless() {
    let (site, connection) = Site::installed().await;
    let mut ports = site.ports().await;
    assert!(matches!(ports.publish_and_wait(message(TASK, "{}")).await, Outcome::Stored { .. }));
    assert_eq!(ports.queued(&[("default".into(), TASK.into())]).await.unwrap(), [true]);
    for ticket in 0..3 {
        ports.revoke(ticket, "default", TASK);
    }
    ports.revoke(3, "default", "sagaline.queue.default.pay.never.charge.1");
    assert_eq!(outcomes(&mut ports, 4).await, vec![Outcome::Gone; 4]);
    assert_eq!(ports.queued(&[("default".into(), TASK.into())]).await.unwrap(), [false]);
    assert_eq!(connection.jetstream().get_stream("QUEUE_default").await.unwrap().cached_info().state.messages, 0);
    ports.revoke(4, "absent", TASK);
    let settled = events_until(&mut ports, |events| !events.is_empty()).await;
    assert!(matches!(&settled[0], Event::Settled(4, Outcome::Unknown(_))), "{settled:?}");
}

#[tokio::test]
async fn a_look_up_finds_values_and_no_markers() {
    let (site, connection) = Site::installed().await;
    let definitions = connection.jetstream().get_key_value("definitions").await.unwrap();
    definitions.put("orders.1", "{\"plan\":1}".into()).await.unwrap();
    definitions.put("orders.2", "x".into()).await.unwrap();
    definitions.delete("orders.2").await.unwrap();
    let mut ports = site.ports().await;
    for (ticket, key) in [(0, "orders.1"), (1, "orders.2"), (2, "orders.3")] {
        ports.look_up(ticket, Bucket::Definitions, key);
    }
    let expected = [Some((1, "{\"plan\":1}".into())), None, None];
    assert_eq!(outcomes(&mut ports, 3).await, expected.clone().map(Outcome::Found));
    let keys = ["orders.1", "orders.2", "orders.3"].map(str::to_owned);
    assert_eq!(ports.values(Bucket::Definitions, &keys).await.unwrap(), expected);
    assert_eq!(ports.value(Bucket::Definitions, "orders.1").await.unwrap(), expected[0]);
}

#[tokio::test]
async fn waiting_ends_when_the_boot_clock_says_so() {
    let (site, _connection) = Site::installed().await;
    let mut ports = site.ports().await;
    let (begun, mut events) = (boot(), vec![]);
    ports.events(true, begun + Duration::from_millis(120), &mut events).await;
    let took = boot() - begun;
    assert!(events.is_empty() && Duration::from_millis(120) <= took, "{events:?} after {took:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// The future is dropped at every point of waiting; no outcome may go with it.
#[tokio::test]
async fn a_dropped_wait_loses_nothing() {
    let (site, _connection) = Site::installed().await;
    let mut ports = site.ports().await;
    let mut events = vec![];
    let deadline = boot() + crate::common::LONG;
    for ticket in 0..500 {
        ports.publish(ticket, Arc::new(input(ticket)));
        let wait = ports.events(true, deadline, &mut events);
        let _elapsed = tokio::time::timeout(Duration::from_micros(ticket % 50), wait).await;
    }
    while events.len() < 500 {
        assert!(boot() < deadline, "only {} outcomes", events.len());
        ports.events(true, deadline, &mut events).await;
    }
    let stored = |event: &Event| matches!(event, Event::Settled(_, Outcome::Stored { .. }));
    assert!(events.iter().all(stored), "{events:?}");
}

#[tokio::test]
async fn a_rejected_message_is_set_aside_once_with_its_original_bytes() {
    let (site, connection) = Site::installed().await;
    connection.publish(&message("sagaline.run.0.a.in", "not an event")).await;
    let mut ports = site.ports().await;
    ports.read_from(1).await.unwrap();
    let entry = entries(&mut ports, 1).await.remove(0);
    let why = entry.content.clone().expect_err("no CloudEvent");
    let rejected = rejected(connection.names(), LogKind::Runs, 0, &entry, "not_a_cloudevent", &why);
    assert_eq!(ports.publish_and_wait(rejected.clone()).await, Outcome::Stored { sequence: 1, duplicate: false });
    assert_eq!(ports.publish_and_wait(rejected).await, Outcome::Stored { sequence: 1, duplicate: true });
    let stored = connection.jetstream().get_stream("REJECTED").await.unwrap().get_raw_message(1).await.unwrap();
    assert_eq!((stored.subject.as_str(), &stored.payload), ("sagaline.rejected.not_a_cloudevent", &entry.payload));
    assert_eq!(stored.headers.get("Sagaline-Reason").map(|reason| reason.as_str()), Some(why.as_str()));
}
