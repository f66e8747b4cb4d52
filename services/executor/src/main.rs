//! `sagaline-executor`: settings, telemetry, the service, an exit code.

use std::{io::Write, process::ExitCode};

use sagaline_executor::{Flags, run};
use sagaline_telemetry::{
    Telemetry,
    settings::{EXIT_UNAVAILABLE, EXIT_USAGE, parse},
};
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
    let telemetry = match Telemetry::start(service.telemetry("executor")) {
        Ok(telemetry) => telemetry,
        Err(error) => return fail(&error),
    };
    let shutdown = CancellationToken::new();
    if let Err(error) = cancel_on_signals(shutdown.clone()) {
        return fail(&error);
    }
    let ended = run(settings, telemetry.health(), shutdown).await;
    let code = match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %told(&error), "the executor cannot run");
            ExitCode::from(EXIT_UNAVAILABLE)
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
fn fail(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    // Without a standard error there is nobody to tell; the exit code says it all the same.
    writeln!(std::io::stderr(), "sagaline-executor: {}", told(error)).ok();
    ExitCode::from(EXIT_USAGE)
}

fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
