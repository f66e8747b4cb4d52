//! `sagaline bench`: how fast the services that run are, and whether they lose or repeat anything meanwhile.

use std::path::PathBuf;

use clap::value_parser;

use crate::{
    bench::{self, Settings},
    context::Context,
    failure::{Exit, Failure},
};

const EXAMPLES: &str = "\
Examples:
  sagaline bench --workflows 20000 --concurrency 512
  sagaline bench --jobs --workflows 20000 --concurrency 128
  sagaline bench --workflows 600 --rate 10 --steps 5 --step-ms 100
  sagaline bench --workflows 5000 --witness /tmp/witness | jq .repeated_steps

It starts executions of sequential steps over the services that run, hears their
ends, asks for those it did not hear of, and prints one JSON object. Exit code 1
means that something was lost, repeated, failed or did not end. At a rate,
latencies count from when a start was due. `lost`: acknowledged, and known to
nobody. `repeated_steps`: begun after their result was stored, by the executors'
witness files; without those, results that were stored twice for one attempt,
which a step that ran once may have too if the server died just then.";

/// Measure the services that run, and check that nothing is lost or repeated
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// How many executions to start
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=10_000_000))]
    workflows: u32,
    /// How many run at once [default: 64; with `--rate`, as many as it takes]
    #[arg(long, value_name = "C", value_parser = value_parser!(u32).range(1..=100_000))]
    concurrency: Option<u32>,
    /// Start so many a second, however many run
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    rate: Option<f64>,
    /// Steps of each execution, one after the other
    #[arg(long, value_name = "K", default_value_t = 3, value_parser = value_parser!(u32).range(1..=1000))]
    steps: u32,
    /// How long each step sleeps; 0: it does nothing
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = value_parser!(u32).range(0..=3_600_000))]
    step_ms: u32,
    /// Bytes that the input carries, and that each step that does nothing is given
    #[arg(long, value_name = "BYTES", default_value_t = 0, value_parser = value_parser!(u32).range(0..=200_000))]
    payload: u32,
    /// Every step has something that would undo it, so its attempts are claimed
    #[arg(long)]
    compensable: bool,
    /// Jobs, which need no definition and have one step
    #[arg(long, conflicts_with_all = ["steps", "compensable"])]
    jobs: bool,
    /// Where an executor wrote down what it ran; may be given several times
    #[arg(long, value_name = "FILE", num_args = 1..)]
    witness: Vec<PathBuf>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    const WITHOUT_A_RATE: u32 = 64;
    let concurrency = args.concurrency.or(args.rate.is_none().then_some(WITHOUT_A_RATE));
    let settings = Settings {
        workflows: args.workflows as usize,
        concurrency: concurrency.map(|count| count as usize),
        rate: args.rate,
        steps: if args.jobs { 1 } else { args.steps },
        step_ms: args.step_ms,
        payload: args.payload as usize,
        witness: args.witness,
        compensable: args.compensable,
        jobs: args.jobs,
    };
    bench::run(settings, context).await
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|rate| (0.001..=1_000_000.0).contains(rate));
    number.ok_or_else(|| "write a number from 0.001 to 1000000".to_owned())
}
