//! Very many executions that wait: how long a restarted orchestrator takes until it answers for all of them, how fast a signal to
//! any of them is handled, and how much memory it all takes. The same with tasks that nobody has done yet.

mod site;

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::{Client, StartOptions};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use self::site::Site;
use crate::{floor::Failure, owners::sum};

#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// Where `sagaline` and `sagaline-orchestrator` are: a release build of both.
    #[arg(long, default_value = "target/release")]
    pub programs: std::path::PathBuf,
    /// How many executions wait, one figure after the other, each on a server of its own.
    #[arg(long, value_delimiter = ',', default_value = "25000,50000,100000")]
    pub open: Vec<u32>,
    /// How many executions have a task in a queue that nobody serves, likewise.
    #[arg(long, value_delimiter = ',')]
    pub tasks: Vec<u32>,
    #[arg(long, default_value_t = 4)]
    pub partitions: u32,
    /// How many of those that wait get a signal, one after the other.
    #[arg(long, default_value_t = 500)]
    pub signals: u32,
    /// The orchestrator is killed rather than stopped: its leases have to run out first, which takes three seconds.
    #[arg(long)]
    pub kill: bool,
}

/// One run.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// How many executions are open.
    pub open: u32,
    /// Whether they have a task in a queue; otherwise half of them wait for a signal, half for tomorrow.
    pub tasks: bool,
    pub partitions: u32,
    pub started_per_second: f64,
    /// From the start of the process until every partition is live.
    pub ready_ms: u64,
    pub memory: Memory,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<Latency>,
}

/// Resident, in KiB.
#[derive(Debug, Serialize)]
pub struct Memory {
    /// The orchestrator, right after the last start.
    pub with_all_in_memory: u64,
    /// When it holds none of those that wait.
    pub at_rest: u64,
    /// After it was started again.
    pub restarted: u64,
    pub nats_server: u64,
}

/// From before a signal is sent until it is told that its step goes on.
#[derive(Debug, Serialize)]
pub struct Latency {
    pub count: usize,
    pub p50_us: u64,
    pub p99_us: u64,
    pub max_us: u64,
}

const DEFINITIONS: [(&str, &str); 3] = [
    ("asks", "workflow: asks\nsteps:\n  ask: { await: { signal: go } }\n"),
    ("naps", "workflow: naps\nsteps:\n  nap: { wait: 1d }\n"),
    ("works", "workflow: works\nsteps:\n  work: { activity: nobody.works, input: { n: \"${ workflow.input.n }\" } }\n"),
];

/// Starts in flight.
const STARTS_AT_ONCE: usize = 256;
/// The orchestrator lets go of what waits half a minute after it moved.
const AT_REST_WITHIN: Duration = Duration::from_secs(120);
const READY_WITHIN: Duration = Duration::from_secs(120);
const HANDLED_WITHIN: Duration = Duration::from_secs(30);

/// Measures everything that is asked for; tells `progress` of every step.
pub async fn run(settings: &Settings, mut progress: impl FnMut(&str)) -> Result<Vec<Measured>, Failure> {
    let open = settings.open.iter().map(|open| (*open, false));
    let mut measured = vec![];
    for (open, tasks) in open.chain(settings.tasks.iter().map(|tasks| (*tasks, true))) {
        let mut site = Site::start(settings, &mut progress).await?;
        let result = measure(settings, &mut site, open, tasks, &mut progress).await;
        site.end().await?;
        measured.push(result?);
    }
    Ok(measured)
}

async fn measure(
    settings: &Settings,
    site: &mut Site,
    open: u32,
    tasks: bool,
    progress: &mut impl FnMut(&str),
) -> Result<Measured, Failure> {
    for (name, definition) in DEFINITIONS {
        site.apply(name, definition).await?;
    }
    let client = Client::connect(&site.url(), "sagaline", "many").await?;
    let begun = Instant::now();
    start_all(&client, open, tasks).await?;
    let started_per_second = f64::from(open) / begun.elapsed().as_secs_f64();
    progress(&format!("{open} started, {started_per_second:.0} a second"));

    // Whether the owners have applied all of them is asked, not guessed.
    site.wait_for(&client, AT_REST_WITHIN, |partitions| sum(partitions, "open") >= u64::from(open)).await?;
    let with_all_in_memory = site.orchestrator_kib()?;
    if !tasks {
        site.wait_for(&client, AT_REST_WITHIN, |partitions| sum(partitions, "loaded") == 0).await?;
    }
    let at_rest = site.orchestrator_kib()?;
    progress(&format!("{with_all_in_memory} KiB with all in memory, {at_rest} KiB at rest"));

    site.stop(settings.kill).await?;
    let begun = Instant::now();
    site.start_orchestrator().await?;
    let live = |partitions: &[Value]| partitions.iter().all(|partition| partition["live"] == true);
    site.wait_for(&client, READY_WITHIN, live).await?;
    let ready_ms = u64::try_from(begun.elapsed().as_millis())?;
    progress(&format!("ready after {ready_ms} ms"));
    let restarted = site.orchestrator_kib()?;

    let signal = if tasks { None } else { Some(signal_some(&client, open, settings.signals).await?) };
    let nats_server = site.nats_kib()?;
    let memory = Memory { with_all_in_memory, at_rest, restarted, nats_server };
    Ok(Measured { open, tasks, partitions: settings.partitions, started_per_second, ready_ms, memory, signal })
}

fn id(number: u32) -> Result<ExecutionId, Failure> {
    Ok(ExecutionId::new(format!("order-{number:07}"))?)
}

async fn start_all(client: &Client, count: u32, tasks: bool) -> Result<(), Failure> {
    let starts = stream::iter(0..count).map(|number| async move {
        let workflow = match (tasks, number % 2) {
            (true, _) => "works",
            (false, 0) => "asks",
            (false, _) => "naps",
        };
        let options = StartOptions { id: Some(id(number)?), ..StartOptions::default() };
        client.start(&Name::new(workflow)?, json!({ "n": number }), options).await?;
        Ok::<_, Failure>(())
    });
    starts.buffer_unordered(STARTS_AT_ONCE).try_collect().await
}

/// Signals go to executions all over, none twice.
async fn signal_some(client: &Client, open: u32, signals: u32) -> Result<Latency, Failure> {
    const STRIDE: u64 = 7919;
    let asking = u64::from(open.div_ceil(2));
    let go = Name::new("go")?;
    let nats = client.connection().client();
    let mut events = nats.subscribe("sagaline.lifecycle.step.resumed.>").await?;
    nats.flush().await?;
    let mut took: Vec<u64> = vec![];
    for number in 0..u64::from(signals).min(asking) {
        let to = id(u32::try_from(2 * (number * STRIDE % asking))?)?;
        let begun = Instant::now();
        client.signal(&to, &go, json!({ "by": "many" })).await?;
        let handled = async {
            while let Some(event) = events.next().await {
                if event.subject.ends_with(to.as_str()) {
                    return Ok(());
                }
            }
            Err(Failure::from("the subscription ended"))
        };
        timeout(HANDLED_WITHIN, handled).await.map_err(|_| format!("the signal to `{to}` was not handled"))??;
        took.push(u64::try_from(begun.elapsed().as_micros())?);
    }
    took.sort_unstable();
    let at = |permille: usize| took.get(took.len().saturating_sub(1) * permille / 1000).copied().unwrap_or(0);
    Ok(Latency { count: took.len(), p50_us: at(500), p99_us: at(990), max_us: at(1000) })
}
