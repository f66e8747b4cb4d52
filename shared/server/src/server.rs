//! A nats-server of our own: started, watched, stopped, killed and started again, always on the same port and store.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    ServerOptions,
    folder::DataFolder,
    guard::Guarded,
    ports::{self, Ports},
    ready::{self, Readiness},
};

/// How often another process may take a port between our finding it free and the server's listening on it.
pub(crate) const PORT_CLASHES_MAX: u32 = 5;
/// Sockets of a dead process close within microseconds of its end.
const SILENT_WITHIN: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(5);

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {attempt} `{}`", path.display())]
    Io { attempt: &'static str, path: PathBuf, source: io::Error },
    #[error("the folder `{}` cannot be written in a configuration file; choose one whose name is UTF-8", .0.display())]
    NotUtf8(PathBuf),
    #[error("the folder `{}` is in use by another nats-server; stop that one, or choose another folder", .0.display())]
    FolderInUse(PathBuf),
    #[error("port {0} is taken; choose another, or leave it out to get a free one")]
    PortTaken(u16),
    #[error("no port between {} and {} is free", ports::RANGE.start, ports::RANGE.end)]
    NoFreePort,
    #[error("nats-server {how}; the end of its log `{}`:\n{tail}", log.display())]
    NotReady { how: String, log: PathBuf, tail: String },
    #[error("the cluster of {nodes} nodes was not ready within {within:?}: {missing}")]
    ClusterNotReady { nodes: usize, within: Duration, missing: String },
}

impl Error {
    pub(crate) fn io(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { attempt, path: path.to_owned(), source }
    }

    pub(crate) fn is_port_clash(&self) -> bool {
        matches!(self, Self::NotReady { tail, .. } if tail.contains("address already in use"))
    }
}

/// The end of a server that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    pub pid: u32,
    /// Such as `was killed by signal 9`.
    pub how: String,
    pub log: PathBuf,
    /// The last lines of the log.
    pub tail: String,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, how, log, tail } = self;
        write!(f, "nats-server (process {pid}) {how}; the end of its log `{}`:\n{tail}", log.display())
    }
}

/// A nats-server that runs, or ran and can be started again. It ends with this value, and with this process, however that
/// ends.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    folder: DataFolder,
    ports: Ports,
    run: Run,
}

#[derive(Debug)]
struct Run {
    guarded: Guarded,
    /// Where its part of the log begins.
    log_from: u64,
}

impl Server {
    /// Starts it and waits until it answers.
    pub async fn start(options: ServerOptions) -> Result<Self, Error> {
        let folder = DataFolder::open(&options.data_dir)?;
        let mut clashes = 0;
        loop {
            let ports = Ports::choose(options.port, options.monitor)?;
            match launch(&options, &folder, ports).await {
                Ok(run) => return Ok(Self { options, folder, ports, run }),
                // A port that was asked for is not exchanged for another.
                Err(error) if options.port.is_none() && clashes < PORT_CLASHES_MAX && error.is_port_clash() => {
                    clashes += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What a client connects to.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.ports.client)
    }

    pub fn port(&self) -> u16 {
        self.ports.client
    }

    /// Where it answers questions about itself, if it does.
    pub fn monitor_url(&self) -> Option<String> {
        self.ports.monitor.map(|port| format!("http://127.0.0.1:{port}"))
    }

    pub(crate) fn monitor_port(&self) -> Option<u16> {
        self.ports.monitor
    }

    pub fn name(&self) -> &str {
        &self.options.server_name
    }

    /// The process that runs, or ran last.
    pub fn pid(&self) -> u32 {
        self.run.guarded.pid
    }

    pub fn log_path(&self) -> PathBuf {
        self.folder.log()
    }

    /// Resolves when the server that runs now dies without having been asked to; never if it is stopped, killed or
    /// dropped by its owner. After a restart, ask anew.
    pub fn death(&self) -> impl Future<Output = Death> + Send + use<> {
        let ended = self.run.guarded.ended();
        let (pid, log_from, folder) = (self.pid(), self.run.log_from, self.folder.clone());
        async move {
            let ended = ended.await;
            if ended.asked {
                return std::future::pending().await;
            }
            Death { pid, how: ended.to_string(), log: folder.log(), tail: folder.log_tail(log_from) }
        }
    }

    /// Lets it finish what it has and end; kills it if it does not. Nothing happens if it has ended already.
    pub async fn stop(&mut self) {
        self.run.guarded.terminate();
        if timeout(self.options.stop_within, self.run.guarded.ended()).await.is_err() {
            tracing::warn!(pid = self.pid(), "nats-server did not end when asked to, and is killed");
        }
        self.kill().await;
    }

    /// Kills it as `kill -9` does. Nothing happens if it has ended already.
    pub async fn kill(&mut self) {
        self.run.guarded.kill();
        self.run.guarded.ended().await;
        await_silence(self.ports.client).await;
    }

    /// Starts it again on the same port and store, after stopping it if it runs.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.stop().await;
        self.run = launch(&self.options, &self.folder, self.ports).await?;
        Ok(())
    }

    /// Stops it in the middle of whatever it does, with its connections open, until [`Server::thaw`]. A network that is cut
    /// looks the same from outside.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // Once it has ended the number may be another process's.
        if self.run.guarded.has_ended().is_some() {
            return;
        }
        let pid = Pid::from_raw(self.pid().cast_signed()).expect("a process has a number above 0");
        if let Err(error) = kill_process(pid, signal) {
            tracing::debug!(%error, "a server that is gone gets no signal");
        }
    }
}

async fn launch(options: &ServerOptions, folder: &DataFolder, ports: Ports) -> Result<Run, Error> {
    let log = folder.lock().await?;
    let log_from = folder.log_length();
    if ready::is_taken(ports.client).await {
        return Err(Error::PortTaken(ports.client));
    }
    let config = folder.prepare(&options.config(folder, ports))?;
    let program = options.binary.path();
    let spawned = Guarded::spawn(program, &config, folder.root(), log).await;
    let guarded = spawned.map_err(Error::io("start", program))?;
    let not_ready = |how: String| Error::NotReady { how, log: folder.log(), tail: folder.log_tail(log_from) };

    let deadline = Instant::now() + options.ready_within;
    let noted = PathBuf::from(folder.ports());
    loop {
        if let Some(ended) = guarded.has_ended() {
            return Err(not_ready(format!("{ended} before it was ready")));
        }
        match ready::look(&noted, ports.client).await {
            Readiness::Ready => break,
            Readiness::WithoutJetStream => return Err(not_ready("runs without JetStream".to_owned())),
            Readiness::NotYet if deadline <= Instant::now() => {
                return Err(not_ready(format!("was not ready within {:?}", options.ready_within)));
            }
            Readiness::NotYet => sleep(POLL).await,
        }
    }
    tokio::spawn(tell_of_death(guarded.pid, guarded.ended(), folder.log()));
    Ok(Run { guarded, log_from })
}

async fn tell_of_death(pid: u32, ended: impl Future<Output = crate::guard::Ended>, log: PathBuf) {
    let ended = ended.await;
    if !ended.asked {
        tracing::error!(pid, how = %ended, log = %log.display(), "nats-server died");
    }
}

async fn await_silence(port: u16) {
    let deadline = Instant::now() + SILENT_WITHIN;
    while ready::is_taken(port).await && Instant::now() < deadline {
        sleep(POLL).await;
    }
}
