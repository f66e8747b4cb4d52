//! `jobs`: measures jobs that do nothing, beside BullMQ. What it does on standard error, one JSON object on standard output.

use std::process::ExitCode;

use clap::Parser;
use sagaline_load::{
    floor::Failure,
    jobs::{Settings, run},
    program,
};

/// Jobs a second of Sagaline and of BullMQ on Redis, run after run on servers that this starts itself.
///
/// Build first (`cargo build --release --workspace`), install `redis-server`, Node and npm, and let the machine be quiet.
#[derive(Debug, Parser)]
#[command(version)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

#[tokio::main]
async fn main() -> ExitCode {
    program::ended(program::unless_interrupted(measured()).await)
}

async fn measured() -> Result<(), Failure> {
    program::tell(&run(&Flags::parse().settings, program::say).await?)
}
