//! The settings of an orchestrator.

use std::time::Duration;

use clap::Parser;
use sagaline_broker::nats::Installation;
use sagaline_model::Span;
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
    /// How many subjects the log of a partition keeps at most, two for each execution; each costs NATS memory [default: 2000000]
    #[arg(long, env = "SAGALINE_HISTORY_SUBJECTS", value_name = "COUNT")]
    pub history_subjects: Option<String>,
    /// What the declared sizes of streams and buckets are multiplied with [default: 1]
    #[arg(long, env = "SAGALINE_SIZE_FACTOR", value_name = "FACTOR")]
    pub size_factor: Option<String>,
    /// What has been waited for so long is looked at again [default: 1m]
    #[arg(long, env = "SAGALINE_LOOK_AGAIN", value_name = "DURATION")]
    pub look_again: Option<String>,
    /// An execution that only waits leaves memory when nothing came for it for so long [default: 30s]
    #[arg(long, env = "SAGALINE_REST_AFTER", value_name = "DURATION")]
    pub rest_after: Option<String>,
}

/// How an orchestrator runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Several addresses are separated by commas.
    pub nats_url: String,
    /// The monitoring addresses of the NATS nodes, as far as they are known.
    pub nats_monitor: Vec<String>,
    pub namespace: String,
    /// What to create where it is missing.
    pub installation: Installation,
    /// What has been waited for so long is looked at again.
    pub look_again_after: Duration,
    /// What only waits leaves memory after so long.
    pub rest_after: Duration,
    /// How long the log keeps what is done.
    pub history: Duration,
    /// And of how many subjects at most.
    pub history_subjects: u64,
}

impl Settings {
    /// A new installation gets two partitions on one node.
    pub fn new(nats_url: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            nats_url: nats_url.into(),
            nats_monitor: vec![],
            namespace: namespace.into(),
            installation: Installation::default(),
            look_again_after: Duration::from_secs(60),
            rest_after: Duration::from_secs(30),
            history: Duration::from_secs(24 * 3600),
            history_subjects: 2_000_000,
        }
    }
}

impl Flags {
    /// The settings that flags, variables and file make together, or all that is wrong with them.
    pub fn settings(self) -> Result<(ServiceSettings, Settings), Faults> {
        let (mut reading, service) = Reading::begin("orchestrator", self.service);
        let mut settings = Settings::new(service.nats_url.clone(), service.namespace.clone());
        settings.nats_monitor.clone_from(&service.nats_monitor);
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
        if let Some(subjects) = reading.one("history_subjects", self.history_subjects) {
            settings.history_subjects = subjects;
        }
        if let Some(factor) = reading.one::<f64>("size_factor", self.size_factor) {
            settings.installation.size_factor = factor;
            if !(factor.is_finite() && 0.0 < factor) {
                reading.fault("size_factor", "it must be above 0; 1 is what `nats/streams.json` declares");
            }
        }
        if let Some(again) = reading.one::<Span>("look_again", self.look_again) {
            settings.look_again_after = again.into();
        }
        if let Some(rest) = reading.one::<Span>("rest_after", self.rest_after) {
            settings.rest_after = rest.into();
        }
        reading.finish()?;
        Ok((service, settings))
    }
}
