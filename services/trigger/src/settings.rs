//! The settings of a trigger.

use clap::Parser;
use sagaline_events::hops;
use sagaline_telemetry::settings::{Faults, Reading, ServiceFlags, ServiceSettings};

/// Each event waits for some answers of the server, so that this many hide their round trips; times the size of the largest
/// events (1 MiB) it is the memory they may take.
const IN_FLIGHT: usize = 256;

/// Starts workflows on CloudEvents. Any number of these may run.
#[derive(Clone, Debug, Parser)]
#[command(name = "sagaline-trigger", version)]
pub struct Flags {
    #[command(flatten)]
    pub service: ServiceFlags,
    /// How many events are handled at a time [default: 256]
    #[arg(long, env = "SAGALINE_IN_FLIGHT", value_name = "COUNT")]
    pub in_flight: Option<String>,
    /// How many executions may lead to an event, one after another, before it is taken for a loop [default: 32]
    #[arg(long, env = "SAGALINE_MAX_HOPS", value_name = "COUNT")]
    pub max_hops: Option<String>,
}

/// How a trigger runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Several addresses are separated by commas.
    pub nats_url: String,
    /// The monitoring addresses of the NATS nodes, as far as they are known.
    pub nats_monitor: Vec<String>,
    pub namespace: String,
    /// How many events are handled at a time.
    pub in_flight: usize,
    /// How many executions may lead to an event, one after another.
    pub hops_max: u32,
}

impl Settings {
    /// 256 events at a time, and chains of 32 executions.
    pub fn new(nats_url: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            nats_url: nats_url.into(),
            nats_monitor: vec![],
            namespace: namespace.into(),
            in_flight: IN_FLIGHT,
            hops_max: hops::MOST,
        }
    }
}

impl Flags {
    /// The settings that flags, variables and file make together, or all that is wrong with them.
    pub fn settings(self) -> Result<(ServiceSettings, Settings), Faults> {
        let (mut reading, service) = Reading::begin("trigger", self.service);
        let mut settings = Settings::new(service.nats_url.clone(), service.namespace.clone());
        settings.nats_monitor.clone_from(&service.nats_monitor);
        if let Some(in_flight) = reading.one("in_flight", self.in_flight) {
            settings.in_flight = in_flight;
        }
        if let Some(max_hops) = reading.one("max_hops", self.max_hops) {
            settings.hops_max = max_hops;
        }
        if settings.in_flight == 0 {
            reading.fault("in_flight", "it is 0, so no event would ever be handled; give it 1 at least");
        }
        reading.finish()?;
        Ok((service, settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(flags: &[&str]) -> Result<Settings, Faults> {
        let flags = Flags::try_parse_from([&["sagaline-trigger"], flags].concat()).expect("known flags");
        flags.settings().map(|(_, settings)| settings)
    }

    #[test]
    fn flags_become_settings() {
        let settings = settings(&["--nats-url", "nats://a:1,nats://b:2", "--in-flight", "8"]).expect("fine");
        assert_eq!((settings.nats_url.as_str(), settings.in_flight), ("nats://a:1,nats://b:2", 8));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = settings(&["--in-flight", "0", "--namespace", "a b"]).expect_err("faults").to_string();
        assert!(faults.contains("--in-flight") && faults.contains("`a b`"), "{faults}");
    }
}
