//! `compare`: measures Sagaline beside the floor. A table on standard error, one JSON object on standard output.

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
};

use clap::Parser;
use sagaline_load::{
    compare::{self, Settings},
    floor::Failure,
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
    let settings = Flags::parse().settings;
    let compared = tokio::select! {
        compared = compare(&settings) => compared,
        // What was started ends with what is dropped here.
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };
    match compared {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

async fn compare(settings: &Settings) -> Result<bool, Failure> {
    let summary = compare::run(settings, say).await?;
    say(&format!("\n{summary}"));
    writeln!(stdout(), "{}", serde_json::to_string(&summary)?)?;
    Ok(summary.is_sound())
}

fn say(text: &str) {
    // Talk that nobody can hear is no reason to stop.
    drop(writeln!(stderr(), "{text}"));
}
