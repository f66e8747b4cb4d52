//! `sagaline-executor`: settings, telemetry, the service, an exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use sagaline_executor::{Flags, run};
use sagaline_telemetry::{process, settings::parse};

/// Messages are allocated and freed all day; see the workspace's Cargo.toml.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match parse::<Flags>() {
        Ok(flags) => process::serve("executor", flags.settings(), run).await,
        Err(code) => code,
    }
}
