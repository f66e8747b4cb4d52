//! The same on three nodes with every message on disk before it is acknowledged, and three services of each kind; nodes of NATS die
//! too, the leader first, and everything is replaced one after the other as for a newer version.

use std::time::Duration;

use sagaline_crash::{Nodes, kills};

/// How long all is well between two deaths of nodes of NATS: longer than work may stand still.
const HEALTHY: Duration = Duration::from_secs(7);

#[tokio::test(flavor = "multi_thread")]
async fn killed_orchestrators_lose_and_repeat_nothing() {
    println!("{}", kills::orchestrators(Nodes::Three, 3).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_executors_lose_and_repeat_nothing() {
    println!("{}", kills::executors(Nodes::Three, 3).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_nodes_of_nats_lose_and_repeat_nothing() {
    println!("{}", kills::nats_nodes(Nodes::Three, 3, HEALTHY).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_nodes_of_nats_killed_at_once_lose_and_repeat_nothing() {
    println!("{}", kills::all_of_nats(Nodes::Three, 3, HEALTHY).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn orchestrators_that_slept_repeat_nothing() {
    println!("{}", kills::sleeping_orchestrators(Nodes::Three, 3).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_every_process_loses_and_repeats_nothing() {
    println!("{}", kills::rolling_replacement(Nodes::Three, 3).await);
}
