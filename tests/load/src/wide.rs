//! Single executions of very many: items of a loop, steps of a definition, steps that a step returned.
//!
//! When all of them are done the execution waits for a signal. Until then the time runs. Then the orchestrator is told to end, which
//! saves what it holds, so that the snapshot can be looked at; another goes on from there.

mod shapes;

use std::{path::PathBuf, time::Duration};

use async_nats::jetstream;
use futures::StreamExt;
use sagaline_model::{ExecutionId, Name, partition_of};
use sagaline_sdk::{
    client::{Client, StartOptions},
    worker::Worker,
};
use sagaline_server::{Finder, Server, ServerOptions};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    process::Command,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use self::shapes::{Shape, plan};
use crate::{
    floor::Failure,
    processes::{Service, run_to_end},
};

#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// Where `sagaline`, `sagaline-orchestrator` and `sagaline-executor` are: a release build of all of them.
    #[arg(long, default_value = "target/release")]
    pub programs: PathBuf,
    /// Items of a loop, a hundred of them at work at once; one figure after the other, each on a server of its own.
    #[arg(long, value_delimiter = ',', default_value = "2500,5000,10000")]
    pub items: Vec<u32>,
    /// Steps of a definition, in rows of 25, each after two of the row before.
    #[arg(long, value_delimiter = ',', default_value = "250,500,1000")]
    pub steps: Vec<u32>,
    /// Steps that a step returns, a hundred of them at work at once.
    #[arg(long, value_delimiter = ',', default_value = "250,500,1000")]
    pub returned: Vec<u32>,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Wide {
    pub runs: Vec<Measured>,
}

/// One run.
#[derive(Debug, Serialize)]
pub struct Measured {
    pub shape: &'static str,
    pub size: u32,
    /// From before the start until all of them are done.
    pub took_ms: u64,
    pub per_step_us: u64,
    pub orchestrator: Memory,
    /// Stored by the execution on the log of its partition, what the server needs for each message included.
    pub log: Stored,
    pub lifecycle: Told,
    /// When all of them are done.
    pub snapshot_bytes: usize,
    /// From the start of another orchestrator until the execution has ended.
    pub gone_on_ms: u64,
}

/// Resident, in KiB.
#[derive(Debug, Serialize)]
pub struct Memory {
    pub before: u64,
    /// The most it ever was.
    pub most: u64,
    pub after: u64,
}

#[derive(Debug, Serialize)]
pub struct Stored {
    pub messages: u64,
    pub bytes: u64,
}

/// Events, by what they carry.
#[derive(Debug, Default, Serialize)]
pub struct Told {
    pub events: u64,
    pub bytes: usize,
    /// The data of the largest.
    pub largest: usize,
}

const ENDS_WITHIN: Duration = Duration::from_secs(300);
const WORKFLOW: &str = "wide";
const EXECUTION: &str = "wide-1";
/// The step that waits when all others are done.
const HOLD: &str = "hold";

/// Measures everything that is asked for; tells `progress` of every run.
pub async fn run(settings: &Settings, mut progress: impl FnMut(&str)) -> Result<Wide, Failure> {
    let items = settings.items.iter().map(|size| (Shape::Items, *size));
    let steps = settings.steps.iter().map(|size| (Shape::Steps, *size));
    let returned = settings.returned.iter().map(|size| (Shape::Returned, *size));
    let binary = Finder::from_env().find_or_install(&mut progress)?;
    let mut runs = vec![];
    for (shape, size) in items.chain(steps).chain(returned) {
        let folder = std::env::temp_dir().join(format!("sagaline-wide-{}", std::process::id()));
        let mut server = Server::start(ServerOptions::new(binary.clone(), folder.join("nats"))).await?;
        let site = Site { settings, url: server.url(), folder: folder.clone() };
        let result = site.measure(shape, size).await;
        server.stop().await;
        std::fs::remove_dir_all(&folder)?;
        let measured = result?;
        progress(&format!("{size} {}: {} ms", measured.shape, measured.took_ms));
        runs.push(measured);
    }
    Ok(Wide { runs })
}

/// The programs of one run.
struct Site<'s> {
    settings: &'s Settings,
    url: String,
    folder: PathBuf,
}

impl Site<'_> {
    fn program(&self, name: &str) -> Command {
        Command::new(self.settings.programs.join(name))
    }

    async fn orchestrator(&self) -> Result<Service, Failure> {
        Service::start("sagaline-orchestrator", self.program("sagaline-orchestrator"), &self.url).await
    }

    async fn apply(&self, definition: &str) -> Result<(), Failure> {
        let file = self.folder.join("wide.yaml");
        std::fs::write(&file, definition)?;
        let mut apply = self.program("sagaline");
        apply.arg("apply").arg(&file).args(["--nats-url", &self.url]);
        run_to_end(apply).await?;
        Ok(())
    }

    async fn measure(&self, shape: Shape, size: u32) -> Result<Measured, Failure> {
        let orchestrator = self.orchestrator().await?;
        let mut executor = self.program("sagaline-executor");
        executor.args(["--concurrency", "256"]);
        let executor = Service::start("sagaline-executor", executor, &self.url).await?;
        self.apply(&shape.definition(size)?).await?;
        let client = Client::connect(&self.url, "sagaline", WORKFLOW).await?;
        let stop = CancellationToken::new();
        let worker = Worker::new(client.connection().clone()).activity("wide.plan", plan);
        let planning = tokio::spawn(worker.run(stop.clone()));

        let mut events = Events::follow(&client).await?;
        let before = orchestrator.resident_kib()?;
        let stored = stored(&client).await?;
        let id = ExecutionId::new(EXECUTION)?;
        let options = StartOptions { id: Some(id.clone()), ..StartOptions::default() };
        let begun = Instant::now();
        client.start(&Name::new(WORKFLOW)?, shape.input(size), options).await?;
        let all_done = events.until_it_waits();
        let too_long = |_| format!("{size} {} took longer than {ENDS_WITHIN:?}", shape.name());
        timeout(ENDS_WITHIN, all_done).await.map_err(too_long)??;
        let took = begun.elapsed();
        let memory = Memory { before, most: orchestrator.most_resident_kib()?, after: orchestrator.resident_kib()? };
        let now = self::stored(&client).await?;
        let log = Stored { messages: now.messages - stored.messages, bytes: now.bytes - stored.bytes };

        orchestrator.stop().await?;
        let snapshot_bytes = snapshot(&client).await?;
        let begun = Instant::now();
        let orchestrator = self.orchestrator().await?;
        client.signal(&id, &Name::new("go")?, json!(null)).await?;
        let view = timeout(ENDS_WITHIN, client.wait(&id)).await.map_err(too_long)??;
        let gone_on = begun.elapsed();
        if view.status.as_str() != "completed" {
            return Err(format!("{size} {} ended {}: {:?}", shape.name(), view.status.as_str(), view.error).into());
        }
        stop.cancel();
        planning.await??;
        executor.stop().await?;
        orchestrator.stop().await?;
        Ok(Measured {
            shape: shape.name(),
            size,
            took_ms: u64::try_from(took.as_millis())?,
            per_step_us: u64::try_from(took.as_micros())? / u64::from(size.max(1)),
            orchestrator: memory,
            log,
            lifecycle: events.told,
            snapshot_bytes,
            gone_on_ms: u64::try_from(gone_on.as_millis())?,
        })
    }
}

/// The lifecycle events of the execution, counted.
struct Events {
    subscription: async_nats::Subscriber,
    told: Told,
}

impl Events {
    async fn follow(client: &Client) -> Result<Self, Failure> {
        let nats = client.connection().client();
        let subscription = nats.subscribe("sagaline.lifecycle.>").await?;
        nats.flush().await?;
        Ok(Self { subscription, told: Told::default() })
    }

    /// Until the step waits that comes after all others; an error if the execution ends before.
    async fn until_it_waits(&mut self) -> Result<(), Failure> {
        while let Some(event) = self.subscription.next().await {
            self.told.events += 1;
            self.told.bytes += event.payload.len();
            self.told.largest = self.told.largest.max(event.payload.len());
            let what = event.subject.as_str().trim_start_matches("sagaline.lifecycle.");
            if what.starts_with("step.waiting.") {
                let data: Value = serde_json::from_slice(&event.payload)?;
                if data["step"] == HOLD {
                    return Ok(());
                }
            }
            if ["completed", "failed", "timed_out", "cancelled"]
                .iter()
                .any(|end| what.starts_with(&format!("workflow.{end}.")))
            {
                return Err(format!("it ended too early: {}", String::from_utf8_lossy(&event.payload)).into());
            }
        }
        Err("the subscription to lifecycle events ended".into())
    }
}

/// What is on the log of the execution's partition.
async fn stored(client: &Client) -> Result<Stored, Failure> {
    let names = client.connection().names();
    let context = jetstream::new(client.connection().client().clone());
    let log = context.get_stream(names.runs(partition_of(EXECUTION, client.partitions()))).await?;
    let state = &log.cached_info().state;
    Ok(Stored { messages: state.messages, bytes: state.bytes })
}

/// How large the snapshot of the execution is.
async fn snapshot(client: &Client) -> Result<usize, Failure> {
    let partition = partition_of(EXECUTION, client.partitions());
    let context = jetstream::new(client.connection().client().clone());
    let bucket = context.get_key_value("executions").await?;
    let key = format!("{partition}.{EXECUTION}");
    let snapshot = bucket.get(&key).await?;
    Ok(snapshot.ok_or_else(|| format!("the orchestrator ended and left no snapshot `{key}`"))?.len())
}
