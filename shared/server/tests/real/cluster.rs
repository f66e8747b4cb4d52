//! Three real nats-servers as a cluster: who leads, what a killed node costs, and that a node comes back as itself.

use async_nats::jetstream::{self, consumer::pull, message::PublishMessage, stream};
use sagaline_server::Cluster;

use crate::common::{Folder, at_last, eventually, soon};

async fn context(cluster: &Cluster) -> jetstream::Context {
    let urls: Vec<async_nats::ServerAddr> = cluster.url().split(',').map(|url| url.parse().unwrap()).collect();
    jetstream::new(async_nats::connect(urls).await.expect("a node answers"))
}

/// A stream of three replicas, which answers once its nodes have chosen a leader. Whoever is asked in the midst of an election
/// does not answer at all, so it is asked again; what is there already is the answer, too.
async fn replicated(context: &jetstream::Context) -> stream::Stream {
    let config = stream::Config {
        name: "KEPT".into(),
        subjects: vec!["kept".into()],
        num_replicas: 3,
        ..stream::Config::default()
    };
    at_last("a stream", async || context.create_stream(config.clone()).await.ok()).await
}

/// Stored once, however often it is sent.
async fn store(context: &jetstream::Context, text: &'static str) {
    let message = || PublishMessage::build().message_id(text).payload(text.into());
    eventually(&format!("`{text}` is stored"), async || match context.send_publish("kept", message()).await {
        Ok(ack) => ack.await.is_ok(),
        Err(_) => false,
    })
    .await;
}

async fn leader_of_kept(cluster: &Cluster) -> usize {
    at_last("somebody leads the stream", async || cluster.leader_of("KEPT").await).await
}

#[tokio::test]
async fn a_stream_outlives_its_leader_and_the_node_comes_back() {
    let folder = Folder::new();
    let mut cluster = Cluster::start(3, folder.options()).await.unwrap();
    let context = context(&cluster).await;
    let kept = replicated(&context).await;
    let reader = pull::Config { durable_name: Some("reader".into()), ..pull::Config::default() };
    at_last("a consumer", async || kept.create_consumer(reader.clone()).await.ok()).await;
    store(&context, "one").await;

    eventually("somebody leads the consumer", async || cluster.consumer_leader("KEPT", "reader").await.is_some()).await;
    eventually("somebody leads the cluster", async || cluster.meta_leader().await.is_some()).await;
    let leader = leader_of_kept(&cluster).await;
    cluster.node_mut(leader).kill().await;
    eventually("another leads", async || cluster.leader_of("KEPT").await.is_some_and(|now| now != leader)).await;
    store(&context, "two").await;

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
    store(&context, "one").await;
    cluster.kill().await;
    cluster.restart().await.unwrap();
    assert_eq!(cluster.url(), url);
    leader_of_kept(&cluster).await;
    let kept = at_last("the stream answers again", async || context.get_stream("KEPT").await.ok()).await;
    let state = &kept.cached_info().state;
    assert_eq!((state.messages, state.last_sequence), (1, 1));
}

#[tokio::test]
async fn a_frozen_leader_is_replaced_and_notices_when_it_wakes() {
    let folder = Folder::new();
    let cluster = Cluster::start(3, folder.options()).await.unwrap();
    replicated(&context(&cluster).await).await;
    let leader = leader_of_kept(&cluster).await;
    cluster.node(leader).freeze();
    eventually("another leads", async || cluster.leader_of("KEPT").await.is_some_and(|now| now != leader)).await;
    cluster.node(leader).thaw();
    soon(cluster.current()).await.unwrap();
}
