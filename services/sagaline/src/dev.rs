//! Everything on one machine: a nats-server of its own, every service in this process, and an example to look at.
//!
//! It reads as: prepare the ground, serve until something ends it, clear the ground. Whatever ends it, nothing is left behind
//! but the folder that was asked to be kept.

mod definitions;
mod example;
mod ground;
mod services;
mod told;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use sagaline_broker::nats::Installation;
use sagaline_sdk::client::{Client, Error};
use sagaline_telemetry::{Health, StartError, Telemetry, TelemetrySettings};
use serde_json::json;
use tokio::time::sleep;

use self::{definitions::Definitions, ground::Ground, services::Services};
use crate::{
    context::Context,
    differences::Differences,
    failure::{Exit, Failure, chain},
    output::Tone,
    stop::Stop,
};

pub(crate) use example::Example;

/// Where health and metrics are served, if that is free.
const HTTP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7420);
/// That parts become ready and stop being so is what starting and stopping is.
const WHAT_IS_WRONG: &str = "warn,sagaline_telemetry::health=error";
const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub(crate) struct Settings {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) http: Option<SocketAddr>,
    /// Where the executor writes down what it runs.
    pub(crate) witness: Option<PathBuf>,
    /// Whether every attempt of the executor runs twice.
    pub(crate) twice: bool,
    pub(crate) example: Option<Example>,
}

pub(crate) async fn run(settings: Settings, context: &Context) -> Result<Exit, Failure> {
    let mut stop = Stop::listen()?;
    let telemetry = telemetry(settings.http)?;
    let prepared = tokio::select! {
        ground = Ground::prepare(settings.data_dir.clone(), context) => ground,
        () = stop.asked() => return Ok(Exit::Done),
    };
    let mut ground = prepared?;
    let ended = serve(&settings, &ground, &telemetry, &mut stop, context).await;
    tokio::select! {
        () = ground.clear() => {}
        () = stop.asked() => {
            context.output.talk("ending at once");
            ground.abandon().await;
        }
    }
    ended
}

/// Serves until it is asked to stop, or cannot go on.
async fn serve(
    settings: &Settings,
    ground: &Ground,
    telemetry: &Telemetry,
    stop: &mut Stop,
    context: &Context,
) -> Result<Exit, Failure> {
    let (output, death) = (&context.output, ground.death());
    let client = tokio::select! {
        client = install(ground, context) => client?,
        () = stop.asked() => return Ok(Exit::Done),
    };
    let mut services = Services::start(
        &ground.url,
        &ground.monitors(),
        &context.namespace,
        settings.witness.clone(),
        settings.twice,
        &telemetry.health(),
    );
    let ended = tokio::select! {
        biased;
        () = stop.asked() => Ok(Exit::Done),
        // Without a server there is nothing that a service could finish.
        failure = death => return Err(failure),
        failure = services.failed() => Err(failure),
        failure = show(settings, &client, ground, telemetry, context) => Err(failure),
    };
    if ended.is_ok() {
        output.talk("stopping; Ctrl-C again ends at once");
    }
    tokio::select! {
        () = services.stop() => {}
        () = stop.asked() => output.talk("ending at once"),
    }
    ended
}

/// Says what is there and shows the example; then there is nothing more to do here than to be there.
async fn show(
    settings: &Settings,
    client: &Client,
    ground: &Ground,
    telemetry: &Telemetry,
    context: &Context,
) -> Failure {
    let output = &context.output;
    let mut definitions = context.project.as_ref().map(Definitions::of);
    let shown = async {
        ready(client, &telemetry.health()).await?;
        // Of whoever runs attempts twice here, workers of other processes too. An example shows its own.
        let heard_from_the_start = match settings.example {
            None => Some(Differences::listen(client).await?),
            Some(_) => None,
        };
        if let Some(definitions) = &mut definitions
            && let Err(failure) = definitions.apply(client, output).await
            && let Some(failure) = definitions.tell(failure, output)
        {
            return Err(failure);
        }
        announce(ground, telemetry, context)?;
        if let Some(example) = settings.example {
            example.show(client, output).await?;
            output.talk("still serving; Ctrl-C ends it");
        }
        let differences = match heard_from_the_start {
            Some(differences) => differences,
            None => Differences::listen(client).await?,
        };
        match definitions {
            Some(definitions) => tokio::select! {
                shown = differences.show(output) => shown,
                failure = definitions.watch(client, output) => Err(failure),
            },
            None => differences.show(output).await,
        }
    };
    match shown.await {
        Ok(()) => std::future::pending().await,
        Err(failure) => failure,
    }
}

/// Before the services start, so that none of them has to wait for another to do it.
async fn install(ground: &Ground, context: &Context) -> Result<Client, Failure> {
    let connection = sagaline_broker::nats::connect(&ground.url, &context.namespace, "dev").await;
    let connection = connection.map_err(Error::from)?;
    Installation::default().ensure(&connection).await.map_err(Error::from)?;
    Ok(Client::over(connection, "dev").await?)
}

/// Waits until every part works, which the owners of all partitions show by answering.
async fn ready(client: &Client, health: &Health) -> Result<(), Failure> {
    while !health.report().ready || !client.silent_partitions().await?.is_empty() {
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

fn announce(ground: &Ground, telemetry: &Telemetry, context: &Context) -> Result<(), Failure> {
    let output = &context.output;
    let http = telemetry.http_addr().map(|address| format!("http://{address}"));
    if output.is_json() {
        let data_dir = ground.data_dir();
        output.json(&json!({
            "ready": true,
            "nats_url": ground.url,
            "nats_server_pid": ground.server_pid(),
            "data_dir": data_dir.map(|(folder, _)| folder),
            "data_is_kept": data_dir.is_none_or(|(_, kept)| kept),
            "http": http,
        }))?;
        return Ok(());
    }
    output.line(&format!("nats: {}{}", ground.url, ground.server_note()))?;
    if let Some((folder, kept)) = ground.data_dir() {
        let note = if kept { "" } else { " (removed at the end; `--data-dir DIR` keeps it)" };
        output.line(&format!("data: {}{note}", folder.display()))?;
    }
    if let Some(http) = http {
        output.line(&format!("http: {http} (/healthz, /readyz, /metrics)"))?;
    }
    if let Some(project) = &context.project {
        output.line(&format!("project: {} (read again whenever a file changes)", project.file.display()))?;
    }
    Ok(output.line(&output.paint(Tone::Good, "ready"))?)
}

/// Only what is wrong is logged, unless the environment says otherwise.
fn telemetry(http: Option<SocketAddr>) -> Result<Telemetry, Failure> {
    let wants_more = ["SAGALINE_LOG", "RUST_LOG"].iter().any(|name| std::env::var_os(name).is_some());
    let settings = TelemetrySettings {
        log_filter: (!wants_more).then(|| WHAT_IS_WRONG.to_owned()),
        http: Some(http.unwrap_or(HTTP)),
        ..TelemetrySettings::new("dev")
    };
    let started = match (Telemetry::start(settings.clone()), http) {
        (Err(StartError::Listen { .. }), None) => {
            Telemetry::start(TelemetrySettings { http: Some(SocketAddr::new(HTTP.ip(), 0)), ..settings })
        }
        (started, _) => started,
    };
    started.map_err(|error| Failure::usage(chain(&error)))
}
