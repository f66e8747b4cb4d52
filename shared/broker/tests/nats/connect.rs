//! Connecting, and the servers that will not do.

use std::time::Duration;

use sagaline_broker::nats::{ConnectError, connect};
use sagaline_server::ServerOptions;
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::common::{Site, eventually};

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let error = connect("nats://me:secret@127.0.0.1:1", "sagaline", "test").await.expect_err("nobody listens there");
    let text = error.to_string();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(text.contains("nats://127.0.0.1:1") && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn an_address_that_is_none_and_a_bad_namespace_are_refused() {
    let error = connect("http://[", "sagaline", "test").await.expect_err("no address");
    assert!(matches!(error, ConnectError::BadUrl { .. }), "{error:?}");
    let error = connect("nats://127.0.0.1:1", "a.b", "test").await.expect_err("no namespace");
    assert!(matches!(error, ConnectError::BadNamespace(_)), "{error:?}");
}

#[tokio::test]
async fn wrong_credentials_are_told_at_once() {
    let with_password = |options: &mut ServerOptions| {
        options.extra_config = r#"authorization { user: "me", password: "s@cret" }"#.into();
    };
    let site = Site::single_with(with_password).await;
    let error = connect(&site.server.url(), "sagaline", "test").await.expect_err("no password given");
    assert!(matches!(error, ConnectError::Unauthorized { .. }), "{error:?}");
    let url = site.server.url().replace("nats://", "nats://me:s%40cret@");
    connect(&url, "sagaline", "test").await.unwrap();
}

#[tokio::test]
async fn an_account_without_jetstream_is_told() {
    let without_jetstream = |options: &mut ServerOptions| {
        options.extra_config =
            r#"accounts { A { jetstream: enabled, users: [{ user: a, password: a }] }, B { users: [{ user: b, password: b }] } }"#
                .into();
    };
    let site = Site::single_with(without_jetstream).await;
    let url = |user: &str| site.server.url().replace("nats://", &format!("nats://{user}:{user}@"));
    connect(&url("a"), "sagaline", "test").await.unwrap();
    let error = connect(&url("b"), "sagaline", "test").await.expect_err("no JetStream there");
    assert!(matches!(error, ConnectError::NoJetStream { .. }), "{error:?}");
}

/// Nothing of an old server is needed but its greeting.
#[tokio::test]
async fn a_server_that_is_too_old_is_told_with_both_versions() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let old = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let greeting =
            "INFO {\"server_id\":\"x\",\"version\":\"2.10.4\",\"headers\":true,\"max_payload\":1048576}\r\nPONG\r\n";
        socket.write_all(greeting.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    });
    let error = connect(&format!("nats://{address}"), "sagaline", "test").await.expect_err("too old");
    let text = error.to_string();
    assert!(text.contains("2.10.4") && text.contains("2.12"), "{text}");
    old.abort();
}

#[tokio::test]
async fn a_connection_outlives_a_restart_of_the_server() {
    let mut site = Site::start().await;
    let connection = site.connect().await;
    site.server.kill().await;
    eventually("the loss is noticed", || async { !connection.is_connected() }).await;
    site.server.restart().await;
    eventually("the connection is back", || async { connection.is_connected() }).await;
    let answer = connection.client().request("$JS.API.INFO", "".into());
    assert!(tokio::time::timeout(Duration::from_secs(5), answer).await.expect("in time").is_ok());
}
