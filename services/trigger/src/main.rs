//! `sagaline-trigger`: settings, telemetry, the service, an exit code.

use std::process::ExitCode;

use sagaline_telemetry::{process, settings::parse};
use sagaline_trigger::{Flags, run};

#[tokio::main]
async fn main() -> ExitCode {
    match parse::<Flags>() {
        Ok(flags) => process::serve("trigger", flags.settings(), run).await,
        Err(code) => code,
    }
}
