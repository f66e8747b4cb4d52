//! Three real nats-servers as a cluster: who leads, what a killed node costs, and that a node comes back as itself.

use async_nats::jetstream::{self, consumer::pull, stream};
use sagaline_server::Cluster;

use crate::common::{Folder, eventually, soon};

async fn context(cluster: &Cluster) -> jetstream::Context {
    let urls: Vec<async_nats::ServerAddr> = cluster.url().split(',').map(|url| url.parse().unwrap()).collect();
    jetstream::new(async_nats::connect(urls).await.expect("a node answers"))
}

async fn replicated(context: &jetstream::Context) -> stream::Stream {
    let config = stream::Config {
        name: "KEPT".into(),
        subjects: vec!["kept".into()],
        num_replicas: 3,
        ..stream::Config::default()
    };
    context.create_stream(config).await.expect("a stream")
}

#[tokio::test]
async fn a_stream_outlives_its_leader_and_the_node_comes_back() {
    let folder = Folder::new();
    let mut cluster = Cluster::start(3, folder.options()).await.unwrap();
    let context = context(&cluster).await;
    let kept = replicated(&context).await;
    kept.create_consumer(pull::Config { durable_name: Some("reader".into()), ..pull::Config::default() })
        .await
        .unwrap();
    context.publish("kept", "one".into()).await.unwrap().await.unwrap();

    eventually("somebody leads the consumer", async || cluster.consumer_leader("KEPT", "reader").await.is_some()).await;
    let leader = cluster.leader_of("KEPT").await.expect("somebody leads");
    assert!(cluster.meta_leader().await.is_some());
    cluster.node_mut(leader).kill().await;
    eventually("another leads", async || cluster.leader_of("KEPT").await.is_some_and(|now| now != leader)).await;
    let stored = async || match context.publish("kept", "two".into()).await {
        Ok(ack) => ack.await.is_ok(),
        Err(_) => false,
    };
    eventually("the next message is stored", stored).await;

    cluster.node_mut(leader).restart().await.unwrap();
    soon(cluster.current()).await.unwrap();
    assert_eq!(cluster.len(), 3);
}

#[tokio::test]
async fn all_nodes_killed_at_once_come_back_with_what_they_had() {
    let folder = Folder::new();
    let mut options = folder.options();
    options.sync_always = true;
    let mut cluster = Cluster::start(3, options).await.unwrap();
    let (context, url) = (context(&cluster).await, cluster.url());
    replicated(&context).await;
    context.publish("kept", "one".into()).await.unwrap().await.unwrap();
    cluster.kill().await;
    cluster.restart().await.unwrap();
    assert_eq!(cluster.url(), url);
    eventually("the stream has a leader again", async || cluster.leader_of("KEPT").await.is_some()).await;
    let state = context.get_stream("KEPT").await.unwrap().cached_info().state.clone();
    assert_eq!((state.messages, state.last_sequence), (1, 1));
}

#[tokio::test]
async fn a_frozen_leader_is_replaced_and_notices_when_it_wakes() {
    let folder = Folder::new();
    let cluster = Cluster::start(3, folder.options()).await.unwrap();
    replicated(&context(&cluster).await).await;
    let leader = cluster.leader_of("KEPT").await.expect("somebody leads");
    cluster.node(leader).freeze();
    let other = async || cluster.leader_of("KEPT").await.is_some_and(|now| now != leader);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !other().await {
        assert!(std::time::Instant::now() < deadline, "nobody took over from a frozen leader");
    }
    cluster.node(leader).thaw();
    soon(cluster.current()).await.unwrap();
}
