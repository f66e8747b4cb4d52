#![expect(clippy::print_stdout, reason = "a test says what it measured")]

//! Several orchestrators as processes of their own share the partitions: each join, SIGTERM and kill -9, on a real NATS, under load.

mod load;
mod pauses;
mod site;

use std::time::{Duration, Instant};

use self::{
    load::Load,
    pauses::Pauses,
    site::{PARTITIONS, Site},
};

/// What was promised: shares are even again so soon after somebody came or went.
const EVEN_WITHIN: Duration = Duration::from_secs(10);
/// A partition that is handed over stands still for less than this, machines with much else to do included.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(2);
/// And that of a killed owner.
const TAKEOVER_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_shared_evenly_through_joins_leaves_and_kills_and_no_step_is_lost_or_repeated() {
    let mut site = Site::start(PARTITIONS).await;
    site.join();
    site.even_within(Instant::now(), EVEN_WITHIN).await;
    let load = Load::begin(&site).await;
    let pauses = Pauses::begin(&site);
    pauses.all_live().await;

    for count in [2, 3, 5] {
        let joined = Instant::now();
        while site.replicas.len() < count {
            site.join();
        }
        let even = site.even_within(joined, EVEN_WITHIN).await;
        pauses.all_live().await;
        let longest = pauses.longest(joined, Instant::now());
        println!("{count} replicas: even after {even:?}, a partition stood still for {longest:?} at most");
        assert!(longest <= HAND_OVER_WITHIN, "a partition that was handed over stood still for {longest:?}");
    }
    for (what, within) in [("SIGTERM", HAND_OVER_WITHIN), ("kill -9", TAKEOVER_WITHIN)] {
        let went = Instant::now();
        match what {
            "SIGTERM" => site.leave().await,
            _ => site.kill().await,
        }
        let even = site.even_within(went, EVEN_WITHIN).await;
        pauses.all_live().await;
        let longest = pauses.longest(went, Instant::now());
        println!("{what}: even after {even:?}, a partition stood still for {longest:?} at most");
        assert!(longest <= within, "after {what} a partition stood still for {longest:?}");
    }
    // Both at once, down to one.
    site.leave().await;
    site.kill().await;
    site.even_within(Instant::now(), EVEN_WITHIN).await;

    let report = load.end().await;
    println!("{} executions with {} steps, each step once", report.completed, report.steps);
    assert!(report.completed > 100, "there was a load: {}", report.completed);
    assert_eq!((report.lost, report.repeated), (vec![], vec![]));
    site.end().await;
}

/// More replicas than partitions: those who own nothing are ready, and take over when they must.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_without_a_partition_are_ready_and_take_over() {
    let mut site = Site::start(2).await;
    for _ in 0..5 {
        site.join();
    }
    site.even_within(Instant::now(), EVEN_WITHIN).await;
    for replica in &site.replicas {
        site::eventually_ready(replica).await;
    }
    let owners = site.owners().await;
    let owner = site.replicas.iter().position(|replica| owners.values().any(|holder| replica.is(holder)));
    site.kill_at(owner.expect("somebody owns")).await;
    site.even_within(Instant::now(), EVEN_WITHIN).await;
    let metrics = site.metrics().await;
    let owned: u32 = metrics.iter().map(|text| site::value(text, "sagaline_partitions_owned")).sum();
    assert_eq!(owned, 2, "what they say they own adds up");
    site.end().await;
}
