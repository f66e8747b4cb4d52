//! The lease of a partition: one at a time, for as long as it is renewed.

use std::time::Duration;

use sagaline_broker::{
    names::LogKind,
    nats::{Connection, LEASE_TTL, Lease, boot},
    ports::Bucket,
};

use tokio::time::interval;

use crate::common::{Site, eventually};

async fn take(connection: &Connection, owner: &str) -> Option<Lease> {
    Lease::acquire(connection, LogKind::Runs, 0, owner).await.unwrap()
}

/// Whether the lease, as stored, ends by itself.
async fn has_ttl(connection: &Connection) -> bool {
    let stream = connection.jetstream().get_stream("KV_partitions").await.unwrap();
    let stored = stream.get_last_raw_message_by_subject("$KV.partitions.lease.0").await.unwrap();
    stored.headers.get("Nats-TTL").is_some()
}

#[tokio::test]
async fn of_many_who_race_one_takes_it() {
    let (_site, connection) = Site::installed().await;
    for round in 0..20 {
        let owners: Vec<String> = (0..4).map(|owner| format!("{owner}-{round}")).collect();
        let taken = futures::future::join_all(owners.iter().map(|owner| take(&connection, owner))).await;
        let mut held: Vec<Lease> = taken.into_iter().flatten().collect();
        assert_eq!(held.len(), 1, "round {round}");
        // The marker that this leaves is taken over by the next round.
        held.remove(0).release().await.unwrap();
    }
}

#[tokio::test]
async fn a_renewed_lease_stays_and_an_expired_one_is_taken_over_with_its_ttl_intact() {
    let (_site, connection) = Site::installed().await;
    let mut first = take(&connection, "a").await.expect("free");
    let (renewals, mut paced) = (boot() + LEASE_TTL + Duration::from_secs(1), interval(Duration::from_millis(500)));
    while boot() < renewals {
        paced.tick().await;
        assert!(first.renew().await.unwrap());
        assert!(take(&connection, "b").await.is_none());
    }
    assert!(first.held(boot()) && first.hold().held(boot()));

    let expiry = boot();
    eventually("it expires and is taken over", || async { take(&connection, "b").await.is_some() }).await;
    assert!(Duration::from_secs(2) < boot() - expiry, "{:?}", boot() - expiry);
    assert!(!first.held(boot()), "lost by the clock before anyone else has it");
    assert!(!first.renew().await.unwrap(), "it is somebody else's");
    assert!(has_ttl(&connection).await);
    eventually("the second expires too", || async { take(&connection, "c").await.is_some() }).await;
    let third = take(&connection, "c").await.expect("the same owner, whose first answer was dropped");
    assert!(third.held(boot()));
}

#[tokio::test]
async fn a_released_lease_is_free_at_once_and_the_next_one_expires_as_it_should() {
    let (_site, connection) = Site::installed().await;
    let first = take(&connection, "a").await.expect("free");
    let hold = first.hold();
    assert!(hold.held(boot()));
    first.release().await.unwrap();
    assert!(!hold.held(boot()));
    let second = take(&connection, "b").await.expect("free");
    assert!(has_ttl(&connection).await, "taken over from a marker");
    drop(second);
    eventually("it expires", || async { take(&connection, "c").await.is_some() }).await;
}

/// The answer to a renewal is lost, so its revision is not known: it goes on from what is stored.
#[tokio::test]
async fn a_renewal_whose_answer_was_lost_does_not_cost_the_lease() {
    let (_site, connection) = Site::installed().await;
    let mut lease = take(&connection, "a").await.expect("free");
    let (_, value) = connection.value(Bucket::Partitions, "lease.0").await.unwrap().expect("stored");
    let again = crate::common::message("$KV.partitions.lease.0", value);
    let stored = connection.publish(&again).await;
    assert!(lease.renew().await.unwrap(), "{stored:?}");
    assert!(has_ttl(&connection).await);
}

#[tokio::test]
async fn a_lease_that_somebody_else_overwrote_is_not_renewed() {
    let (_site, connection) = Site::installed().await;
    let mut lease = take(&connection, "a").await.expect("free");
    connection.publish(&crate::common::message("$KV.partitions.lease.0", "{\"owner\":\"x\"")).await;
    assert!(!lease.renew().await.unwrap());
    assert!(!lease.held(boot()));
    assert!(take(&connection, "b").await.is_some(), "what cannot be read holds nothing");
}

#[tokio::test]
async fn without_a_server_nothing_is_known_and_time_takes_the_lease() {
    let (mut site, connection) = Site::installed().await;
    let mut lease = take(&connection, "a").await.expect("free");
    site.server.kill().await;
    let begun = boot();
    assert!(lease.renew().await.is_err());
    assert!(boot() - begun < LEASE_TTL / 2, "there is time for another try");
    assert!(lease.held(boot()));
    eventually("it is over by the clock", || async { !lease.held(boot()) }).await;
    assert!(boot() - begun < LEASE_TTL);
}
