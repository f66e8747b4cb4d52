//! The system under test, and raw workers as processes that can be killed.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use sagaline_sdk::client::Client as Sdk;
use sagaline_telemetry::Health;
use sagaline_testkit::site::Nats;
use sagaline_wire::client::Client;
use tokio::{runtime::Runtime, task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

/// Long enough for a machine with much else to do.
pub(crate) const LONG: Duration = Duration::from_secs(90);

/// A NATS and an orchestrator. The tests themselves are not asynchronous: neither is what they test.
pub(crate) struct Site {
    runtime: Runtime,
    server: Nats,
    orchestrator: Option<JoinHandle<Result<(), sagaline_orchestrator::Error>>>,
    stop: CancellationToken,
}

impl Site {
    /// With this workflow applied.
    pub(crate) fn with(workflow: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Nats::start("wire"));
        let stop = CancellationToken::new();
        let mut settings = sagaline_orchestrator::Settings::new(server.url(), "sagaline");
        settings.installation.replicas = server.replicas();
        let running = sagaline_orchestrator::run(settings, Health::default(), stop.clone());
        let orchestrator = Some(runtime.spawn(running));
        let site = Self { runtime, server, orchestrator, stop };
        site.apply(workflow);
        site
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.server.port())
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.address()).expect("an installation")
    }

    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.runtime.spawn(work)
    }

    fn apply(&self, workflow: &str) {
        let plan = sagaline_lang::read(workflow, "test.yaml").expect("a definition").plan;
        self.runtime.block_on(async {
            let deadline = Instant::now() + LONG;
            loop {
                let applied = match Sdk::connect(&self.url(), "sagaline", "test").await {
                    Ok(client) => client.apply(&plan, None).await,
                    Err(error) => Err(error),
                };
                match applied {
                    Ok(_) => return,
                    Err(error) => assert!(Instant::now() < deadline, "the installation is not ready: {error}"),
                }
                sleep(Duration::from_millis(50)).await;
            }
        });
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
        let orchestrator = self.orchestrator.take();
        self.runtime.block_on(async {
            if let Some(orchestrator) = orchestrator {
                drop(orchestrator.await);
            }
            self.server.stop().await;
        });
    }
}

/// A raw worker of its own process, and what it says.
pub(crate) struct Worker {
    process: Child,
    lines: Receiver<String>,
    /// All that it has said so far.
    said: Vec<String>,
}

impl Worker {
    /// Starts one and waits until it can be given tasks.
    pub(crate) fn start(site: &Site, activity: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_raw-worker"));
        command.args([&*site.address(), "default", activity]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the raw worker can be started");
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line.trim_end().to_owned()).is_err() {
                    return;
                }
            }
        });
        let mut worker = Self { process, lines, said: vec![] };
        worker.says("ready");
        worker
    }

    pub(crate) fn name(&self) -> String {
        format!("raw-{}", self.process.id())
    }

    /// Waits until it says this, or what begins so.
    pub(crate) fn says(&mut self, line: &str) {
        let deadline = Instant::now() + LONG;
        while !self.said.iter().any(|said| said.starts_with(line)) {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(said) => self.said.push(said),
                Err(RecvTimeoutError::Timeout) => panic!("`{line}` was not said in time; {:?}", self.said),
                Err(RecvTimeoutError::Disconnected) => panic!("the worker ended before `{line}`: {:?}", self.said),
            }
        }
    }

    /// All that it has said up to now.
    pub(crate) fn said(&mut self) -> &[String] {
        self.said.extend(self.lines.try_iter());
        &self.said
    }

    /// `STOP` and `CONT`, for a process that stands still for a while.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status();
        assert!(sent.expect("`kill` is there").success(), "{name}");
    }

    /// As `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A test that failed leaves no process.
        drop((self.process.kill(), self.process.wait()));
    }
}
