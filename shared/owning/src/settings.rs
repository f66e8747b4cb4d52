//! The settings of a service that owns partitions beside those of orchestrators, by which an installation goes.

use std::time::Duration;

use sagaline_broker::owner;
use sagaline_model::Span;
use sagaline_telemetry::settings::{Faults, Reading, ServiceSettings};

/// How such a service runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Several addresses are separated by commas.
    pub nats_url: String,
    /// The monitoring addresses of the NATS nodes, as far as they are known.
    pub nats_monitor: Vec<String>,
    pub namespace: String,
    /// What has been waited for so long is looked at again.
    pub look_again_after: Duration,
    /// What only waits leaves memory after so long.
    pub rest_after: Duration,
    /// How long the log keeps what is done.
    pub history: Duration,
    /// And of how many subjects at most.
    pub history_subjects: u64,
}

/// What was given for them as flags, each as it was written. What they mean in the words of a service, its help says.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub history: Option<String>,
    pub history_subjects: Option<String>,
    pub look_again: Option<String>,
    pub rest_after: Option<String>,
}

impl Settings {
    pub fn new(nats_url: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            nats_url: nats_url.into(),
            nats_monitor: vec![],
            namespace: namespace.into(),
            look_again_after: Duration::from_secs(60),
            rest_after: Duration::from_secs(30),
            history: Duration::from_secs(24 * 3600),
            history_subjects: 2_000_000,
        }
    }

    /// What flags, variables and file make together, or all that is wrong with them.
    pub fn read(mut reading: Reading, service: &ServiceSettings, given: Given) -> Result<Self, Faults> {
        let mut settings = Self::new(service.nats_url.clone(), service.namespace.clone());
        settings.nats_monitor.clone_from(&service.nats_monitor);
        if let Some(history) = reading.one::<Span>("history", given.history) {
            settings.history = history.into();
        }
        if let Some(subjects) = reading.one("history_subjects", given.history_subjects) {
            settings.history_subjects = subjects;
        }
        if let Some(again) = reading.one::<Span>("look_again", given.look_again) {
            settings.look_again_after = again.into();
        }
        if let Some(rest) = reading.one::<Span>("rest_after", given.rest_after) {
            settings.rest_after = rest.into();
        }
        reading.finish()?;
        Ok(settings)
    }

    /// What of it is an owner's.
    pub fn tune(&self, owner: &mut owner::Settings) {
        owner.look_again_after = self.look_again_after;
        owner.rest_after = self.rest_after;
        owner.history = self.history;
        owner.history_subjects = self.history_subjects;
    }
}
