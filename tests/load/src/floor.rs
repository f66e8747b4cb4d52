//! The floor: what durable steps cost when nothing but JetStream is paid for.
//!
//! The barest possible version of the pipeline: a log stream per partition, a fold held in memory, a work queue, an executor
//! that does nothing, eight lifecycle events per execution (started, three steps started, three completed, completed), one
//! final state per execution; the starter learns of an end from the lifecycle subject, as any client would. 16 stored
//! messages in all. No timers, no recovery, no expressions, no retries. Every message is a real JetStream publish that is
//! waited for. So it is the limit that the services are compared with, side by side in one run.

mod event;
mod execute;
mod orchestrate;
mod start;
mod streams;

use std::{error::Error, sync::Arc, thread};

use async_nats::{
    Client, HeaderMap,
    jetstream::{self, Context},
};
use serde::Serialize;
use tokio::sync::{Barrier, mpsc};

/// The steps of a workflow, one after the other.
pub(crate) const STEPS: u64 = 3;
const NEW_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence";

/// Whatever goes wrong ends the measurement; only its text matters.
pub type Failure = Box<dyn Error + Send + Sync>;

/// How much is run, and against which server.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    #[arg(long, default_value = "nats://127.0.0.1:4222")]
    pub url: String,
    /// How many workflows are run.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub workflows: u64,
    /// How many of them are in flight at any time.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub concurrency: u32,
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=streams::PARTITIONS_MAX))]
    pub partitions: u64,
    #[arg(long, default_value_t = 1)]
    pub replicas: usize,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    pub workflows: u64,
    pub concurrency: u32,
    pub partitions: u64,
    pub replicas: usize,
    pub workflows_per_s: f64,
    pub steps_per_s: f64,
    /// From the start of a workflow to its end, in microseconds: half of them were faster.
    pub p50_us: u64,
    pub p99_us: u64,
}

/// How the parts of the pipeline speak to whoever measures.
#[derive(Clone)]
struct Reporter {
    /// Everybody waits here until all the others are ready too.
    ready: Arc<Barrier>,
    broken: mpsc::UnboundedSender<Failure>,
}

/// Deletes and makes anew its own streams `FLOOR_…`, then measures.
pub async fn run(settings: Settings) -> Result<Figures, Failure> {
    let client = connect(&settings.url).await?;
    let context = jetstream::new(client);
    streams::make(&context, settings.replicas, settings.partitions).await?;
    // Every orchestrator, the executor, and whoever measures.
    let ready = Arc::new(Barrier::new(usize::try_from(settings.partitions)? + 2));
    let (broken, mut breakage) = mpsc::unbounded_channel();
    let reporter = Reporter { ready, broken };

    let ended = start::follow_ends(&settings, &reporter).await?;
    for partition in 0..settings.partitions {
        spawn_orchestrator(settings.clone(), partition, reporter.clone())?;
    }
    tokio::spawn({
        let (settings, reporter) = (settings.clone(), reporter.clone());
        async move { reporter.tell(execute::execute(settings, reporter.clone()).await) }
    });
    let measured = async {
        reporter.ready().await;
        start::measure(&settings, &context, ended).await
    };
    tokio::select! {
        figures = measured => figures,
        failure = breakage.recv() => Err(failure.expect("a reporter is held here")),
    }
}

/// A thread of its own for each partition, as each would be a process of its own.
fn spawn_orchestrator(settings: Settings, partition: u64, reporter: Reporter) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let orchestrate = move || {
        let ended = runtime.block_on(orchestrate::orchestrate(&settings, partition, &reporter));
        reporter.tell(ended);
    };
    thread::Builder::new().name(format!("partition {partition}")).spawn(orchestrate)?;
    Ok(())
}

impl Reporter {
    async fn ready(&self) {
        self.ready.wait().await;
    }

    fn tell(&self, ended: Result<(), Failure>) {
        if let Err(failure) = ended {
            // Only the first is heard.
            drop(self.broken.send(failure));
        }
    }
}

async fn connect(url: &str) -> Result<Client, Failure> {
    let nodes: Vec<&str> = url.split(',').collect();
    let connected = async_nats::connect(nodes).await;
    connected.map_err(|error| {
        format!("cannot reach NATS at `{url}`; start nats-server with `-js`, or name it with `--url`: {error}").into()
    })
}

/// The headers of a message that is stored only if its subject is new.
fn only_if_new() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NEW_SUBJECT, "0");
    headers
}

/// A connection of its own, as every service has.
async fn connect_jetstream(url: &str) -> Result<Context, Failure> {
    Ok(jetstream::new(connect(url).await?))
}
