//! A NATS, an orchestrator as a process of its own, a worker in this one, and many jobs.

use std::{
    collections::HashSet,
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{StreamExt, pin_mut};
use sagaline_broker::{
    names::{LogKind, PART_PREFIX},
    nats::{Connection, connect},
    owner::Checkpoint,
    ports::Bucket,
};
use sagaline_model::{Name, QueueSettings};
use sagaline_sdk::{
    client::{Client, Job},
    worker::{ActivityContext, ActivityError, Worker},
};
use sagaline_testkit::site::{Nats, eventually};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

const QUEUE: &str = "default";

pub(crate) struct Site {
    nats: Nats,
    connection: Connection,
    client: Client,
    orchestrator: Child,
    log: PathBuf,
    seen: Arc<Seen>,
}

/// What the worker did.
#[derive(Default)]
struct Seen {
    done: Mutex<HashSet<String>>,
    twice: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

pub(crate) struct Ended {
    pub(crate) twice: usize,
    pub(crate) most: usize,
}

impl Drop for Site {
    #[expect(clippy::print_stdout, reason = "a test that failed shows what the process said")]
    fn drop(&mut self) {
        drop((self.orchestrator.kill(), self.orchestrator.wait()));
        if std::thread::panicking() {
            println!("{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

impl Site {
    /// One partition, and a queue that does so many jobs at once.
    pub(crate) async fn start(at_once: u32) -> Self {
        let nats = Nats::start("waiting").await;
        let log = nats.folder().join("orchestrator.log");
        let orchestrator = spawn(&nats, &log);
        let connection = connect(&nats.url(), "sagaline", "test").await.expect("a connection");
        let mut client = None;
        eventually("the installation is there", async || {
            client = Client::over(connection.clone(), "test").await.ok();
            client.is_some()
        })
        .await;
        let client = client.expect("just made");
        let queue = Name::new(QUEUE).expect("a name");
        let narrow = |settings: &mut QueueSettings| settings.concurrency = Some(at_once);
        eventually("the queue is set", async || client.set_queue(&queue, narrow).await.is_ok()).await;
        Self { nats, connection, client, orchestrator, log, seen: Arc::default() }
    }

    pub(crate) fn restart_orchestrator(&mut self) {
        self.orchestrator.kill().expect("it can be killed");
        self.orchestrator.wait().expect("it has ended");
        self.orchestrator = spawn(&self.nats, &self.log);
    }

    pub(crate) async fn submit(&self, jobs: usize) {
        let jobs = (0..jobs).map(|number| Job::new("count").payload(json!(number)).queue(QUEUE));
        let submitted = self.client.submit_all(jobs);
        pin_mut!(submitted);
        while let Some(submitted) = submitted.next().await {
            submitted.expect("it is submitted");
        }
    }

    /// Waits until the checkpoint has passed all entries of the log: so many.
    pub(crate) async fn is_saved(&self) -> u64 {
        let until = Instant::now() + Duration::from_secs(300);
        loop {
            let there = self.connection.value(Bucket::Partitions, &LogKind::Runs.checkpoint_key(0)).await;
            let checkpoint = there.expect("an answer").map(|(_, json)| serde_json::from_slice::<Checkpoint>(&json));
            let next = checkpoint.transpose().expect("a checkpoint").unwrap_or_default().next;
            let head = self.head().await;
            if head < next {
                return head;
            }
            assert!(Instant::now() < until, "the checkpoint stands at {next}, the log at {head}");
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// How large the snapshot is that is in parts, if one is.
    pub(crate) async fn bytes_in_parts(&self) -> Option<u64> {
        self.manifest().await?["parts"]["bytes"].as_u64()
    }

    async fn keys(&self) -> Vec<String> {
        let bucket = self.connection.jetstream().get_key_value("executions").await.expect("a bucket");
        let keys = bucket.keys().await.expect("its keys");
        keys.filter_map(async |key| key.ok()).collect().await
    }

    async fn manifest(&self) -> Option<Value> {
        let keys = self.keys().await;
        let part = keys.iter().find_map(|key| key.strip_prefix(PART_PREFIX))?;
        let key = part.rsplitn(3, '.').last()?;
        let (_, value) = self.connection.value(Bucket::Executions, key).await.expect("an answer")?;
        serde_json::from_slice(&value).ok().filter(|manifest: &Value| manifest["parts"].is_object())
    }

    /// Whatever was in parts fits in one message again, or is gone.
    pub(crate) async fn has_no_parts(&self) {
        let until = Instant::now() + Duration::from_secs(120);
        while self.manifest().await.is_some() {
            assert!(Instant::now() < until, "there are parts still");
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// The last entry of the log.
    pub(crate) async fn head(&self) -> u64 {
        let log = self.connection.jetstream().get_stream("RUNS_0").await.expect("the log");
        log.cached_info().state.last_sequence
    }

    /// How many entries the owner folded that was the `number`-th to recover.
    pub(crate) async fn recovered(&self, number: usize) -> u64 {
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let said = fs::read_to_string(&self.log).expect("its log");
            let folded: Vec<u64> = said.lines().filter_map(folded).collect();
            if let Some(folded) = folded.get(number - 1) {
                return *folded;
            }
            assert!(Instant::now() < until, "the owner has not recovered: {}", said);
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn work(&self) -> (JoinHandle<()>, CancellationToken) {
        let (seen, stop) = (Arc::clone(&self.seen), CancellationToken::new());
        let count = move |_context: ActivityContext, number: Value| {
            let seen = Arc::clone(&seen);
            async move {
                let now = seen.now.fetch_add(1, Ordering::AcqRel) + 1;
                seen.most.fetch_max(now, Ordering::AcqRel);
                if !seen.done.lock().expect("no panic").insert(number.to_string()) {
                    seen.twice.fetch_add(1, Ordering::AcqRel);
                }
                seen.now.fetch_sub(1, Ordering::AcqRel);
                Ok::<_, ActivityError>(json!(null))
            }
        };
        let worker = Worker::new(self.nats.url()).queue(QUEUE).concurrency(256).activity("count", count);
        let until = stop.clone();
        let running = tokio::spawn(async move { worker.run(until).await.expect("it works") });
        (running, stop)
    }

    pub(crate) async fn are_done(&self, count: usize) {
        let mut last = (0, Instant::now());
        loop {
            let done = self.seen.done.lock().expect("no panic").len();
            if count <= done {
                return;
            }
            if last.0 < done {
                last = (done, Instant::now());
            }
            assert!(last.1.elapsed() < Duration::from_secs(120), "{done} of {count} are done, and no more");
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn end(&self, (worker, stop): (JoinHandle<()>, CancellationToken)) -> Ended {
        stop.cancel();
        worker.await.expect("no panic");
        let Seen { twice, most, .. } = &*self.seen;
        Ended { twice: twice.load(Ordering::Acquire), most: most.load(Ordering::Acquire) }
    }
}

fn folded(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once("folded=")?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

fn spawn(nats: &Nats, log: &PathBuf) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
    let replicas = sagaline_testkit::site::nodes().to_string();
    Command::new(env!("CARGO_BIN_EXE_sagaline-orchestrator"))
        .args(["--nats-url", &nats.url(), "--http", "127.0.0.1:0", "--partitions", "1", "--replicas", &replicas])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it starts")
}
