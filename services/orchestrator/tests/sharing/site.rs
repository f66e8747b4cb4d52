//! A NATS and orchestrators, each a process of its own.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use sagaline_broker::{
    names::LogKind,
    nats::{Connection, connect, shell::look},
};
use sagaline_testkit::site::{Nats, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

pub(crate) const PARTITIONS: u32 = 16;

pub(crate) struct Site {
    nats: Nats,
    pub(crate) connection: Connection,
    pub(crate) partitions: u32,
    /// Oldest first.
    pub(crate) replicas: Vec<Replica>,
    started: u32,
}

pub(crate) struct Replica {
    child: Child,
    http: String,
    log: PathBuf,
}

impl Replica {
    /// Whether a member's id is this process's.
    pub(crate) fn is(&self, member: &str) -> bool {
        member.rsplit('-').nth(1) == Some(self.child.id().to_string().as_str())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("a pid is not 0");
        kill_process(pid, signal).expect("the process is there");
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
        if std::thread::panicking() {
            println!("=== {}\n{}", self.log.display(), std::fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

impl Site {
    pub(crate) async fn start(partitions: u32) -> Self {
        let nats = Nats::start("sharing").await;
        let connection = connect(&nats.url(), "sagaline", "test").await.expect("a connection");
        Self { nats, connection, partitions, replicas: vec![], started: 0 }
    }

    pub(crate) fn url(&self) -> String {
        self.nats.url()
    }

    /// Another replica.
    pub(crate) fn join(&mut self) {
        self.started += 1;
        let log = self.nats.folder().join(format!("orchestrator-{}.log", self.started));
        let http =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sagaline-orchestrator"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SAGALINE_")) {
            command.env_remove(name);
        }
        let (partitions, replicas) = (self.partitions.to_string(), self.nats.replicas().to_string());
        command.args(["--nats-url", &self.url(), "--http", &http]);
        command.args(["--partitions", &partitions, "--replicas", &replicas]);
        let stderr = std::fs::File::create(&log).expect("a log can be made");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn();
        self.replicas.push(Replica { child: child.expect("the program starts"), http, log });
    }

    /// The oldest replica goes by SIGTERM, which it must do cleanly.
    pub(crate) async fn leave(&mut self) {
        let mut replica = self.replicas.remove(0);
        replica.signal(Signal::TERM);
        let mut status = None;
        eventually("it ends", async || {
            status = replica.child.try_wait().expect("it can be waited for");
            status.is_some()
        })
        .await;
        assert!(status.is_some_and(|status| status.success()), "{status:?}");
    }

    /// The oldest replica is killed.
    pub(crate) async fn kill(&mut self) {
        self.kill_at(0).await;
    }

    pub(crate) async fn kill_at(&mut self, place: usize) {
        let mut replica = self.replicas.remove(place);
        replica.child.kill().expect("it can be killed");
        replica.child.wait().expect("it is gone");
    }

    /// Who holds which partition, as the bucket says.
    pub(crate) async fn owners(&self) -> BTreeMap<u32, Arc<str>> {
        look(&self.connection, LogKind::Runs, self.partitions).await.map(|sight| sight.holders).unwrap_or_default()
    }

    /// Waits until every partition is held and the counts of the replicas differ by one at most, for a second: how long after
    /// `begun` that began.
    pub(crate) async fn even_within(&self, begun: Instant, limit: Duration) -> Duration {
        let mut even_since: Option<Instant> = None;
        loop {
            let counts = self.counts().await;
            let (least, most) = (counts.iter().min().copied(), counts.iter().max().copied());
            let even = counts.iter().sum::<usize>() == self.partitions as usize && most <= least.map(|least| least + 1);
            even_since = if even { even_since.or_else(|| Some(Instant::now())) } else { None };
            if let Some(since) = even_since.filter(|since| since.elapsed() > Duration::from_secs(1)) {
                return since - begun;
            }
            assert!(begun.elapsed() < limit, "not even within {limit:?}: {counts:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn counts(&self) -> Vec<usize> {
        let owners = self.owners().await;
        self.replicas.iter().map(|replica| owners.values().filter(|owner| replica.is(owner)).count()).collect()
    }

    /// What `/metrics` says, of each replica.
    pub(crate) async fn metrics(&self) -> Vec<String> {
        let mut all = vec![];
        for replica in &self.replicas {
            all.push(http(replica, "/metrics").await.expect("it serves"));
        }
        all
    }

    pub(crate) async fn end(mut self) {
        while !self.replicas.is_empty() {
            self.leave().await;
        }
        self.nats.stop().await;
    }
}

pub(crate) async fn eventually_ready(replica: &Replica) {
    eventually("it is ready", async || http(replica, "/readyz").await.is_some_and(|text| text.contains(" 200 "))).await;
}

/// The sum of a metric's values, over its labels.
pub(crate) fn value(text: &str, metric: &str) -> u32 {
    let lines = text.lines().filter(|line| line.starts_with(metric));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as u32
}

/// The whole answer, head included.
async fn http(replica: &Replica, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(&replica.http).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.ok()?;
    Some(text)
}
