//! The orchestrator: owns partitions of the log of executions, and turns inputs into tasks and lifecycle events.
//!
//! It reads as: settings, connect, install what is missing, then own a share of the partitions until told to stop. What an execution
//! does is decided in `sagaline-engine`; how partitions are shared and owned is `sagaline-broker`'s shell and owner.

pub mod machine;
mod queues;
mod room;
mod service;
mod settings;

use sagaline_broker::nats::{self, ConnectError, InstallError, room::RoomKeeper, shell};
use sagaline_telemetry::{health::Health, process::Fatal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::settings::{Flags, Settings};
use self::{room::Room, service::Orchestrator};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Install(#[from] InstallError),
}

impl Fatal for Error {
    fn is_misuse(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_misuse(),
            Self::Install(error) => matches!(error, InstallError::BadPartitions(_)),
        }
    }
}

/// Works until `shutdown`, then hands its partitions over.
pub async fn run(settings: Settings, health: Health, shutdown: CancellationToken) -> Result<(), Error> {
    let nats_part = health.part("nats");
    let connection = nats::connect(&settings.nats_url, &settings.namespace, "sagaline-orchestrator").await?;
    let installed = settings.installation.ensure(&connection).await?;
    nats_part.ready();
    nats::tell_durability(&connection, &settings.nats_monitor);
    let shell = shell::Settings::new(&settings.nats_url, installed.partitions);
    let room = Room::new(connection.names());
    let orchestrator = Orchestrator::new(settings, installed.partitions, health, room.spare());
    // Ends with this function: told to stop, the partitions are handed over first, and need room until then.
    let mut keeping = JoinSet::new();
    keeping.spawn(RoomKeeper::new(connection.clone(), installed.partitions, room).keep());
    keeping.spawn(queues::watch(connection.clone(), installed.partitions));
    shell::run(orchestrator, connection, shell, shutdown).await;
    Ok(())
}
