//! A real nats-server: started, stopped, killed, started again, and kept apart from others.

use std::time::Duration;

use crate::common::{Folder, eventually, is_listening, soon};
use async_nats::jetstream::{self, stream};
use rustix::process::{Pid, Signal, kill_process};
use sagaline_server::{Binary, Server, server::Error};

async fn connect(server: &Server) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.expect("the server answers"))
}

async fn store(server: &Server, text: &'static str) {
    let context = connect(server).await;
    let config = stream::Config { name: "KEPT".into(), subjects: vec!["kept".into()], ..Default::default() };
    context.get_or_create_stream(config).await.expect("a stream");
    context.publish("kept", text.into()).await.unwrap().await.expect("an acknowledgement");
}

async fn stored(server: &Server) -> Vec<String> {
    let stream = connect(server).await.get_stream("KEPT").await.expect("the stream is still there");
    let mut texts = Vec::new();
    for sequence in 1..=stream.cached_info().state.last_sequence {
        let message = stream.get_raw_message(sequence).await.expect("the message is still there");
        texts.push(String::from_utf8(message.payload.to_vec()).unwrap());
    }
    texts
}

#[tokio::test]
async fn what_was_stored_is_kept_over_a_stop_and_over_a_kill() {
    let folder = Folder::new();
    let mut server = Server::start(folder.options()).await.unwrap();
    let (url, first) = (server.url(), server.pid());
    store(&server, "one").await;
    server.stop().await;
    assert!(!is_listening(server.port()).await);
    server.restart().await.unwrap();
    store(&server, "two").await;
    server.kill().await;
    assert!(!is_listening(server.port()).await);
    server.restart().await.unwrap();
    assert_eq!(stored(&server).await, ["one", "two"]);
    assert_eq!(server.url(), url);
    assert_ne!(server.pid(), first);
    let log = std::fs::read_to_string(server.log_path()).unwrap();
    assert_eq!(log.matches("Server is ready").count(), 3, "{log}");
    assert_eq!(log.matches("Initiating Shutdown").count(), 1, "only the stop was orderly: {log}");
}

#[tokio::test]
async fn the_options_reach_the_server() {
    let folder = Folder::new();
    let mut options = folder.options();
    options.server_name = "of-its-own".into();
    options.max_payload = 2 << 20;
    options.max_file_store = 3 << 20;
    options.sync_always = true;
    options.extra_config = "max_connections: 7".into();
    let server = Server::start(options).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let info = client.server_info();
    assert_eq!((info.server_name.as_str(), info.max_payload), ("of-its-own", 2 << 20));
    let log = std::fs::read_to_string(server.log_path()).unwrap();
    assert!(log.contains("Max Storage:     3.00 MB"), "{log}");
    let config = std::fs::read_to_string(folder.0.join("nats-server.conf")).unwrap();
    assert!(config.contains("sync_interval: always\n") && config.ends_with("max_connections: 7\n"), "{config}");
}

#[tokio::test]
async fn servers_started_at_once_get_ports_of_their_own() {
    let folders = [Folder::new(), Folder::new(), Folder::new()];
    let [a, b, c] = folders.each_ref().map(|folder| Server::start(folder.options()));
    let (a, b, c) = tokio::join!(a, b, c);
    let ports = [a.unwrap().port(), b.unwrap().port(), c.unwrap().port()];
    assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2], "{ports:?}");
}

#[tokio::test]
async fn a_server_that_dies_by_itself_is_reported_and_can_be_started_again() {
    let folder = Folder::new();
    let mut server = Server::start(folder.options()).await.unwrap();
    let death = server.death();
    let pid = server.pid();
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
    let death = soon(death).await;
    assert_eq!((death.pid, death.how.as_str()), (pid, "was killed by signal 9"));
    let text = death.to_string();
    assert!(text.starts_with(&format!("nats-server (process {pid}) was killed by signal 9; the end of its log `")));
    assert!(text.contains("Server is ready"), "{text}");
    server.restart().await.unwrap();
    assert!(is_listening(server.port()).await);
}

#[tokio::test]
async fn an_end_that_was_asked_for_is_no_death() {
    let folder = Folder::new();
    let mut server = Server::start(folder.options()).await.unwrap();
    let stopped = server.death();
    server.stop().await;
    server.restart().await.unwrap();
    let killed = server.death();
    server.kill().await;
    let either = async {
        tokio::select! { death = stopped => death, death = killed => death }
    };
    let waited = tokio::time::timeout(Duration::from_millis(200), either).await;
    assert!(waited.is_err(), "{waited:?}");
}

#[tokio::test]
async fn a_server_that_does_not_end_when_asked_to_is_killed() {
    let folder = Folder::new();
    let mut options = folder.options();
    let usual = options.stop_within;
    options.stop_within = Duration::from_millis(100);
    let mut server = Server::start(options).await.unwrap();
    kill_process(Pid::from_raw(server.pid().cast_signed()).unwrap(), Signal::STOP).unwrap();
    tokio::time::timeout(usual, server.stop()).await.expect("it is killed after the time that was given");
    assert!(!is_listening(server.port()).await);
    server.restart().await.unwrap();
}

#[tokio::test]
async fn a_dropped_server_ends() {
    let folder = Folder::new();
    let server = Server::start(folder.options()).await.unwrap();
    let port = server.port();
    drop(server);
    eventually("nobody listens", async || !is_listening(port).await).await;
}

#[tokio::test]
async fn a_folder_serves_one_server_at_a_time() {
    let folder = Folder::new();
    let mut server = Server::start(folder.options()).await.unwrap();
    let error = Server::start(folder.options()).await.expect_err("the folder is in use");
    assert!(matches!(error, Error::FolderInUse(_)), "{error}");
    store(&server, "still here").await;
    server.stop().await;
    let second = Server::start(folder.options()).await.expect("the folder is free again");
    assert_eq!(stored(&second).await, ["still here"]);
}

#[tokio::test]
async fn a_port_that_is_taken_is_refused() {
    let (one, other) = (Folder::new(), Folder::new());
    let server = Server::start(one.options()).await.unwrap();
    let mut options = other.options();
    options.port = Some(server.port());
    let error = Server::start(options).await.expect_err("the port is taken");
    assert!(matches!(error, Error::PortTaken(port) if port == server.port()), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_start_is_reported_with_the_end_of_its_log() {
    let folder = Folder::new();
    let mut options = folder.options();
    options.extra_config = "no_such_option: 1".into();
    let error = Server::start(options).await.expect_err("the server refuses it").to_string();
    assert!(error.starts_with("nats-server ended by itself with status 1 before it was ready; "), "{error}");
    assert!(error.contains("unknown field \"no_such_option\""), "{error}");
}

#[tokio::test]
async fn a_server_that_is_never_ready_is_given_up_and_killed() {
    let folder = Folder::new();
    // Once asked for its version it is a nats-server; then it only waits.
    let script = folder.0.join("waits");
    let body =
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 'nats-server: v2.15.1' && exit\necho waiting\nexec sleep 600\n";
    let write = tokio::process::Command::new("sh")
        .args(["-c", "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"", "write"])
        .arg(&script)
        .arg(body)
        .status();
    assert!(write.await.unwrap().success());
    let mut options = folder.options();
    options.binary = Binary::at(&script).unwrap();
    options.ready_within = Duration::from_millis(300);
    let error = Server::start(options).await.expect_err("it never answers").to_string();
    assert!(error.starts_with("nats-server was not ready within 300ms; "), "{error}");
    assert!(error.ends_with(":\n  waiting"), "{error}");
    let log = std::fs::File::open(folder.0.join("nats-server.log")).unwrap();
    eventually("nothing of it is left", async || log.try_lock().is_ok()).await;
}
