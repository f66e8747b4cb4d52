//! `schedules`: schedulers of very many schedules. Progress on standard error, JSON on standard output, a line a run.

use std::process::ExitCode;

use clap::Parser;
use sagaline_load::{
    floor::Failure,
    program,
    schedules::{Settings, run},
};

/// How many schedules one scheduler bears: how fast they are made known, how long a restarted one takes until it is ready and what was due
/// meanwhile has started, and how late ticks come at a steady rate. Starts everything itself, and ends it.
#[derive(Debug, Parser)]
#[command(version)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

#[tokio::main]
async fn main() -> ExitCode {
    program::ended(measured().await)
}

async fn measured() -> Result<(), Failure> {
    for measured in run(&Flags::parse().settings, program::say).await? {
        program::tell(&measured)?;
    }
    Ok(())
}
