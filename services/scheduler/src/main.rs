//! `sagaline-scheduler`: settings, telemetry, the service, an exit code.

use std::process::ExitCode;

use sagaline_scheduler::{Flags, run};
use sagaline_telemetry::{process, settings::parse};

#[tokio::main]
async fn main() -> ExitCode {
    match parse::<Flags>() {
        Ok(flags) => process::serve("scheduler", flags.settings(), run).await,
        Err(code) => code,
    }
}
