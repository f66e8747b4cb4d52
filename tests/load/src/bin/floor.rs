//! `floor`: measures the least that three durable steps cost on JetStream, and prints one JSON object.

use std::process::ExitCode;

use clap::Parser;
use sagaline_load::{
    floor::{self, Failure, Settings},
    program,
};

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
    program::ended(measured().await)
}

async fn measured() -> Result<(), Failure> {
    program::tell(&floor::run(Flags::parse().settings).await?)
}
