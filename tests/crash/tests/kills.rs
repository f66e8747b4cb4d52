//! One node of NATS, two services of each kind, a paced load, and a kill -9 every few seconds: everything completes, nothing is
//! lost, no finished step runs again, nothing hangs, and work goes on within five seconds.
//!
//! `SAGALINE_CRASH_SECONDS` sets how long each load lasts: 40 by default, 150 for the figures of docs/reliability.md.

use std::time::Duration;

use sagaline_crash::{Nodes, kills};

#[tokio::test(flavor = "multi_thread")]
async fn killed_orchestrators_lose_and_repeat_nothing() {
    println!("{}", kills::orchestrators(Nodes::One, 2).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_executors_lose_and_repeat_nothing() {
    println!("{}", kills::executors(Nodes::One, 2).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_nats_server_loses_and_repeats_nothing() {
    println!("{}", kills::nats_nodes(Nodes::One, 2, Duration::from_secs(12)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orchestrator_that_slept_repeats_nothing() {
    println!("{}", kills::sleeping_orchestrators(Nodes::One, 2).await);
}
