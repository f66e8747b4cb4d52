//! When a server is ready: it noted its port, and it greets a client with JetStream enabled.

use std::{ffi::OsStr, fs, path::Path, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    time::timeout,
};

/// A greeting on the same machine comes at once; a server that needs longer is asked again.
const GREETING_WITHIN: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    NotYet,
    Ready,
    WithoutJetStream,
}

/// Asks once. The note in the folder `ports` is this server's own: a stranger that has the port is not taken for it.
pub(crate) async fn look(ports: &Path, port: u16) -> Readiness {
    if !has_noted_its_port(ports) {
        return Readiness::NotYet;
    }
    match timeout(GREETING_WITHIN, greeting(port)).await {
        Ok(Some(greeting)) if greeting["jetstream"] == true => Readiness::Ready,
        Ok(Some(_)) => Readiness::WithoutJetStream,
        Ok(None) | Err(_) => Readiness::NotYet,
    }
}

/// Whether anybody answers on the port.
pub(crate) async fn is_taken(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

fn has_noted_its_port(ports: &Path) -> bool {
    let Ok(files) = fs::read_dir(ports) else { return false };
    files.flatten().any(|file| file.path().extension() == Some(OsStr::new("ports")))
}

async fn greeting(port: u16) -> Option<serde_json::Value> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let line = BufReader::new(stream).lines().next_line().await.ok()??;
    serde_json::from_str(line.strip_prefix("INFO ")?).ok()
}
