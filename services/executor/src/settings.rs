//! The settings of an executor.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use sagaline_model::{Name, Span};
use sagaline_telemetry::settings::{Faults, Reading, ServiceFlags, ServiceSettings};

/// Most tasks wait for something else; this many of them fit into some ten megabytes.
pub const CONCURRENCY: usize = 512;
/// Within the grace that Kubernetes gives a pod by default.
const DRAIN: Duration = Duration::from_secs(30);
const QUEUE: &str = "default";

/// Runs the activities that come with Sagaline: noop, echo, sleep, fail, http. Any number of these may run.
#[derive(Clone, Debug, Parser)]
#[command(name = "sagaline-executor", version)]
pub struct Flags {
    #[command(flatten)]
    pub service: ServiceFlags,
    /// A queue to serve; may be given several times [default: default]
    #[arg(long, env = "SAGALINE_QUEUE", value_name = "NAME", value_delimiter = ',')]
    pub queue: Vec<String>,
    /// How many tasks run at a time [default: 512]
    #[arg(long, env = "SAGALINE_CONCURRENCY", value_name = "COUNT")]
    pub concurrency: Option<String>,
    /// How long tasks may go on after SIGTERM before others get them [default: 30s]
    #[arg(long, env = "SAGALINE_DRAIN", value_name = "DURATION")]
    pub drain: Option<String>,
    /// A file to which every begin and end of an activity is appended, for tests
    #[arg(long, env = "SAGALINE_WITNESS", value_name = "FILE")]
    pub witness: Option<PathBuf>,
    /// Run every attempt twice with the same idempotency key, and say where the second ends otherwise, for tests
    #[arg(long, env = "SAGALINE_TWICE", value_parser = clap::builder::BoolishValueParser::new())]
    pub twice: bool,
}

/// How an executor runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Several addresses are separated by commas.
    pub nats_url: String,
    /// The monitoring addresses of the NATS nodes, as far as they are known.
    pub nats_monitor: Vec<String>,
    pub namespace: String,
    pub queues: Vec<Name>,
    pub concurrency: usize,
    pub drain: Duration,
    /// Where every begin and end of an activity is written down.
    pub witness: Option<PathBuf>,
    /// Whether every attempt runs twice, to see whether that does any harm.
    pub twice: bool,
}

impl Settings {
    /// The queue `default`, 512 tasks at a time.
    pub fn new(nats_url: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            nats_url: nats_url.into(),
            nats_monitor: vec![],
            namespace: namespace.into(),
            queues: vec![Name::new(QUEUE).expect("`default` is a name")],
            concurrency: CONCURRENCY,
            drain: DRAIN,
            witness: None,
            twice: false,
        }
    }
}

impl Flags {
    /// The settings that flags, variables and file make together, or all that is wrong with them.
    pub fn settings(self) -> Result<(ServiceSettings, Settings), Faults> {
        let (mut reading, service) = Reading::begin("executor", self.service);
        let mut settings = Settings::new(service.nats_url.clone(), service.namespace.clone());
        settings.nats_monitor.clone_from(&service.nats_monitor);
        if let Err(error) = Name::new(service.namespace.as_str()) {
            reading.fault("namespace", error);
        }
        let queues = reading.many("queue", self.queue);
        if !queues.is_empty() {
            settings.queues = queues;
        }
        if let Some(concurrency) = reading.one("concurrency", self.concurrency) {
            settings.concurrency = concurrency;
        }
        if settings.concurrency == 0 {
            reading.fault("concurrency", "it is 0, so nothing would ever run; give it 1 at least");
        }
        if let Some(drain) = reading.one::<Span>("drain", self.drain) {
            settings.drain = drain.into();
        }
        let witness = self.witness.map(|file| file.to_string_lossy().into_owned());
        settings.twice = reading.one("twice", self.twice.then(|| "true".to_owned())).unwrap_or_default();
        settings.witness = reading.one("witness", witness);
        reading.finish()?;
        Ok((service, settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(flags: &[&str]) -> Result<Settings, Faults> {
        let flags = Flags::try_parse_from([&["sagaline-executor"], flags].concat()).expect("known flags");
        flags.settings().map(|(_, settings)| settings)
    }

    #[test]
    fn queues_may_be_given_several_times() {
        let settings = settings(&["--queue", "fast", "--queue", "slow", "--concurrency", "8"]).expect("fine");
        let queues: Vec<_> = settings.queues.iter().map(Name::as_str).collect();
        assert_eq!((queues, settings.concurrency), (vec!["fast", "slow"], 8));
    }

    #[test]
    fn attempts_run_twice_only_if_that_is_asked_for() {
        assert!(settings(&["--twice"]).expect("fine").twice);
        assert!(!settings(&[]).expect("fine").twice);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = settings(&["--queue", "a.b", "--concurrency", "0", "--drain", "long", "--namespace", "a b"]);
        let faults = faults.expect_err("faults").to_string();
        for part in ["`a.b`", "--concurrency", "`long`", "--namespace"] {
            assert!(faults.contains(part), "{part}: {faults}");
        }
    }
}
