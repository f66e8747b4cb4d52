//! `triggers`: how many starts a trigger makes of events in a second. Progress on standard error, one JSON object on standard output.

use std::process::ExitCode;

use clap::Parser;
use sagaline_load::{
    floor::Failure,
    program,
    triggers::{Settings, run},
};

/// How fast events become starts, with one trigger and nothing else at work. Starts everything itself, and ends it.
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
