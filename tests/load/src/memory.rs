//! How much memory an orchestrator holds: with many executions open, while very many others come and go.

use std::path::PathBuf;

use sagaline_server::{Finder, Server, ServerOptions};
use serde::Serialize;
use tokio::{
    process::Command,
    time::{Duration, sleep},
};

use crate::{
    floor::Failure,
    processes::{Service, run_to_end},
};

#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// Where `sagaline`, `sagaline-orchestrator` and `sagaline-executor` are: a release build of all of them.
    #[arg(long, default_value = "target/release")]
    pub programs: PathBuf,
    /// How many executions stay open.
    #[arg(long, default_value_t = 10_000)]
    pub open: u32,
    /// How many come and go in each round.
    #[arg(long, default_value_t = 100_000)]
    pub workflows: u32,
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
}

/// What the orchestrator held, in KiB: with the open ones, then after each round.
#[derive(Debug, Serialize)]
pub struct Held {
    pub open: u32,
    pub workflows_per_round: u32,
    pub with_the_open_kib: u64,
    pub after_each_round_kib: Vec<u64>,
}

/// Measures; tells `progress` of every round.
pub async fn run(settings: &Settings, mut progress: impl FnMut(&str)) -> Result<Held, Failure> {
    let folder = std::env::temp_dir().join(format!("sagaline-memory-{}", std::process::id()));
    let binary = Finder::from_env().find_or_install(&mut progress)?;
    let mut server = Server::start(ServerOptions::new(binary, &folder)).await?;
    let held = measure(settings, &server.url(), &mut progress).await;
    server.stop().await;
    std::fs::remove_dir_all(&folder)?;
    held
}

async fn measure(settings: &Settings, url: &str, progress: &mut impl FnMut(&str)) -> Result<Held, Failure> {
    let program = |name: &str| Command::new(settings.programs.join(name));
    let orchestrator = Service::start("sagaline-orchestrator", program("sagaline-orchestrator"), url).await?;
    let mut slots = program("sagaline-executor");
    slots.args(["--concurrency", &(settings.open + 1000).to_string()]);
    let executor = Service::start("sagaline-executor", slots, url).await?;
    let bench = |arguments: &[String]| {
        let mut bench = program("sagaline");
        bench.args(["bench", "--nats-url", url]).args(arguments).kill_on_drop(true);
        bench
    };
    let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let open = settings.open.to_string();
    let stay = text(&["--workflows", &open, "--concurrency", &open, "--steps", "1", "--step-ms", "3600000"]);
    let mut staying = bench(&stay).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
    // Started at thousands a second; then the checkpoint passes them.
    sleep(Duration::from_secs(20)).await;
    let mut held = Held {
        open: settings.open,
        workflows_per_round: settings.workflows,
        with_the_open_kib: orchestrator.resident_kib()?,
        after_each_round_kib: vec![],
    };
    let load = text(&["--workflows", &settings.workflows.to_string(), "--concurrency", "256", "--steps", "3"]);
    for round in 1..=settings.rounds {
        run_to_end(bench(&load)).await?;
        let now = orchestrator.resident_kib()?;
        progress(&format!("round {round}: {now} KiB"));
        held.after_each_round_kib.push(now);
    }
    staying.kill().await?;
    drop((orchestrator, executor));
    Ok(held)
}
