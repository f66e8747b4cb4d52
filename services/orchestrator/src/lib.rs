//! The orchestrator: owns partitions of the log of executions, and turns inputs into tasks and lifecycle events.
//!
//! It reads as: settings, connect, install what is missing, then one [`keeper`] for each partition, until told to stop. What an
//! execution does is decided in `sagaline-engine`; how a partition is owned is `sagaline-broker`'s owner.

pub mod keeper;
pub mod machine;
mod watch;

use std::time::Duration;

use sagaline_broker::nats::{self, ConnectError, InstallError, Installation};
use sagaline_telemetry::health::Health;
use tokio_util::sync::CancellationToken;

use self::keeper::Keeper;

#[derive(Clone, Debug)]
pub struct Settings {
    pub nats_url: String,
    pub namespace: String,
    /// What to create where it is missing.
    pub installation: Installation,
    /// What has been waited for so long is looked at again.
    pub look_again_after: Duration,
    /// How long the log keeps what is done.
    pub history: Duration,
}

impl Settings {
    pub fn new(nats_url: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            nats_url: nats_url.into(),
            namespace: namespace.into(),
            installation: Installation::default(),
            look_again_after: Duration::from_secs(60),
            history: Duration::from_secs(24 * 3600),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Install(#[from] InstallError),
    #[error("the thread of partition {partition} cannot be started")]
    Thread { partition: u32, source: std::io::Error },
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
