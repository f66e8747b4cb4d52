//! The settings of a scheduler.

use clap::Parser;
use sagaline_owning::{Given, Settings};
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

impl Flags {
    /// The settings that flags, variables and file make together, or all that is wrong with them.
    pub fn settings(self) -> Result<(ServiceSettings, Settings), Faults> {
        let (reading, service) = Reading::begin("scheduler", self.service);
        let Self { history, history_subjects, look_again, rest_after, .. } = self;
        let given = Given { history, history_subjects, look_again, rest_after };
        let settings = Settings::read(reading, &service, given)?;
        Ok((service, settings))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
