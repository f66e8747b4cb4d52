//! The process around a service: settings, telemetry, signals, the service itself, an exit code.

use std::{error::Error, future::Future, io::Write, process::ExitCode, sync::OnceLock, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Telemetry,
    health::Health,
    settings::{EXIT_UNAVAILABLE, EXIT_USAGE, Faults, ServiceSettings},
};

/// How long a process may take to give back what it has, once it was told twice to end.
const HURRIED: Duration = Duration::from_secs(1);
/// As of a process that SIGTERM ended.
const EXIT_TERMINATED: i32 = 128 + 15;

/// An error that ends a service.
pub trait Fatal: Error + 'static {
    /// Whether the settings are to blame, rather than NATS.
    fn is_misuse(&self) -> bool;
}

/// Runs the service `name` until it ends or a signal (SIGTERM, SIGINT) has drained it.
pub async fn serve<S, E: Fatal, F: Future<Output = Result<(), E>>>(
    name: &str,
    settings: Result<(ServiceSettings, S), Faults>,
    run: impl FnOnce(S, Health, CancellationToken) -> F,
) -> ExitCode {
    let (service, settings) = match settings {
        Ok(settings) => settings,
        Err(faults) => return fail(name, &faults),
    };
    let telemetry = match Telemetry::start(service.telemetry(name)) {
        Ok(telemetry) => telemetry,
        Err(error) => return fail(name, &error),
    };
    let shutdown = CancellationToken::new();
    if let Err(error) = cancel_on_signals(shutdown.clone()) {
        return fail(name, &error);
    }
    let code = match run(settings, telemetry.health(), shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %told(&error), "the {name} cannot run");
            ExitCode::from(if error.is_misuse() { EXIT_USAGE } else { EXIT_UNAVAILABLE })
        }
    };
    telemetry.shutdown().await;
    code
}

/// Cancelled by the second signal: whoever still lets something come to its end is to leave it.
pub fn hurry() -> CancellationToken {
    static HURRY: OnceLock<CancellationToken> = OnceLock::new();
    HURRY.get_or_init(CancellationToken::new).clone()
}

/// SIGTERM and SIGINT begin the drain; a second one ends it.
fn cancel_on_signals(shutdown: CancellationToken) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        for told in [shutdown, hurry()] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            told.cancel();
        }
        sleep(HURRIED).await;
        tracing::warn!("told to end a second time, and ending; what is unfinished is found out by others");
        std::process::exit(EXIT_TERMINATED);
    });
    Ok(())
}

/// Before there is a log.
fn fail(name: &str, error: &(dyn Error + 'static)) -> ExitCode {
    // Without a standard error there is nobody to tell; the exit code says it all the same.
    writeln!(std::io::stderr(), "sagaline-{name}: {}", told(error)).ok();
    ExitCode::from(EXIT_USAGE)
}

/// An error and its causes, in one line.
pub fn told(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
