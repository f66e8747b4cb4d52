//! Sagaline beside the floor: the same server, the same minute, one after the other, several times.
//!
//! Runs are interleaved because a machine is faster at one time than at another; what counts is the ratio of the medians. It
//! starts everything itself (nats-server, orchestrator, executor, each a process of its own) and ends it all.

mod summary;

use std::path::{Path, PathBuf};

use sagaline_server::{Cluster, Finder, Server, ServerOptions};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::summary::Summary;
use crate::{
    floor::{Failure, STEPS},
    processes::{Service, run_to_end},
};

/// What is compared, and how often.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// Where `sagaline`, `sagaline-orchestrator`, `sagaline-executor` and `floor` are: a release build of all of them.
    #[arg(long, default_value = "target/release")]
    pub programs: PathBuf,
    /// How often each of the two is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub pairs: u32,
    /// How many workflows are run with many in flight.
    #[arg(long, default_value_t = 20_000)]
    pub workflows: u32,
    /// How many are in flight then.
    #[arg(long, default_value_t = 512)]
    pub concurrency: u32,
    /// How many workflows are run one at a time.
    #[arg(long, default_value_t = 1000)]
    pub alone: u32,
    /// Every message is on the disk before it is acknowledged, as in production.
    #[arg(long)]
    pub sync_always: bool,
    /// How many nodes NATS has, and each stream replicas.
    #[arg(long, default_value_t = 1, value_parser = replicas)]
    pub replicas: usize,
    /// Only the floor: no service is needed.
    #[arg(long)]
    pub floor_only: bool,
    /// The server's files; removed at the end. A folder of this name in the system's place for temporary files, if not given.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
}

/// What a run gave. What one of the programs says beyond this is kept as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    pub workflows_per_s: f64,
    pub p50_us: f64,
    #[serde(default)]
    pub failed: u64,
    #[serde(default)]
    pub lost: u64,
    #[serde(default)]
    pub repeated_steps: u64,
    #[serde(skip_deserializing)]
    pub said: Value,
}

/// All runs of both, in order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Runs {
    pub floor: Vec<Run>,
    pub sagaline: Vec<Run>,
}

/// Measures; tells `progress` of every run.
pub async fn run(settings: &Settings, mut progress: impl FnMut(&str)) -> Result<Summary, Failure> {
    let services =
        if settings.floor_only { &[][..] } else { &["sagaline", "sagaline-orchestrator", "sagaline-executor"] };
    for name in services.iter().chain(&["floor"]) {
        // Before anything is started: what is missing is told at once.
        command(settings, name)?;
    }
    let binary = Finder::from_env().find_or_install(&mut progress)?;
    let folder = DataFolder::new(settings.data_dir.clone())?;
    let mut options = ServerOptions::new(binary, &folder.0);
    options.sync_always = settings.sync_always;
    if settings.replicas == 1 {
        let mut server = Server::start(options).await?;
        let measured = measure(settings, &server.url(), &mut progress).await;
        server.stop().await;
        return measured;
    }
    let mut cluster = Cluster::start(settings.replicas, options).await?;
    let measured = measure(settings, &cluster.url(), &mut progress).await;
    cluster.stop().await;
    measured
}

/// One node alone, or as many as can lose one.
fn replicas(text: &str) -> Result<usize, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err("one node or three can be measured".to_owned()),
    }
}

async fn measure(settings: &Settings, url: &str, progress: &mut impl FnMut(&str)) -> Result<Summary, Failure> {
    let services = start_services(settings, url).await?;
    let (mut many, mut one) = (Runs::default(), Runs::default());
    for pair in 1..=settings.pairs {
        for (runs, workflows, concurrency) in
            [(&mut many, settings.workflows, settings.concurrency), (&mut one, settings.alone, 1)]
        {
            let load =
                ["--workflows".to_owned(), workflows.to_string(), "--concurrency".into(), concurrency.to_string()];
            let mut floor = command(settings, "floor")?;
            floor.args(["--url", url, "--replicas", &settings.replicas.to_string()]).args(&load);
            let floor = read(&run_to_end(floor).await?)?;
            progress(&format!("pair {pair}, {concurrency} in flight, floor: {}", in_words(&floor)));
            runs.floor.push(floor);
            if settings.floor_only {
                continue;
            }
            let mut bench = command(settings, "sagaline")?;
            bench.args(["bench", "--nats-url", url, "--steps", &STEPS.to_string()]).args(&load);
            let bench = read(&run_to_end(bench).await?)?;
            progress(&format!("pair {pair}, {concurrency} in flight, sagaline: {}", in_words(&bench)));
            runs.sagaline.push(bench);
        }
    }
    for service in services {
        service.stop().await?;
    }
    Ok(Summary::of(settings.concurrency, many, one))
}

async fn start_services(settings: &Settings, url: &str) -> Result<Vec<Service>, Failure> {
    let mut services = vec![];
    if !settings.floor_only {
        for name in ["sagaline-orchestrator", "sagaline-executor"] {
            let mut service = command(settings, name)?;
            service.env("SAGALINE_REPLICAS", settings.replicas.to_string());
            services.push(Service::start(name, service, url).await?);
        }
    }
    Ok(services)
}

fn command(settings: &Settings, name: &str) -> Result<tokio::process::Command, Failure> {
    let program = Path::new(&settings.programs).join(name);
    if !program.is_file() {
        let build = "cargo build --release --workspace";
        return Err(format!(
            "there is no `{}`; build it with `{build}`, or name its folder with `--programs`",
            program.display()
        )
        .into());
    }
    Ok(tokio::process::Command::new(program))
}

fn read(output: &str) -> Result<Run, Failure> {
    let unreadable =
        |error| format!("a program printed `{}`, which is not the result of a run: {error}", output.trim());
    let said: Value = serde_json::from_str(output).map_err(unreadable)?;
    let run = Run::deserialize(&said).map_err(unreadable)?;
    Ok(Run { said, ..run })
}

fn in_words(run: &Run) -> String {
    format!("{:.0} workflows/s, half within {:.0} µs", run.workflows_per_s, run.p50_us)
}

/// Removed at the end.
struct DataFolder(PathBuf);

impl DataFolder {
    fn new(named: Option<PathBuf>) -> Result<Self, Failure> {
        let usual = || std::env::temp_dir().join(format!("sagaline-compare-{}", std::process::id()));
        let folder = named.unwrap_or_else(usual);
        if folder.exists() {
            return Err(format!(
                "`{}` is there already, and would be removed at the end; choose another",
                folder.display()
            )
            .into());
        }
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        // Nothing depends on it; a folder that stays is in the place for temporary files.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_of_a_run_is_read_and_kept_as_a_whole() {
        let run = read(r#"{"workflows_per_s": 7000.0, "p50_us": 70000, "lost": 2, "more": true}"#).expect("a result");
        assert_eq!((run.workflows_per_s, run.p50_us, run.lost, run.failed), (7000.0, 70000.0, 2, 0));
        assert_eq!(run.said["more"], true);
    }

    #[test]
    fn what_is_no_result_is_shown() {
        let error = read("oops\n").expect_err("no result").to_string();
        assert!(error.contains("`oops`"), "{error}");
        assert!(read("{}").is_err());
    }
}
