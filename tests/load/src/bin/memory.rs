//! `memory`: how much memory an orchestrator holds. Progress on standard error, one JSON object on standard output.

use std::process::ExitCode;

use clap::Parser;
use sagaline_load::{
    floor::Failure,
    memory::{Settings, run},
    program,
};

/// The memory of an orchestrator with executions open, while others come and go. Starts everything itself, and ends it.
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
    program::tell(&run(&Flags::parse().settings, program::say).await?)
}
