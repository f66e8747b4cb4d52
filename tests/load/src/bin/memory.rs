//! `memory`: how much memory an orchestrator holds. Progress on standard error, one JSON object on standard output.

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
};

use clap::Parser;
use sagaline_load::{
    floor::Failure,
    memory::{Settings, run},
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
    match measured().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

async fn measured() -> Result<(), Failure> {
    let held = run(&Flags::parse().settings, say).await?;
    writeln!(stdout(), "{}", serde_json::to_string(&held)?)?;
    Ok(())
}

/// Without a standard error there is nobody to tell.
fn say(line: &str) {
    writeln!(stderr(), "{line}").ok();
}
