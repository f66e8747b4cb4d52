//! `floor`: measures the least that three durable steps cost on JetStream, and prints one JSON object.

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use clap::Parser;
use sagaline_load::floor::{self, Failure, Settings};

/// What three durable steps cost when nothing but JetStream is paid for.
///
/// It DELETES and makes anew its own streams FLOOR_IN_<n>, FLOOR_TASKS, FLOOR_STATE and FLOOR_EVENTS.
#[derive(Debug, Parser)]
#[command(version)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match measure(Flags::parse().settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nothing is left to be done if that cannot be told either.
            drop(writeln!(std::io::stderr(), "error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

async fn measure(settings: Settings) -> Result<(), Failure> {
    let figures = floor::run(settings).await?;
    writeln!(stdout(), "{}", serde_json::to_string(&figures)?)?;
    Ok(())
}
