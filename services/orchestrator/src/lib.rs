//! The orchestrator: owns partitions of the log of executions, and turns inputs into tasks and lifecycle events.
//!
//! It reads as: settings, connect, install what is missing, then one [`keeper`] for each partition, until told to stop. What an
//! execution does is decided in `sagaline-engine`; how a partition is owned is `sagaline-broker`'s owner.

pub mod keeper;
pub mod machine;
mod settings;
mod watch;

use sagaline_broker::nats::{self, ConnectError, InstallError};
use sagaline_telemetry::{health::Health, process::Fatal};
use tokio_util::sync::CancellationToken;

use self::keeper::Keeper;
pub use self::settings::{Flags, Settings};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Install(#[from] InstallError),
    #[error("the thread of partition {partition} cannot be started")]
    Thread { partition: u32, source: std::io::Error },
}

impl Fatal for Error {
    fn is_misuse(&self) -> bool {
        match self {
            Self::Connect(error) => matches!(error, ConnectError::BadUrl { .. } | ConnectError::BadNamespace(_)),
            Self::Install(error) => matches!(error, InstallError::BadPartitions(_)),
            Self::Thread { .. } => false,
        }
    }
}

/// Works until `shutdown`, then hands its partitions over.
pub async fn run(settings: Settings, health: Health, shutdown: CancellationToken) -> Result<(), Error> {
    let nats_part = health.part("nats");
    let connection = nats::connect(&settings.nats_url, &settings.namespace, "sagaline-orchestrator").await?;
    let installed = settings.installation.ensure(&connection).await?;
    nats_part.ready();
    let owner = format!("{}-{}", std::process::id(), nats::boot().as_nanos());
    let mut keepers = Vec::new();
    for partition in 0..installed.partitions {
        let keeper = Keeper {
            settings: settings.clone(),
            partition,
            partitions: installed.partitions,
            owner: owner.clone(),
            leases: connection.clone(),
            health: health.part(&format!("partition.{partition}")),
            shutdown: shutdown.clone(),
        };
        keepers.push(keeper.start()?);
    }
    for keeper in keepers {
        keeper.finished().await;
    }
    Ok(())
}
