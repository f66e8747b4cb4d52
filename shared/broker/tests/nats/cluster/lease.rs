//! A lease outlives changes of its bucket's leader, or is lost to the clock; two never hold it at a time.

use std::time::Duration;

use sagaline_broker::{
    names::LogKind,
    nats::{Connection, Lease, boot},
};
use tokio::time::interval;

use super::step_down;
use crate::common::Site;

async fn take(connection: &Connection, owner: &str) -> Option<Lease> {
    Lease::acquire(connection, LogKind::Runs, 0, owner).await.ok().flatten()
}

/// One who wants the lease: renews it, or tries for it.
struct Contender {
    connection: Connection,
    name: &'static str,
    lease: Option<Lease>,
}

impl Contender {
    async fn go_on(&mut self) {
        self.lease = match self.lease.take() {
            // An error leaves it as it was, for as long as the clock says.
            Some(mut lease) => match lease.renew().await {
                Ok(true) => Some(lease),
                Ok(false) => None,
                Err(_) => Some(lease).filter(|lease| lease.held(boot())),
            },
            None => take(&self.connection, self.name).await,
        };
    }

    fn holds(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.held(boot()))
    }
}

/// An election takes up to nine seconds, longer than a lease lasts.
#[tokio::test]
async fn through_changes_of_leader_a_lease_is_never_held_by_two_and_is_held_again() {
    let (site, connection) = Site::cluster().await;
    let contender = async |name| Contender { connection: site.connect().await, name, lease: None };
    let mut both = [contender("a").await, contender("b").await];
    let (mut paced, mut held) = (interval(Duration::from_millis(500)), 0);
    for round in 0..40 {
        paced.tick().await;
        if round % 10 == 5 {
            step_down(&connection, "STREAM.LEADER.STEPDOWN.KV_partitions").await;
        }
        let [a, b] = &mut both;
        tokio::join!(a.go_on(), b.go_on());
        assert!(!(a.holds() && b.holds()), "round {round}");
        held += u32::from(a.holds() || b.holds());
    }
    assert!(5 < held, "held in {held} rounds of 40");
}

#[tokio::test]
async fn of_many_who_race_for_a_lease_on_three_nodes_one_takes_it() {
    let (_site, connection) = Site::cluster().await;
    for round in 0..10 {
        let owners: Vec<String> = (0..4).map(|owner| format!("{owner}-{round}")).collect();
        let taken = futures::future::join_all(owners.iter().map(|owner| take(&connection, owner))).await;
        let mut held: Vec<Lease> = taken.into_iter().flatten().collect();
        assert_eq!(held.len(), 1, "round {round}");
        held.remove(0).release().await.unwrap();
    }
}
