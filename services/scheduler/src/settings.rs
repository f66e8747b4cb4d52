//! The settings of a scheduler.

use std::time::Duration;

use clap::Parser;
use sagaline_model::{Name, Span};
use sagaline_telemetry::settings::{Faults, Reading, ServiceFlags, ServiceSettings};

/// Owns partitions of the logs of schedules: starts what is due. Any number of these may run; they share the partitions.
#[derive(Clone, Debug, Parser)]
#[command(name = "sagaline-scheduler", version)]
pub struct Flags {
    #[command(flatten)]
    pub service: ServiceFlags,
    /// How long the logs of schedules are kept [default: 1d]
    #[arg(long, env = "SAGALINE_HISTORY", value_name = "DURATION")]
    pub history: Option<String>,
    /// How many subjects the log of a partition keeps at most, one for each schedule; each costs NATS memory [default: 2000000]
    #[arg(long, env = "SAGALINE_HISTORY_SUBJECTS", value_name = "COUNT")]
    pub history_subjects: Option<String>,
    /// What has been waited for so long is looked at again [default: 1m]
    #[arg(long, env = "SAGALINE_LOOK_AGAIN", value_name = "DURATION")]
    pub look_again: Option<String>,
    /// A schedule that is not due for long leaves memory when nothing came for it for so long [default: 30s]
    #[arg(long, env = "SAGALINE_REST_AFTER", value_name = "DURATION")]
    pub rest_after: Option<String>,
}

/// How a scheduler runs.
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
}

impl Flags {
    /// The settings that flags, variables and file make together, or all that is wrong with them.
    pub fn settings(self) -> Result<(ServiceSettings, Settings), Faults> {
        let (mut reading, service) = Reading::begin("scheduler", self.service);
        let mut settings = Settings::new(service.nats_url.clone(), service.namespace.clone());
        settings.nats_monitor.clone_from(&service.nats_monitor);
        if let Err(error) = Name::new(service.namespace.as_str()) {
            reading.fault("namespace", error);
        }
        if let Some(history) = reading.one::<Span>("history", self.history) {
            settings.history = history.into();
        }
        if let Some(subjects) = reading.one("history_subjects", self.history_subjects) {
            settings.history_subjects = subjects;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(flags: &[&str]) -> Result<Settings, Faults> {
        let flags = Flags::try_parse_from([&["sagaline-scheduler"], flags].concat()).expect("known flags");
        flags.settings().map(|(_, settings)| settings)
    }

    #[test]
    fn flags_become_settings() {
        let settings = settings(&["--nats-url", "nats://a:1,nats://b:2", "--rest-after", "2s"]).expect("fine");
        assert_eq!(
            (settings.nats_url.as_str(), settings.rest_after),
            ("nats://a:1,nats://b:2", Duration::from_secs(2))
        );
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = settings(&["--history", "long", "--namespace", "a b"]).expect_err("faults").to_string();
        assert!(faults.contains("--history") && faults.contains("`a b`"), "{faults}");
    }
}
