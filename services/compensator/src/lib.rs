//! The compensator: owns partitions of the logs of sagas, and has undone what executions did that failed.
//!
//! It reads as: settings, connect, wait until there is an installation, then own a share of the partitions until told to stop. What is
//! undone when is decided in `sagaline-saga`; how partitions are shared and owned is `sagaline-broker`'s shell and owner.

pub mod machine;
mod service;
mod settings;

use sagaline_broker::nats::{self, ConnectError, InstallError, shell};
use sagaline_telemetry::{health::Health, process::Fatal};
use tokio_util::sync::CancellationToken;

use self::service::Compensator;
pub use self::settings::Flags;
pub use sagaline_owning::Settings;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Install(#[from] InstallError),
}

impl Fatal for Error {
    fn is_misuse(&self) -> bool {
        matches!(self, Self::Connect(error) if error.is_misuse())
    }
}

/// Works until `shutdown`, then hands its partitions over.
pub async fn run(settings: Settings, health: Health, shutdown: CancellationToken) -> Result<(), Error> {
    let nats_part = health.part("nats");
    let connecting = nats::connect(&settings.nats_url, &settings.namespace, "sagaline-compensator");
    let Some(connection) = shutdown.run_until_cancelled(connecting).await else { return Ok(()) };
    let connection = connection?;
    let waiting = sagaline_owning::installation(&connection, &nats_part);
    let Some(installed) = shutdown.run_until_cancelled(waiting).await else { return Ok(()) };
    let installed = installed?;
    nats_part.ready();
    nats::tell_durability(&connection, &settings.nats_monitor);
    let shell = shell::Settings::new(&settings.nats_url, installed.partitions);
    let compensator = Compensator::new(settings, installed.partitions, health);
    shell::run(compensator, connection, shell, shutdown).await;
    Ok(())
}
