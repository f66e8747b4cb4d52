//! `sagaline-trigger`: settings, telemetry, the service, an exit code.

use std::{error::Error, io::Write, process::ExitCode};

use sagaline_telemetry::{
    Telemetry,
    settings::{EXIT_UNAVAILABLE, EXIT_USAGE, parse},
};
use sagaline_trigger::{Flags, run};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> ExitCode {
    let flags: Flags = match parse() {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    let (service, settings) = match flags.settings() {
        Ok(settings) => settings,
        Err(faults) => return fail(&faults),
    };
    let telemetry = match Telemetry::start(service.telemetry("trigger")) {
        Ok(telemetry) => telemetry,
        Err(error) => return fail(&error),
    };
    let shutdown = CancellationToken::new();
    if let Err(error) = cancel_on_signals(shutdown.clone()) {
        return fail(&error);
    }
    let code = match run(settings, telemetry.health(), shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %told(&error), "the trigger cannot run");
            ExitCode::from(if error.is_misuse() { EXIT_USAGE } else { EXIT_UNAVAILABLE })
        }
    };
    telemetry.shutdown().await;
    code
}

/// SIGTERM and SIGINT begin the drain.
fn cancel_on_signals(shutdown: CancellationToken) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        shutdown.cancel();
    });
    Ok(())
}

/// Before there is a log.
fn fail(error: &(dyn Error + 'static)) -> ExitCode {
    // Without a standard error there is nobody to tell; the exit code says it all the same.
    drop(writeln!(std::io::stderr(), "sagaline-trigger: {}", told(error)));
    ExitCode::from(EXIT_USAGE)
}

fn told(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
