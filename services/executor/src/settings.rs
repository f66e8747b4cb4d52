//! The settings of an executor.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::Parser;
use sagaline_model::{ActivityName, Name, Span};
use sagaline_telemetry::settings::{Faults, Reading, ServiceFlags, ServiceSettings};

/// Most tasks wait for something else; this many of them fit into some ten megabytes.
pub const CONCURRENCY: usize = 512;
/// Within the grace that Kubernetes gives a pod by default.
const DRAIN: Duration = Duration::from_secs(30);
const QUEUES: [&str; 3] = ["critical", "default", "low"];

/// Runs the activities that come with Sagaline: noop, echo, sleep, fail, http. Any number of these may run.
#[derive(Clone, Debug, Parser)]
#[command(name = "sagaline-executor", version)]
pub struct Flags {
    #[command(flatten)]
    pub service: ServiceFlags,
    /// A queue to serve, perhaps with what it weighs beside the others; may be given several times [default: critical, default, low]
    #[arg(long, env = "SAGALINE_QUEUE", value_name = "NAME[=WEIGHT]", value_delimiter = ',')]
    pub queue: Vec<String>,
    /// Serve the queues one after the other, as they are given: one gets nothing while another before it has tasks
    #[arg(long, env = "SAGALINE_STRICT", value_parser = clap::builder::BoolishValueParser::new())]
    pub strict: bool,
    /// How many tasks of an activity run at a time, of all queues together; may be given several times
    #[arg(long, env = "SAGALINE_LIMIT", value_name = "ACTIVITY=COUNT", value_delimiter = ',')]
    pub limit: Vec<String>,
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
    /// In their order, each with what this executor says that it weighs.
    pub queues: Vec<Queue>,
    /// Whether a queue gets nothing while another before it has tasks.
    pub strict: bool,
    pub concurrency: usize,
    /// How many tasks of an activity run at a time.
    pub limits: Vec<Limit>,
    pub drain: Duration,
    /// Where every begin and end of an activity is written down.
    pub witness: Option<PathBuf>,
    /// Whether every attempt runs twice, to see whether that does any harm.
    pub twice: bool,
}

/// A queue to serve, written `name` or `name=weight`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub name: Name,
    /// What it weighs here; otherwise, what is set for the queue.
    pub weight: Option<u32>,
}

impl FromStr for Queue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, weight) = match text.split_once('=') {
            Some((name, weight)) => (name, Some(count(weight, "a weight")?)),
            None => (text, None),
        };
        Ok(Self { name: Name::new(name).map_err(|error| error.to_string())?, weight })
    }
}

/// How many tasks of an activity run at a time, written `activity=count`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub activity: ActivityName,
    pub most: u32,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (activity, most) = text.split_once('=').ok_or("a limit is written ACTIVITY=COUNT, such as http=16")?;
        let activity = ActivityName::new(activity).map_err(|error| error.to_string())?;
        Ok(Self { activity, most: count(most, "a limit")? })
    }
}

fn count(text: &str, what: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("`{text}`: {what} is a number from 1 on")),
        Ok(count) => Ok(count),
    }
}

impl Settings {
    /// The queues `critical`, `default` and `low`, 512 tasks at a time.
    pub fn new(nats_url: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            nats_url: nats_url.into(),
            nats_monitor: vec![],
            namespace: namespace.into(),
            queues: QUEUES.map(|queue| queue.parse().expect("it is a name")).into(),
            strict: false,
            concurrency: CONCURRENCY,
            limits: vec![],
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
        let queues = reading.many("queue", self.queue);
        if !queues.is_empty() {
            settings.queues = queues;
        }
        settings.strict = reading.one("strict", self.strict.then(|| "true".to_owned())).unwrap_or_default();
        settings.limits = reading.many("limit", self.limit);
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
        let settings = settings(&["--queue", "fast=6", "--queue", "slow", "--concurrency", "8"]).expect("fine");
        let queues: Vec<_> = settings.queues.iter().map(|queue| (queue.name.as_str(), queue.weight)).collect();
        assert_eq!((queues, settings.concurrency), (vec![("fast", Some(6)), ("slow", None)], 8));
        assert!(!settings.strict && settings.limits.is_empty());
    }

    #[test]
    fn order_and_limits_may_be_given() {
        let settings = settings(&["--strict", "--limit", "http=16,echo=2"]).expect("fine");
        let limits: Vec<_> = settings.limits.iter().map(|limit| (limit.activity.as_str(), limit.most)).collect();
        assert_eq!((settings.strict, limits), (true, vec![("http", 16), ("echo", 2)]));
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
        let faults = settings(&["--queue", "a=0", "--limit", "http", "--limit", "echo=many"]);
        let faults = faults.expect_err("faults").to_string();
        for part in ["a weight is a number", "ACTIVITY=COUNT", "`many`"] {
            assert!(faults.contains(part), "{part}: {faults}");
        }
    }
}
