//! A real NATS to test on: one nats-server, or three as a cluster, in a folder that goes when it goes.
//!
//! `SAGALINE_TEST_NODES=3` runs every test that does not say otherwise on three nodes, with every message on all of them.

mod folder;
mod proxy;
mod shared;

use std::{
    path::Path,
    sync::LazyLock,
    time::{Duration, Instant},
};

use async_nats::jetstream::stream::Stream;
use sagaline_broker::{
    nats::{Connection, Installation},
    ports::{Message, Outcome},
};
use sagaline_server::{Binary, Cluster, Finder, Server, ServerOptions};

pub use self::{folder::Folder, proxy::Proxy, shared::shared};

/// Long enough for a machine with much else to do.
pub const LONG: Duration = Duration::from_secs(60);

const NODES_VARIABLE: &str = "SAGALINE_TEST_NODES";

static BINARY: LazyLock<Binary> =
    LazyLock::new(|| Finder::from_env().find_or_install(|doing| tracing::info!("{doing}")).expect("a nats-server"));

/// How many nodes tests run on, where they do not say themselves.
pub fn nodes() -> usize {
    match std::env::var(NODES_VARIABLE).as_deref() {
        Err(_) | Ok("1") => 1,
        Ok("3") => 3,
        Ok(other) => panic!("`{NODES_VARIABLE}` is `{other}`; there are tests on 1 node and on 3"),
    }
}

/// The servers of a test. They go before their folder.
pub struct Nats {
    nodes: Nodes,
    folder: Folder,
}

enum Nodes {
    One(Box<Server>),
    Three(Cluster),
}

impl Nats {
    /// As many nodes as `SAGALINE_TEST_NODES` says, one without it. `name` is for people who look at folders.
    pub async fn start(name: &str) -> Self {
        Self::start_with(name, |_| ()).await
    }

    pub async fn start_with(name: &str, change: impl FnOnce(&mut ServerOptions)) -> Self {
        match nodes() {
            1 => Self::single_with(name, change).await,
            _ => Self::cluster_with(name, change).await,
        }
    }

    /// One node, whatever the environment says.
    pub async fn single_with(name: &str, change: impl FnOnce(&mut ServerOptions)) -> Self {
        let (folder, options) = prepare(name, change);
        let server = Server::start(options).await.expect("nats-server starts");
        Self { nodes: Nodes::One(Box::new(server)), folder }
    }

    /// Three nodes, whatever the environment says.
    pub async fn cluster(name: &str) -> Self {
        Self::cluster_with(name, |_| ()).await
    }

    pub async fn cluster_with(name: &str, change: impl FnOnce(&mut ServerOptions)) -> Self {
        let (folder, options) = prepare(name, change);
        let cluster = Cluster::start(3, options).await.expect("the cluster starts");
        Self { nodes: Nodes::Three(cluster), folder }
    }

    /// What a client connects to: all nodes.
    pub fn url(&self) -> String {
        match &self.nodes {
            Nodes::One(server) => server.url(),
            Nodes::Three(cluster) => cluster.url(),
        }
    }

    /// The port of the first node.
    pub fn port(&self) -> u16 {
        match &self.nodes {
            Nodes::One(server) => server.port(),
            Nodes::Three(cluster) => cluster.node(0).port(),
        }
    }

    pub fn monitor_urls(&self) -> Vec<String> {
        match &self.nodes {
            Nodes::One(server) => server.monitor_url().into_iter().collect(),
            Nodes::Three(cluster) => cluster.monitor_urls(),
        }
    }

    /// How many copies of each message there can be.
    pub fn replicas(&self) -> usize {
        match &self.nodes {
            Nodes::One(_) => 1,
            Nodes::Three(cluster) => cluster.len(),
        }
    }

    /// An installation with a copy on every node.
    pub fn installation(&self) -> Installation {
        Installation { replicas: self.replicas(), ..Installation::default() }
    }

    /// The folder of this test; the servers' own are within.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The nodes one by one.
    ///
    /// # Panics
    /// Where there is only one.
    pub fn nodes(&mut self) -> &mut Cluster {
        match &mut self.nodes {
            Nodes::One(_) => panic!("this test asks for a cluster, and was started on one node"),
            Nodes::Three(cluster) => cluster,
        }
    }

    /// Kills every node, as `kill -9` does.
    pub async fn kill(&mut self) {
        match &mut self.nodes {
            Nodes::One(server) => server.kill().await,
            Nodes::Three(cluster) => cluster.kill().await,
        }
    }

    pub async fn stop(&mut self) {
        match &mut self.nodes {
            Nodes::One(server) => server.stop().await,
            Nodes::Three(cluster) => cluster.stop().await,
        }
    }

    /// Starts every node again, on the same ports and stores.
    pub async fn restart(&mut self) {
        match &mut self.nodes {
            Nodes::One(server) => server.restart().await.expect("nats-server starts again"),
            Nodes::Three(cluster) => cluster.restart().await.expect("the cluster starts again"),
        }
    }

    /// Stops every node in the middle of whatever it does, with its connections open, until [`Nats::thaw`].
    pub fn freeze(&self) {
        self.servers().for_each(Server::freeze);
    }

    pub fn thaw(&self) {
        self.servers().for_each(Server::thaw);
    }

    fn servers(&self) -> impl Iterator<Item = &Server> {
        let (one, three) = match &self.nodes {
            Nodes::One(server) => (Some(&**server), None),
            Nodes::Three(cluster) => (None, Some(cluster)),
        };
        one.into_iter().chain(three.into_iter().flat_map(|cluster| (0..cluster.len()).map(|index| cluster.node(index))))
    }
}

fn prepare(name: &str, change: impl FnOnce(&mut ServerOptions)) -> (Folder, ServerOptions) {
    let folder = Folder::new(name);
    let mut options = ServerOptions::new(BINARY.clone(), folder.path().join("nats"));
    options.ready_within = LONG;
    change(&mut options);
    (folder, options)
}

/// Publishes until it is stored. A stream of a cluster may just have no leader, or one that our node does not know yet.
pub async fn store(connection: &Connection, message: &Message) {
    eventually(&format!("`{}` is stored", message.subject), async || match connection.publish(message).await {
        Outcome::Stored { .. } => true,
        Outcome::Unknown(_) | Outcome::Contended => false,
        other => panic!("{other:?}"),
    })
    .await;
}

/// A stream as it is now. A leader that is being elected is waited for.
pub async fn stream(connection: &Connection, name: &str) -> Stream {
    let mut stream = None;
    eventually(&format!("`{name}` has a leader"), async || {
        stream = connection.jetstream().get_stream(name).await.ok();
        stream.is_some()
    })
    .await;
    stream.expect("just looked")
}

/// Waits until the answer is yes, failing when that takes too long.
pub async fn eventually(what: &str, is_so: impl AsyncFnMut() -> bool) {
    eventually_within(LONG, what, is_so).await;
}

pub async fn eventually_within(limit: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The value of a future that must come in time.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("it comes in time")
}
