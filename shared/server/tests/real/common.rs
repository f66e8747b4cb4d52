//! What these tests share: the real nats-server, a folder for each, and waiting with a deadline.

use std::{
    future::Future,
    path::{Path, PathBuf},
    process,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use sagaline_server::{Binary, Finder, ServerOptions};

static BINARY: LazyLock<Binary> =
    LazyLock::new(|| Finder::from_env().find_or_install(|doing| eprintln!("{doing}")).expect("a nats-server"));

/// A data folder that is removed at the end of its test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("server-{}-{number}", process::id()));
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub(crate) fn options(&self) -> ServerOptions {
        options(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

pub(crate) fn options(folder: &Path) -> ServerOptions {
    let mut options = ServerOptions::new(BINARY.clone(), folder);
    options.ready_within = LONG;
    options
}

/// Elections take seconds, and as long again where the votes were split; a machine with much else to do takes its time.
const LONG: Duration = Duration::from_secs(60);

/// Waits until the answer is yes; after a minute the test has failed.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    at_last(what, async || is_so().await.then_some(())).await;
}

/// Asks until there is an answer; after a minute the test has failed.
pub(crate) async fn at_last<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LONG;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {LONG:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The value of a future that must come soon.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("it comes within a minute")
}

pub(crate) async fn is_listening(port: u16) -> bool {
    tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}
