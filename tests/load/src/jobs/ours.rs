//! Sagaline's side: an orchestrator, an executor with so many slots, and submits through the SDK.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::SystemTime,
};

use futures::future::try_join_all;
use sagaline_sdk::client::{Client, Job};
use serde_json::json;
use tokio::{
    process::Command,
    time::{Duration, Instant, sleep},
};

use super::{Run, Settings};
use crate::{floor::Failure, processes::Service};

/// Where the ends of executions are kept.
const RESULTS: &str = "KV_results";
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Nobody waits longer for a run.
const PATIENCE: Duration = Duration::from_secs(600);

pub(super) async fn orchestrator(settings: &Settings, url: &str) -> Result<Service, Failure> {
    Service::start("sagaline-orchestrator", program(settings, "sagaline-orchestrator")?, url).await
}

fn program(settings: &Settings, name: &str) -> Result<Command, Failure> {
    let program = settings.programs.join(name);
    if !program.is_file() {
        return Err(
            format!("there is no `{}`; build it, or name its folder with `--programs`", program.display()).into()
        );
    }
    let mut command = Command::new(program);
    command.env("SAGALINE_LOG", "warn");
    Ok(command)
}

/// One run, with an executor of its own.
pub(super) async fn run(settings: &Settings, url: &str, concurrency: u32) -> Result<Run, Failure> {
    let mut executor = program(settings, "sagaline-executor")?;
    executor.args(["--concurrency", &concurrency.to_string()]);
    let executor = Service::start("sagaline-executor", executor, url).await?;
    let client = Client::connect(url, "sagaline", "jobs").await?;
    submit(&client, settings.warm_up, concurrency).await?;
    let run = submit(&client, settings.jobs, concurrency).await?;
    executor.stop().await?;
    Ok(run)
}

/// Submits so many jobs and waits until all are done.
async fn submit(client: &Client, jobs: u32, concurrency: u32) -> Result<Run, Failure> {
    let before = results(client).await?;
    let left = AtomicU32::new(jobs);
    let began = now_ms();
    let submits = (0..concurrency).map(async |_| {
        while let Ok(number) = left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
            client.submit(Job::new("noop").payload(json!({ "number": number }))).await?;
        }
        Ok::<_, Failure>(())
    });
    try_join_all(submits).await?;
    let acknowledged = now_ms();
    let deadline = Instant::now() + PATIENCE;
    while results(client).await? < before + u64::from(jobs) {
        if deadline <= Instant::now() {
            return Err(format!("not all of {jobs} jobs ended within {PATIENCE:?}").into());
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(Run::of(jobs, began, acknowledged, now_ms()))
}

/// How many executions have ended, and that is kept.
async fn results(client: &Client) -> Result<u64, Failure> {
    let stream = client.connection().jetstream().get_stream(RESULTS).await?;
    Ok(stream.cached_info().state.messages)
}

fn now_ms() -> f64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since_1970.as_secs_f64() * 1000.0
}
