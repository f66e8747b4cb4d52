//! Several nats-servers of our own on this machine that are one cluster, each of them to be killed, frozen and started again.
//!
//! What it knows of the cluster it asks the nodes for over their monitoring ports; it speaks no NATS either.

use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    ServerOptions, monitor, ports,
    server::{Error, PORT_CLASHES_MAX, Server},
};

/// A meta group elects its leader within seconds; a machine with much else to do gets its time.
const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Nodes that run, or ran and can be started again. They end with this value, and with this process, however that ends.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    /// Starts so many nodes with the same options, each in a folder of its own below the data folder, and waits until all of them
    /// are current. `port` of the options does not count.
    pub async fn start(count: usize, options: ServerOptions) -> Result<Self, Error> {
        let mut clashes = 0;
        loop {
            match Self::try_start(count, &options).await {
                Ok(nodes) => {
                    let cluster = Self { nodes };
                    cluster.current().await?;
                    return Ok(cluster);
                }
                Err(error) if clashes < PORT_CLASHES_MAX && error.is_port_clash() => clashes += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_start(count: usize, options: &ServerOptions) -> Result<Vec<Server>, Error> {
        let ports = ports::free(2 * count)?;
        let (clients, routes) = ports.split_at(count);
        let all: Vec<String> = routes.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
        let nodes = clients.iter().zip(routes).enumerate().map(|(index, (client, route))| {
            Server::start(ServerOptions {
                data_dir: options.data_dir.join(format!("node-{index}")),
                port: Some(*client),
                server_name: format!("{}-{index}", options.server_name),
                monitor: true,
                extra_config: format!(
                    "cluster {{\n    name: \"{}\"\n    listen: \"127.0.0.1:{route}\"\n    routes: [{}]\n}}\n{}",
                    options.server_name,
                    all.join(", "),
                    options.extra_config
                ),
                ..options.clone()
            })
        });
        // All of them, so that no node is left half started when another fails.
        join_all(nodes).await.into_iter().collect()
    }

    /// What a client connects to: all nodes, separated by commas.
    pub fn url(&self) -> String {
        self.nodes.iter().map(Server::url).collect::<Vec<_>>().join(",")
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub fn node(&self, index: usize) -> &Server {
        &self.nodes[index]
    }

    /// To be stopped, killed or started again.
    pub fn node_mut(&mut self, index: usize) -> &mut Server {
        &mut self.nodes[index]
    }

    pub fn monitor_urls(&self) -> Vec<String> {
        self.nodes.iter().filter_map(Server::monitor_url).collect()
    }

    /// Kills all nodes at once, as `kill -9` does.
    pub async fn kill(&mut self) {
        join_all(self.nodes.iter_mut().map(Server::kill)).await;
    }

    pub async fn stop(&mut self) {
        join_all(self.nodes.iter_mut().map(Server::stop)).await;
    }

    /// Starts all nodes again and waits until they are current.
    pub async fn restart(&mut self) -> Result<(), Error> {
        for started in join_all(self.nodes.iter_mut().map(Server::restart)).await {
            started?;
        }
        self.current().await
    }

    /// Waits until every node says of itself that it has all that it should have.
    pub async fn current(&self) -> Result<(), Error> {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.current_but(&all).await
    }

    /// The same of these nodes alone, while others are away.
    pub async fn current_but(&self, these: &[usize]) -> Result<(), Error> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let Some(missing) = self.missing(these).await else { return Ok(()) };
            if deadline <= Instant::now() {
                return Err(Error::ClusterNotReady { nodes: self.nodes.len(), within: READY_WITHIN, missing });
            }
            sleep(POLL).await;
        }
    }

    /// What keeps the first of these nodes that is not current from being it.
    async fn missing(&self, these: &[usize]) -> Option<String> {
        for &index in these {
            let node = &self.nodes[index];
            match self.ask(index, "/healthz").await {
                Some((200, _)) => {}
                Some((_, answer)) => return Some(format!("`{}` says {answer}", node.name())),
                None => return Some(format!("`{}` does not answer", node.name())),
            }
        }
        // Who does not know yet that it is gone names a dead one.
        let led = self.meta_leader().await.is_some_and(|leader| these.contains(&leader));
        (!led).then(|| "none of them leads the cluster".to_owned())
    }

    /// The node that leads the cluster itself, as the first that knows says.
    pub async fn meta_leader(&self) -> Option<usize> {
        for index in 0..self.nodes.len() {
            let Some((200, answer)) = self.ask(index, "/jsz").await else { continue };
            if let Some(leader) = self.place_of(&answer["meta_cluster"]["leader"]) {
                return Some(leader);
            }
        }
        None
    }

    /// The node that leads a stream, as it says itself: others may not have heard yet.
    pub async fn leader_of(&self, stream: &str) -> Option<usize> {
        self.find_leader(stream, |stream| stream["cluster"]["leader"].clone()).await
    }

    /// The node that leads a consumer.
    pub async fn consumer_leader(&self, stream: &str, consumer: &str) -> Option<usize> {
        let leader = |stream: &Value| {
            let details = stream["consumer_detail"].as_array()?;
            let detail = details.iter().find(|detail| detail["name"] == consumer)?;
            Some(detail["cluster"]["leader"].clone())
        };
        self.find_leader(stream, |stream| leader(stream).unwrap_or_default()).await
    }

    async fn find_leader(&self, stream: &str, leader: impl Fn(&Value) -> Value) -> Option<usize> {
        for index in 0..self.nodes.len() {
            let Some((200, answer)) = self.ask(index, "/jsz?accounts=true&consumers=true").await else { continue };
            let accounts = answer["account_details"].as_array().into_iter().flatten();
            let mut streams = accounts.flat_map(|account| account["stream_detail"].as_array().into_iter().flatten());
            let Some(found) = streams.find(|detail| detail["name"] == stream) else { continue };
            if self.place_of(&leader(found)) == Some(index) {
                return Some(index);
            }
        }
        None
    }

    fn place_of(&self, name: &Value) -> Option<usize> {
        self.nodes.iter().position(|node| name == node.name())
    }

    async fn ask(&self, index: usize, path: &str) -> Option<(u16, Value)> {
        monitor::get(self.nodes[index].monitor_port()?, path).await
    }
}
