//! Services and nodes of NATS, a paced load, and a kill -9 every few seconds: everything completes, nothing is lost, no finished step
//! runs again, nothing hangs, and work goes on within five seconds.
//!
//! One node and two services of each kind; with `SAGALINE_TEST_NODES=3` three nodes, where every message is on disk before it is
//! acknowledged, and three services of each kind. `SAGALINE_CRASH_SECONDS` sets how long each load lasts: 40 by default; the figures
//! of docs/reliability.md are of longer ones.

use std::time::Duration;

use sagaline_crash::{Nodes, events, kills, limits, schedules};

/// How long all is well between two deaths of nodes of NATS: longer than work may stand still.
const HEALTHY: Duration = Duration::from_secs(6);

fn nodes() -> (Nodes, usize) {
    match Nodes::of_tests() {
        Nodes::One => (Nodes::One, 2),
        Nodes::Three => (Nodes::Three, 3),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_orchestrators_lose_and_repeat_nothing() {
    let (nodes, of_each) = nodes();
    println!("{}", kills::orchestrators(nodes, of_each).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_executors_lose_and_repeat_nothing() {
    let (nodes, of_each) = nodes();
    println!("{}", kills::executors(nodes, of_each).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_nats_server_loses_and_repeats_nothing() {
    let (nodes, of_each) = nodes();
    println!("{}", kills::nats_nodes(nodes, of_each, HEALTHY).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orchestrator_that_slept_repeats_nothing() {
    let (nodes, of_each) = nodes();
    println!("{}", kills::sleeping_orchestrators(nodes, of_each).await);
}

/// Services that are killed while they take back what was done.
#[tokio::test(flavor = "multi_thread")]
async fn every_order_that_failed_is_taken_back_whoever_is_killed() {
    let (nodes, of_each) = nodes();
    println!("{}", kills::failing_orders(nodes, of_each).await);
}

/// Triggers that are killed while events come in, each twice.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_starts_one_execution_whichever_trigger_is_killed() {
    println!("{}", events::killed_triggers(nodes().0).await);
}

/// Schedulers that are killed and put to sleep while schedules fire every second.
#[tokio::test(flavor = "multi_thread")]
async fn every_tick_fires_once_whichever_scheduler_is_killed() {
    println!("{}", schedules::killed_and_sleeping_schedulers(nodes().0).await);
}

/// Executors and orchestrators that are killed while rates and places hold back what begins.
#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_whoever_is_killed() {
    println!("{}", limits::killed_under_limits(nodes().0).await);
}

/// Services that are killed while executions wait for events.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_comes_once_to_whoever_waits_whoever_is_killed() {
    let (nodes, of_each) = nodes();
    println!("{}", kills::payments(nodes, of_each).await);
}

/// These are about a cluster, whatever else is tested on.
#[tokio::test(flavor = "multi_thread")]
async fn killed_leaders_of_a_cluster_lose_and_repeat_nothing() {
    println!("{}", kills::nats_nodes(Nodes::Three, 2, HEALTHY).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_killed_as_a_whole_loses_and_repeats_nothing() {
    println!("{}", kills::all_of_nats(Nodes::Three, 2, HEALTHY).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_replaced_under_load_without_a_pause() {
    println!("{}", kills::rolling_replacement(Nodes::Three, 2).await);
}
