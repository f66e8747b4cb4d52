//! `many`: an orchestrator of very many executions that wait. Progress on standard error, JSON on standard output, a line a run.

use std::process::ExitCode;

use clap::Parser;
use sagaline_load::{
    floor::Failure,
    many::{Settings, run},
    program,
};

/// How long a restarted orchestrator takes with very many executions open, how fast it handles signals to them, and the memory
/// it holds. Starts everything itself, and ends it.
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
