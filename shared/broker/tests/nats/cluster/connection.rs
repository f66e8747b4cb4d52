//! A client of three nodes: which of them dies or freezes must hardly be noticed.

use std::time::Duration;

use sagaline_broker::nats::{Connection, boot, connect};

use crate::common::{Site, eventually};

/// The node that a connection is to.
fn place(site: &mut Site, connection: &Connection) -> usize {
    let name = connection.client().server_info().server_name;
    let cluster = site.server.nodes();
    (0..cluster.len()).find(|index| cluster.node(*index).name() == name).expect("one of them")
}

async fn answers(connection: &Connection) -> bool {
    connection.client().request("$JS.API.INFO", "".into()).await.is_ok()
}

#[tokio::test]
async fn a_node_that_is_not_there_does_not_keep_a_client_away() {
    let (mut site, _connection) = Site::cluster().await;
    site.server.nodes().node_mut(0).kill().await;
    site.server.nodes().current_but(&[1, 2]).await.unwrap();
    let begun = boot();
    let url = format!("nats://127.0.0.1:1,{}", site.server.url());
    let connection = connect(&url, "sagaline", "test").await.unwrap();
    assert_ne!(place(&mut site, &connection), 0);
    assert!(boot() - begun < Duration::from_secs(5), "{:?}", boot() - begun);
}

#[tokio::test]
async fn a_client_whose_node_is_killed_is_on_another_within_a_second() {
    let (mut site, connection) = Site::cluster().await;
    let node = place(&mut site, &connection);
    site.server.nodes().node_mut(node).kill().await;
    let begun = boot();
    eventually("it is on another node", async || {
        connection.is_connected() && connection.client().server_info().server_name != format!("sagaline-{node}")
    })
    .await;
    let took = boot() - begun;
    assert!(took < Duration::from_secs(1), "{took:?}");
    eventually("JetStream answers", async || answers(&connection).await).await;
}

/// A frozen node keeps its connections open and says nothing. That takes up to 3.75 s to notice, and two more if it is the first that
/// is tried again.
#[tokio::test]
async fn a_client_whose_node_freezes_is_on_another_within_seven_seconds() {
    let (mut site, connection) = Site::cluster().await;
    let node = place(&mut site, &connection);
    site.server.nodes().node(node).freeze();
    let begun = boot();
    eventually("it is on another node", async || {
        connection.is_connected() && connection.client().server_info().server_name != format!("sagaline-{node}")
    })
    .await;
    let took = boot() - begun;
    site.server.nodes().node(node).thaw();
    assert!(took < Duration::from_secs(7), "{took:?}");
}
