//! `jobs`: measures jobs that do nothing, beside BullMQ. What it does on standard error, one JSON object on standard output.

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
};

use clap::Parser;
use sagaline_load::{
    floor::Failure,
    jobs::{self, Settings},
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
    let settings = Flags::parse().settings;
    let measured = tokio::select! {
        measured = measure(&settings) => measured,
        // What was started ends with what is dropped here.
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

async fn measure(settings: &Settings) -> Result<(), Failure> {
    let summary = jobs::run(settings, say).await?;
    Ok(writeln!(stdout(), "{}", serde_json::to_string(&summary)?)?)
}

fn say(text: &str) {
    // Talk that nobody can hear is no reason to stop.
    drop(writeln!(stderr(), "{text}"));
}
