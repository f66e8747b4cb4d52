//! `schedules`: schedulers of very many schedules. Progress on standard error, JSON on standard output, a line a run.

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
};

use clap::Parser;
use sagaline_load::{
    floor::Failure,
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
    match measured().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

async fn measured() -> Result<(), Failure> {
    for measured in run(&Flags::parse().settings, say).await? {
        writeln!(stdout(), "{}", serde_json::to_string(&measured)?)?;
    }
    Ok(())
}

/// Without a standard error there is nobody to tell.
fn say(line: &str) {
    writeln!(stderr(), "{line}").ok();
}
