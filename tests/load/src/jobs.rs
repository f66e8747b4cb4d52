//! Jobs that do nothing, beside BullMQ on Redis: the same number, the same number of submits in flight, each acknowledged; one worker
//! process each, with as many slots. Run after run in turn, on the same machine, in the same minutes.
//!
//! Both begin with a warm-up. What counts is the time from the first submit until the last job is done and that is kept: by Sagaline in
//! the bucket `results`, by BullMQ in its set of completed jobs. Redis writes its append-only file and syncs it each second; nats-server
//! syncs as it does by default.

mod ours;
mod theirs;

use std::{collections::BTreeMap, path::PathBuf};

use sagaline_server::{Finder, Server, ServerOptions};
use serde::Serialize;

use crate::floor::Failure;

/// What is measured, and how often.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// Where `sagaline-orchestrator` and `sagaline-executor` are: a release build of them.
    #[arg(long, default_value = "target/release")]
    pub programs: PathBuf,
    /// Where BullMQ's side is: `package.json`, `worker.js` and `producer.js`. Its packages are installed from npm into a copy of it.
    #[arg(long, default_value = "tests/load/bullmq")]
    pub bullmq: PathBuf,
    /// How many jobs a run has.
    #[arg(long, default_value_t = 20_000)]
    pub jobs: u32,
    /// How many more are done before, to warm up.
    #[arg(long, default_value_t = 2_000)]
    pub warm_up: u32,
    /// How many submits are in flight, and how many jobs the worker does at a time; may be given several times.
    #[arg(long, value_delimiter = ',', default_values_t = [50, 500])]
    pub concurrency: Vec<u32>,
    /// How often each of the two is measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Only Sagaline: neither Redis nor Node is needed.
    #[arg(long)]
    pub ours_only: bool,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Run {
    /// From the first submit to the last end.
    pub jobs_per_s: f64,
    /// From the first submit to the last acknowledgement.
    pub submits_per_s: f64,
}

impl Run {
    fn of(jobs: u32, began_ms: f64, acknowledged_ms: f64, done_ms: f64) -> Self {
        let per_s = |until: f64| f64::from(jobs) * 1000.0 / (until - began_ms).max(1.0);
        Self { jobs_per_s: per_s(done_ms), submits_per_s: per_s(acknowledged_ms) }
    }
}

/// All runs with so many in flight.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Runs {
    pub sagaline: Vec<Run>,
    pub bullmq: Vec<Run>,
    /// Medians of jobs a second, and Sagaline's as a part of BullMQ's.
    pub sagaline_jobs_per_s: Option<f64>,
    pub bullmq_jobs_per_s: Option<f64>,
    pub ratio: Option<f64>,
}

/// By how many were in flight.
pub type Summary = BTreeMap<u32, Runs>;

/// Measures; tells `progress` of every run. What it started has ended when it returns.
pub async fn run(settings: &Settings, mut progress: impl FnMut(&str)) -> Result<Summary, Failure> {
    let folder = Folder::new()?;
    let binary = Finder::from_env().find_or_install(&mut progress)?;
    let mut server = Server::start(ServerOptions::new(binary, folder.0.join("nats"))).await?;
    let measured = measure(settings, &server.url(), &folder.0, &mut progress).await;
    server.stop().await;
    measured
}

async fn measure(
    settings: &Settings,
    url: &str,
    folder: &std::path::Path,
    progress: &mut impl FnMut(&str),
) -> Result<Summary, Failure> {
    let redis = match settings.ours_only {
        true => None,
        false => Some(theirs::Redis::start(settings, folder, progress).await?),
    };
    let orchestrator = ours::orchestrator(settings, url).await?;
    let mut summary = Summary::new();
    for round in 1..=settings.runs {
        for concurrency in &settings.concurrency {
            let of = summary.entry(*concurrency).or_default();
            let run = ours::run(settings, url, *concurrency).await?;
            progress(&format!("run {round}, {concurrency} in flight, sagaline: {}", in_words(run)));
            of.sagaline.push(run);
            if let Some(redis) = &redis {
                let run = redis.run(settings, *concurrency, &format!("jobs-{round}-{concurrency}")).await?;
                progress(&format!("run {round}, {concurrency} in flight, bullmq: {}", in_words(run)));
                of.bullmq.push(run);
            }
        }
    }
    orchestrator.stop().await?;
    if let Some(redis) = redis {
        redis.stop().await?;
    }
    for runs in summary.values_mut() {
        runs.sagaline_jobs_per_s = median(&runs.sagaline);
        runs.bullmq_jobs_per_s = median(&runs.bullmq);
        runs.ratio = runs.sagaline_jobs_per_s.zip(runs.bullmq_jobs_per_s).map(|(ours, theirs)| ours / theirs);
    }
    Ok(summary)
}

fn in_words(run: Run) -> String {
    format!("{:.0} jobs/s, {:.0} submits/s", run.jobs_per_s, run.submits_per_s)
}

fn median(runs: &[Run]) -> Option<f64> {
    let mut figures: Vec<f64> = runs.iter().map(|run| run.jobs_per_s).collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    let upper = *figures.get(middle)?;
    Some(if figures.len() % 2 == 1 { upper } else { f64::midpoint(figures[middle - 1], upper) })
}

/// Removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("sagaline-jobs-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing depends on it; a folder that stays is in the place for temporary files.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_counts_from_the_first_submit() {
        let run = Run::of(1000, 5_000.0, 5_500.0, 6_000.0);
        assert_eq!(run, Run { jobs_per_s: 1000.0, submits_per_s: 2000.0 });
    }

    #[test]
    fn the_median_of_two_lies_between_them() {
        let run = |jobs_per_s| Run { jobs_per_s, submits_per_s: 0.0 };
        assert_eq!(median(&[run(1.0), run(3.0)]), Some(2.0));
        assert_eq!(median(&[run(9.0), run(1.0), run(3.0)]), Some(3.0));
        assert_eq!(median(&[]), None);
    }
}
