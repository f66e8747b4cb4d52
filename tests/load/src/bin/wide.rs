//! `wide`: single executions with very many steps or items. Progress on standard error, one JSON object on standard output.

use std::process::ExitCode;

use clap::Parser;
use sagaline_load::{
    floor::Failure,
    program,
    wide::{Settings, run},
};

/// One execution with very many items or steps: how long it takes, what the orchestrator holds, and how much the log, the events and
/// the snapshot carry. Starts everything itself, and ends it.
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
