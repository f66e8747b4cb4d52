//! Waiting for whoever installs: services are started in any order, and it is orchestrators that know how many partitions there are
//! to be.

use std::time::Duration;

use sagaline_broker::nats::{Connection, InstallError, Installed};
use sagaline_telemetry::health::Part;
use tokio::time::sleep;

/// How often it is looked whether the installation is there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The installation, however long it takes to be there. `part` says meanwhile why nothing goes on.
pub async fn installation(connection: &Connection, part: &Part) -> Result<Installed, InstallError> {
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
