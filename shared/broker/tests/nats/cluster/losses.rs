//! Answers that are lost and leaders that go while much is in flight: everything is stored once all the same.

use std::{collections::BTreeSet, time::Duration};

use sagaline_broker::{
    nats::{Connection, Hold, NatsPorts, connect},
    ports::Message,
};
use sagaline_testkit::site::Proxy;
use tokio_util::sync::CancellationToken;

use super::{step_down, store_as_an_owner};
use crate::common::{Site, eventually, input};

fn starts(count: u64) -> Vec<Message> {
    (0..count).map(|number| Message { expected: Some(0), ..input(number) }).collect()
}

/// Each subject has one message.
async fn all_are_stored_once(connection: &Connection, count: u64) {
    let mut state = None;
    // A leader that is about to be elected does not answer.
    eventually("the log has a leader", async || {
        state = connection.jetstream().get_stream("RUNS_0").await.ok().map(|log| log.cached_info().state.clone());
        state.is_some()
    })
    .await;
    let state = state.expect("just looked");
    assert_eq!((state.messages, state.subjects_count), (count, count));
}

#[tokio::test]
async fn what_was_stored_without_an_answer_is_not_stored_again() {
    let (mut site, connection) = Site::cluster().await;
    let proxy = Proxy::start(site.server.port()).await;
    let client = connect(&proxy.url(), "sagaline", "test").await.unwrap();
    let mut ports = NatsPorts::open(client, 0, Hold::default(), CancellationToken::new()).await.unwrap();
    let mut lost = BTreeSet::new();
    let repeated = store_as_an_owner(&mut ports, starts(6000), 1000, async |settled| {
        if 2000 < settled && lost.insert(1) {
            proxy.lose_answers();
        }
    })
    .await;
    assert!(0 < repeated, "no answer was lost");
    all_are_stored_once(&connection, 6000).await;
    site.server.stop().await;
}

#[tokio::test]
async fn a_leader_killed_with_publishes_in_flight_loses_none_and_doubles_none() {
    let (mut site, connection) = Site::cluster().await;
    let mut ports = site.ports().await;
    let mut kills = 0;
    let repeated = store_as_an_owner(&mut ports, starts(12_000), 1000, async |settled| {
        if kills < 3 && 3000 * (kills + 1) < settled {
            kills += 1;
            let cluster = site.server.nodes();
            if let Some(leader) = cluster.leader_of("RUNS_0").await {
                cluster.node_mut(leader).kill().await;
                cluster.node_mut(leader).restart().await.unwrap();
            }
        }
    })
    .await;
    assert!(0 < repeated, "nothing was in flight");
    site.server.nodes().current().await.unwrap();
    all_are_stored_once(&connection, 12_000).await;
}

#[tokio::test]
async fn leaders_that_change_under_load_lose_none_and_double_none() {
    let (site, connection) = Site::cluster().await;
    let mut ports = site.ports().await;
    let stop = CancellationToken::new();
    let (stopping, elsewhere) = (stop.clone(), connection.clone());
    let changes = tokio::spawn(async move {
        let mut paced = tokio::time::interval(Duration::from_secs(1));
        while !stopping.is_cancelled() {
            paced.tick().await;
            step_down(&elsewhere, "STREAM.LEADER.STEPDOWN.RUNS_0").await;
        }
    });
    store_as_an_owner(&mut ports, starts(20_000), 1000, async |_| ()).await;
    stop.cancel();
    changes.await.unwrap();
    all_are_stored_once(&connection, 20_000).await;
}
