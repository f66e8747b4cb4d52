//! The scheduler: owns partitions of the logs of schedules, and starts what is due.
//!
//! It reads as: settings, connect, wait until there is an installation, then own a share of the partitions until told to stop. When
//! something is due is decided in `sagaline-schedule`; how partitions are shared and owned is `sagaline-broker`'s shell and owner.

mod definitions;
pub mod machine;
mod service;
mod settings;

use std::time::Duration;

use sagaline_broker::nats::{self, ConnectError, Connection, InstallError, Installed, shell};
use sagaline_telemetry::{
    health::{Health, Part},
    process::Fatal,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::service::Scheduler;
pub use self::settings::{Flags, Settings};

/// How often it is looked whether the installation is there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Install(#[from] InstallError),
}

impl Fatal for Error {
    fn is_misuse(&self) -> bool {
        matches!(self, Self::Connect(ConnectError::BadUrl { .. } | ConnectError::BadNamespace(_)))
    }
}

/// Works until `shutdown`, then hands its partitions over.
pub async fn run(settings: Settings, health: Health, shutdown: CancellationToken) -> Result<(), Error> {
    let nats_part = health.part("nats");
    let connecting = nats::connect(&settings.nats_url, &settings.namespace, "sagaline-scheduler");
    let Some(connection) = shutdown.run_until_cancelled(connecting).await else { return Ok(()) };
    let connection = connection?;
    let waiting = installation(&connection, &nats_part);
    let Some(installed) = shutdown.run_until_cancelled(waiting).await else { return Ok(()) };
    let installed = installed?;
    nats_part.ready();
    nats::tell_durability(&connection, &settings.nats_monitor);
    let shell = shell::Settings::new(&settings.nats_url, installed.partitions);
    let following = definitions::follow(connection.clone(), installed.partitions);
    let following = tokio::spawn(shutdown.clone().run_until_cancelled_owned(following));
    let scheduler = Scheduler::new(settings, installed.partitions, health);
    shell::run(scheduler, connection, shell, shutdown).await;
    following.abort();
    Ok(())
}

/// Waits for whoever installs: services are started in any order, and it is orchestrators that know how many partitions there are to be.
async fn installation(connection: &Connection, part: &Part) -> Result<Installed, InstallError> {
    let mut told = String::new();
    loop {
        let why = match Installed::read(connection).await {
            Err(error @ (InstallError::NotInstalled { .. } | InstallError::Failure(_))) => error.to_string(),
            found => return found,
        };
        if told != why {
            tracing::warn!(why, "waiting");
            part.not_ready(why.clone());
        }
        told = why;
        sleep(LOOK_AGAIN).await;
    }
}
