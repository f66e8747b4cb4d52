//! The settings of an orchestrator.

use std::time::Duration;

use clap::Parser;
use sagaline_broker::nats::Installation;
use sagaline_model::{Name, Span};
use sagaline_telemetry::settings::{Faults, Reading, ServiceFlags, ServiceSettings};

/// Owns partitions of the log of executions. Any number of these may run; they share the partitions.
#[derive(Clone, Debug, Parser)]
#[command(name = "sagaline-orchestrator", version)]
pub struct Flags {
    #[command(flatten)]
    pub service: ServiceFlags,
    /// How many partitions a new installation gets; an existing one keeps its number [default: 2]
    #[arg(long, env = "SAGALINE_PARTITIONS", value_name = "COUNT")]
    pub partitions: Option<String>,
    /// How many NATS nodes hold each stream [default: 1]
    #[arg(long, env = "SAGALINE_REPLICAS", value_name = "COUNT")]
    pub replicas: Option<String>,
    /// How long queues remember which tasks they were given [default: 2m]
    #[arg(long, env = "SAGALINE_DEDUP_WINDOW", value_name = "DURATION")]
    pub dedup_window: Option<String>,
    /// How long the log, and with it the history, is kept [default: 1d]
    #[arg(long, env = "SAGALINE_HISTORY", value_name = "DURATION")]
    pub history: Option<String>,
    /// What has been waited for so long is looked at again [default: 1m]
    #[arg(long, env = "SAGALINE_LOOK_AGAIN", value_name = "DURATION")]
    pub look_again: Option<String>,
}

/// How an orchestrator runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Several addresses are separated by commas.
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
    /// A new installation gets two partitions on one node.
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

impl Flags {
    /// The settings that flags, variables and file make together, or all that is wrong with them.
    pub fn settings(self) -> Result<(ServiceSettings, Settings), Faults> {
        let (mut reading, service) = Reading::begin("orchestrator", self.service);
        let mut settings = Settings::new(service.nats_url.clone(), service.namespace.clone());
        if let Err(error) = Name::new(service.namespace.as_str()) {
            reading.fault("namespace", error);
        }
        if let Some(partitions) = reading.one("partitions", self.partitions) {
            settings.installation.partitions = partitions;
        }
        if let Some(replicas) = reading.one("replicas", self.replicas) {
            settings.installation.replicas = replicas;
        }
        if let Some(window) = reading.one::<Span>("dedup_window", self.dedup_window) {
            settings.installation.dedup_window = window.into();
        }
        if let Some(history) = reading.one::<Span>("history", self.history) {
            settings.history = history.into();
        }
        if let Some(again) = reading.one::<Span>("look_again", self.look_again) {
            settings.look_again_after = again.into();
        }
        reading.finish()?;
        Ok((service, settings))
    }
}
