//! The scheduler: owns partitions of the logs of schedules, and starts what is due.
//!
//! It reads as: settings, connect, wait until there is an installation, then own a share of the partitions until told to stop. When
//! something is due is decided in `sagaline-schedule`; how partitions are shared and owned is `sagaline-broker`'s shell and owner.

mod definitions;
pub mod machine;
mod room;
mod service;
mod settings;

use sagaline_broker::nats::{self, ConnectError, InstallError, shell};
use sagaline_telemetry::{health::Health, process::Fatal};
use tokio_util::sync::CancellationToken;

pub use self::settings::Flags;
use self::{room::Room, service::Scheduler};
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
    let connecting = nats::connect(&settings.nats_url, &settings.namespace, "sagaline-scheduler");
    let Some(connection) = shutdown.run_until_cancelled(connecting).await else { return Ok(()) };
    let connection = connection?;
    let waiting = sagaline_owning::installation(&connection, &nats_part);
    let Some(installed) = shutdown.run_until_cancelled(waiting).await else { return Ok(()) };
    let installed = installed?;
    nats_part.ready();
    nats::tell_durability(&connection, &settings.nats_monitor);
    let shell = shell::Settings::new(&settings.nats_url, installed.partitions);
    let following = definitions::follow(connection.clone(), installed.partitions);
    let following = tokio::spawn(shutdown.clone().run_until_cancelled_owned(following));
    // Before anything is owned: what is due must not start where there is no room.
    let room = Room::default();
    shutdown.run_until_cancelled(room.look(&connection, installed.partitions)).await;
    let looking = tokio::spawn(room.clone().follow(connection.clone(), installed.partitions));
    let scheduler = Scheduler::new(settings, installed.partitions, health, room);
    shell::run(scheduler, connection, shell, shutdown).await;
    following.abort();
    looking.abort();
    Ok(())
}
