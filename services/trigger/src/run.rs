//! The service as a whole: connect, wait until there is something to serve, take events until told to stop.

use std::{sync::Arc, time::Duration};

use sagaline_broker::nats::{
    ConnectError, Connection, InstallError, Installed, PayloadError, Payloads, connect, tell_durability,
};
use sagaline_telemetry::{Health, Part, process::Fatal};
use tokio::{sync::watch, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    definitions::{Definitions, Follower},
    handler::{Handler, Trouble},
    incoming::{self, Incoming},
    intake::Intake,
    origin::Origin,
    settings::Settings,
    sources::Sources,
    wire::Wire,
};

/// How often it is looked whether the installation is there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Why a trigger does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Install(InstallError),
}

impl Fatal for Error {
    fn is_misuse(&self) -> bool {
        matches!(self, Self::Connect(error) if error.is_misuse())
    }
}

/// Runs until `shutdown` is cancelled; events in flight are finished then.
pub async fn run(settings: Settings, health: Health, shutdown: CancellationToken) -> Result<(), Error> {
    let part = health.part("events");
    let connecting = connect(&settings.nats_url, &settings.namespace, "sagaline-trigger");
    let Some(connection) = shutdown.run_until_cancelled(connecting).await else { return Ok(()) };
    let connection = connection?;
    let Some(installed) = shutdown.run_until_cancelled(installation(&connection, &part)).await else { return Ok(()) };
    let (installed, payloads) = installed?;
    tell_durability(&connection, &settings.nats_monitor);
    let Some((definitions, follower)) = shutdown.run_until_cancelled(definitions(&connection, &part)).await else {
        return Ok(());
    };
    // Ends with this function, whichever way that ends.
    let mut following = JoinSet::new();
    following.spawn(follower.run());
    let Some((incoming, follower)) = shutdown.run_until_cancelled(incoming(&connection, &part)).await else {
        return Ok(());
    };
    following.spawn(follower.run());

    let wire = Wire::new(connection.names().clone(), installed.partitions);
    let hops_max = settings.hops_max;
    let handler =
        Handler::new(connection.clone(), definitions, incoming.clone(), payloads, wire, installed.partitions, hops_max);
    let handler = Arc::new(handler);
    let sources = Sources::new(connection.clone(), handler.clone(), settings.in_flight, incoming);
    let events = Origin::events(connection.names());
    let events = Intake::new(connection, handler, events, settings.in_flight, Some(part));
    tokio::join!(events.run(shutdown.clone()), sources.run(shutdown));
    Ok(())
}

/// Waits for whoever installs: services are started in any order.
async fn installation(connection: &Connection, part: &Part) -> Result<(Installed, Payloads), Error> {
    let mut told = String::new();
    loop {
        let found = match Installed::read(connection).await {
            Ok(installed) => Payloads::open(connection).await.map(|payloads| (installed, payloads)).map_err(opening),
            Err(error @ (InstallError::NotInstalled { .. } | InstallError::Failure(_))) => Err(error.to_string()),
            Err(error) => return Err(Error::Install(error)),
        };
        match found {
            Ok(found) => return Ok(found),
            Err(why) => {
                if told != why {
                    tracing::warn!(why, "waiting");
                    part.not_ready(why.clone());
                }
                told = why;
            }
        }
        sleep(LOOK_AGAIN).await;
    }
}

fn opening(error: PayloadError) -> String {
    Trouble::new("open the store of payloads", &error).0
}

async fn incoming(connection: &Connection, part: &Part) -> (watch::Receiver<Arc<Incoming>>, incoming::Follower) {
    loop {
        match incoming::Follower::new(connection).await {
            Ok(following) => return following,
            Err(trouble) => part.not_ready(trouble.0),
        }
        sleep(LOOK_AGAIN).await;
    }
}

async fn definitions(connection: &Connection, part: &Part) -> (Definitions, Follower) {
    loop {
        match Follower::new(connection).await {
            Ok(following) => return following,
            Err(trouble) => part.not_ready(trouble.0),
        }
        sleep(LOOK_AGAIN).await;
    }
}
