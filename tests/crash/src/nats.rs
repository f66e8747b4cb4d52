//! One nats-server, or three of them as a cluster where every message is on disk before it is acknowledged.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sagaline_broker::nats as broker;
use sagaline_server::{Cluster, Finder, Server, ServerOptions};
use tokio::time::{sleep, timeout};

const LED_WITHIN: Duration = Duration::from_secs(60);
const LEADER_ANSWERS_WITHIN: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nodes {
    One,
    Three,
}

impl Nodes {
    /// Three if `SAGALINE_TEST_NODES` says so, as for every other test.
    pub fn of_tests() -> Self {
        if std::env::var_os("SAGALINE_TEST_NODES").is_some_and(|nodes| nodes == "3") { Self::Three } else { Self::One }
    }

    pub fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Three => 3,
        }
    }
}

/// The servers that everything runs on.
pub enum Nats {
    One(Box<Server>),
    Three(Box<Cluster>),
}

impl Nats {
    pub async fn start(nodes: Nodes, folder: &Path) -> Self {
        let binary = tokio::task::spawn_blocking(|| Finder::from_env().find_or_install(|_| {})).await;
        let binary = binary.expect("the search does not panic").expect("a nats-server can be had");
        let mut options = ServerOptions::new(binary, folder);
        match nodes {
            Nodes::One => Self::One(Box::new(Server::start(options).await.expect("it starts"))),
            Nodes::Three => {
                options.sync_always = true;
                Self::Three(Box::new(Cluster::start(nodes.count(), options).await.expect("it starts")))
            }
        }
    }

    /// What a service connects to: every node.
    pub fn url(&self) -> String {
        match self {
            Self::One(server) => server.url(),
            Self::Three(cluster) => cluster.url(),
        }
    }

    /// Each node by itself.
    pub fn urls(&self) -> Vec<String> {
        match self {
            Self::One(server) => vec![server.url()],
            Self::Three(cluster) => (0..cluster.len()).map(|index| cluster.node(index).url()).collect(),
        }
    }

    pub fn count(&self) -> usize {
        self.urls().len()
    }

    /// Kills a node with -9 and starts it again on its disk: the one that leads this stream, or the cluster, or any that is there.
    pub async fn kill_leader(&mut self, stream: &str) {
        match self {
            Self::One(server) => {
                server.kill().await;
                server.restart().await.expect("nats-server starts again");
            }
            Self::Three(cluster) => {
                let leader = match cluster.leader_of(stream).await {
                    Some(leader) => leader,
                    None => cluster.meta_leader().await.unwrap_or(0),
                };
                let node = cluster.node_mut(leader);
                node.kill().await;
                node.restart().await.expect("nats-server starts again");
            }
        }
    }

    /// Waits until each of these streams, and the durable consumers of tasks, have a leader again. NATS elects one four to nine
    /// seconds after the last sign of a leader that was killed; until then nobody can go on.
    ///
    /// Only a leader answers when it is asked about what it leads. What nodes tell on their monitoring ports is what they last heard.
    pub async fn led(&self, streams: &[String], consumers: &[(&str, &str)]) {
        let Self::Three(_) = self else { return };
        let deadline = Instant::now() + LED_WITHIN;
        let connection = broker::connect(&self.url(), "sagaline", "leaders").await.expect("a connection");
        for name in streams {
            let durables = consumers.iter().filter(|(stream, _)| stream == name).map(|(_, durable)| *durable);
            let durables: Vec<&str> = durables.collect();
            while timeout(LEADER_ANSWERS_WITHIN, all_answer(&connection, name, &durables)).await != Ok(true) {
                assert!(Instant::now() < deadline, "no leader of `{name}` within {LED_WITHIN:?}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Kills every node at once and starts all of them again.
    pub async fn kill_all(&mut self) {
        match self {
            Self::One(server) => {
                server.kill().await;
                server.restart().await.expect("nats-server starts again");
            }
            Self::Three(cluster) => {
                cluster.kill().await;
                cluster.restart().await.expect("the cluster starts again");
            }
        }
    }

    /// Asks a node to end, as an operator does for a newer version, and starts it again.
    pub async fn replace(&mut self, index: usize) {
        match self {
            Self::One(server) => server.restart().await.expect("nats-server starts again"),
            Self::Three(cluster) => {
                cluster.node_mut(index).restart().await.expect("nats-server starts again");
                self.current().await;
            }
        }
    }

    /// Waits until every node has all that it should have: before that, the death of another would stop everything.
    pub async fn current(&self) {
        if let Self::Three(cluster) = self {
            cluster.current().await.expect("the cluster becomes whole again");
        }
    }

    pub async fn stop(&mut self) {
        match self {
            Self::One(server) => server.stop().await,
            Self::Three(cluster) => cluster.stop().await,
        }
    }
}

async fn all_answer(connection: &broker::Connection, stream: &str, durables: &[&str]) -> bool {
    let Ok(stream) = connection.jetstream().get_stream(stream).await else { return false };
    for durable in durables {
        if stream.consumer_info(durable).await.is_err() {
            return false;
        }
    }
    true
}
