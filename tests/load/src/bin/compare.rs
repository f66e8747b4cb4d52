//! `compare`: measures Sagaline beside the floor. A table on standard error, one JSON object on standard output.

use std::process::ExitCode;

use clap::Parser;
use sagaline_load::{
    compare::{self, Settings},
    floor::Failure,
    program,
};

/// Sagaline beside the least that JetStream can cost, run after run on one nats-server that this starts itself.
///
/// Build everything first (`cargo build --release --workspace`) and let the machine be quiet. Fails if a workflow failed, was
/// lost, or had a step repeated.
#[derive(Debug, Parser)]
#[command(version)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

#[tokio::main]
async fn main() -> ExitCode {
    match program::unless_interrupted(compared()).await {
        Ok(false) => ExitCode::FAILURE,
        measured => program::ended(measured.map(drop)),
    }
}

/// Whether what was compared can be relied on.
async fn compared() -> Result<bool, Failure> {
    let summary = compare::run(&Flags::parse().settings, program::say).await?;
    program::say(&format!("\n{summary}"));
    program::tell(&summary)?;
    Ok(summary.is_sound())
}
