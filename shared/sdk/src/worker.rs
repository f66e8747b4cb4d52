//! A worker: runs activities for the tasks of queues, and answers with their results.
//!
//! The protocol (what is asked, when a task may run, when it is acknowledged) is [`sagaline_broker::worker`]'s; this is the
//! typed surface around it. A worker keeps nothing: any number of them may serve the same queues, and may be killed at any time.
//!
//! ```no_run
//! use sagaline_sdk::worker::{ActivityContext, ActivityError, Worker};
//! use serde::{Deserialize, Serialize};
//! use tokio_util::sync::CancellationToken;
//!
//! #[derive(Deserialize)]
//! struct ChargeInput {
//!     card: String,
//!     amount: u64,
//! }
//!
//! #[derive(Serialize)]
//! struct ChargeOutput {
//!     receipt: String,
//! }
//!
//! async fn charge(context: ActivityContext, input: ChargeInput) -> Result<ChargeOutput, ActivityError> {
//!     if input.card.is_empty() {
//!         return Err(ActivityError::new("CardDeclined", "there is no card").not_retryable());
//!     }
//!     // The same key for every attempt: whoever gets it can tell a second try from a second payment.
//!     tracing::info!(key = context.idempotency_key(), input.amount, "charging");
//!     Ok(ChargeOutput { receipt: format!("receipt-{}", context.idempotency_key()) })
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let shutdown = CancellationToken::new();
//!     Worker::new("nats://127.0.0.1:4222")
//!         .queue("default")
//!         .concurrency(64)
//!         .activity("payments.charge", charge)
//!         .run(shutdown)
//!         .await?;
//!     Ok(())
//! }
//! ```

mod activity;
mod context;
mod definitions;
mod error;
mod heartbeat;
mod host;
mod observer;
mod outcome;
mod pool;
mod steps;
mod twice;
mod weights;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sagaline_broker::{
    names::DEFAULT_NAMESPACE,
    nats::{
        Connection, connect, tell_durability,
        worker::{ConsumerSettings, Sharing},
    },
    turns::Order,
};
use sagaline_model::{ActivityName, Name};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use activity::{Activity, typed};

use crate::workflow::Workflow;

pub use context::ActivityContext;
pub use error::{ActivityError, WorkerError};
pub use observer::Observer;
pub use outcome::{IntoOutcome, Outcome, WaitForApproval};
pub use sagaline_broker::nats::worker::PullerState;
pub use sagaline_events::Task;
pub use steps::NewStep;

/// Long enough for most activities to end by themselves, and within the grace that Kubernetes gives a pod by default.
const DRAIN: Duration = Duration::from_secs(30);
const CONCURRENCY: usize = 64;
const QUEUE: &str = "default";

/// A worker that is about to run. See the [module](self) for an example.
#[must_use = "a worker does nothing until it is run"]
pub struct Worker {
    source: Source,
    namespace: String,
    name: Option<String>,
    queues: Vec<(String, Option<u32>)>,
    order: Order,
    limits: BTreeMap<String, usize>,
    concurrency: usize,
    drain: Duration,
    hurry: CancellationToken,
    consumer: ConsumerSettings,
    activities: BTreeMap<String, Activity>,
    workflows: Vec<Workflow>,
    config: Value,
    observer: Arc<dyn Observer>,
    monitors: Option<Vec<String>>,
    twice: Option<bool>,
}

/// How a worker gets to its server.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a worker has one")]
pub enum Source {
    /// It connects by itself. Several addresses are separated by commas.
    Url(String),
    Connection(Connection),
}

impl From<&str> for Source {
    fn from(url: &str) -> Self {
        Self::Url(url.to_owned())
    }
}

impl From<String> for Source {
    fn from(url: String) -> Self {
        Self::Url(url)
    }
}

impl From<Connection> for Source {
    fn from(connection: Connection) -> Self {
        Self::Connection(connection)
    }
}

impl Worker {
    /// A worker on this server: its address, or a connection.
    pub fn new(source: impl Into<Source>) -> Self {
        Self {
            source: source.into(),
            namespace: DEFAULT_NAMESPACE.to_owned(),
            name: None,
            queues: vec![],
            order: Order::Weighted,
            limits: BTreeMap::new(),
            concurrency: CONCURRENCY,
            drain: DRAIN,
            hurry: CancellationToken::new(),
            consumer: ConsumerSettings::default(),
            activities: BTreeMap::new(),
            workflows: vec![],
            config: Value::Object(Map::new()),
            observer: Arc::new(()),
            monitors: None,
            twice: None,
        }
    }

    /// The namespace of the installation, where the worker connects by itself.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// What people see as the worker of a step; by default the name of the machine and the number of the process.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Serves this queue too. Without any it serves `default`.
    ///
    /// Of several, each has its share of the slots while all have tasks: as much as `sagaline queues set` says that it weighs, and else
    /// `critical` 6, `low` 1, any other 3. What one does not need is for the others.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queues.push((queue.into(), None));
        self
    }

    /// The same with a weight that counts in this worker, whatever others say.
    pub fn weighted_queue(mut self, queue: impl Into<String>, weight: u32) -> Self {
        self.queues.push((queue.into(), Some(weight)));
        self
    }

    /// Serves its queues one after the other, as they were named: one gets nothing while another before it has tasks. Weights say nothing
    /// then.
    pub fn strict(mut self, strict: bool) -> Self {
        self.order = if strict { Order::Strict } else { Order::Weighted };
        self
    }

    /// Holds no more tasks of this activity at a time, over all its queues.
    pub fn limit(mut self, activity: impl Into<String>, most: usize) -> Self {
        self.limits.insert(activity.into(), most);
        self
    }

    /// How many tasks it holds at a time, over all its activities; at least as many as it has activities is wise.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// How long activities may go on after the shutdown began, before they are broken off and their tasks go to others.
    pub fn drain_within(mut self, time: Duration) -> Self {
        self.drain = time;
        self
    }

    /// Once this is cancelled the drain is over, however long it might still last.
    pub fn hurry_on(mut self, hurry: CancellationToken) -> Self {
        self.hurry = hurry;
        self
    }

    /// How many tasks of one activity all workers together may hold. It counts where this worker is the first of its activity:
    /// a consumer that is there keeps what it has.
    pub fn max_ack_pending(mut self, count: u32) -> Self {
        self.consumer.max_ack_pending = count;
        self
    }

    /// Runs `run` for the tasks of this activity. Its input and output are JSON, read and written by serde; an input that it
    /// cannot read fails the step for good, with the type `BadInput`.
    pub fn activity<F, I, O, Running>(mut self, name: impl Into<String>, run: F) -> Self
    where
        F: Fn(ActivityContext, I) -> Running + Send + Sync + 'static,
        I: DeserializeOwned + Send + 'static,
        O: IntoOutcome + 'static,
        Running: Future<Output = Result<O, ActivityError>> + Send + 'static,
    {
        self.activities.insert(name.into(), typed(run));
        self
    }

    /// Applies this workflow when the worker starts, as `sagaline apply` would: what is the newest version already stays as it is. One that
    /// was the newest before stays so, too: a worker of yesterday takes nothing back. Tasks are served meanwhile.
    pub fn workflow(mut self, workflow: Workflow) -> Self {
        self.workflows.push(workflow);
        self
    }

    /// The values that the workflows of this worker read as `config`, a map; those of a workflow [itself](Workflow::config) go before them.
    /// One that reads a value which is nowhere keeps the worker from running.
    pub fn config(mut self, values: impl Into<Value>) -> Self {
        self.config = values.into();
        self
    }

    /// Who hears what this worker does.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Says in the log, when it starts, what NATS keeps over which failures. `monitors` are the monitoring addresses of the nodes;
    /// without them it is not known what survives a power cut.
    pub fn tell_durability(mut self, monitors: Vec<String>) -> Self {
        self.monitors = Some(monitors);
        self
    }

    /// Runs every attempt twice, one after the other, with the same input and the same idempotency key: what happens in production
    /// when a worker dies between an effect and its answer, happens at every step, while there is time to do something about it. The
    /// first result counts. Where the second differs, the log says so, and an event `step.differed`. An attempt that failed is not run
    /// again here: its retry does that.
    ///
    /// Where this is not called, `SAGALINE_TWICE=1` in the environment asks for it.
    pub fn twice(mut self, twice: bool) -> Self {
        self.twice = Some(twice);
        self
    }

    /// Runs until `shutdown` is cancelled: then it pulls nothing more, lets what runs come to its end for a while, and gives the
    /// rest back. Dropping the future breaks everything off.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), WorkerError> {
        if let Value::Object(values) = &self.config {
            self.workflows = self.workflows.into_iter().map(|workflow| workflow.with_values_of(values)).collect();
        }
        let Lines { lines, weights, sharing } = self.lines()?;
        let name = self.name.unwrap_or_else(default_name);
        let connection = match self.source {
            Source::Connection(connection) => connection,
            Source::Url(url) => {
                let connecting = connect(&url, &self.namespace, &name);
                let Some(connection) = shutdown.run_until_cancelled(connecting).await else { return Ok(()) };
                connection?
            }
        };
        if let Some(monitors) = &self.monitors {
            tell_durability(&connection, monitors);
        }
        let pool = pool::Pool {
            connection,
            name,
            lines,
            weights,
            sharing,
            drain: self.drain,
            hurry: self.hurry,
            consumer: self.consumer,
            observer: self.observer,
            workflows: self.workflows,
            twice: self.twice.unwrap_or_else(twice::is_asked_for),
        };
        pool.run(shutdown).await
    }

    /// Every queue with every activity, or all that is wrong with their names.
    fn lines(&self) -> Result<Lines, WorkerError> {
        let mut faults = vec![];
        let mut weights: Vec<(Name, Option<u32>)> = vec![];
        let default = [(QUEUE.to_owned(), None)];
        for (queue, weight) in if self.queues.is_empty() { &default[..] } else { &self.queues } {
            match Name::new(queue.as_str()) {
                _ if *weight == Some(0) => faults.push(format!("the queue `{queue}`: a weight is 1 at least")),
                Ok(queue) if weights.iter().any(|(known, _)| *known == queue) => {}
                Ok(queue) => weights.push((queue, *weight)),
                Err(error) => faults.push(format!("the queue `{queue}`: {error}")),
            }
        }
        if self.activities.is_empty() {
            faults.push("it has no activity to run; give it one with `activity`".to_owned());
        }
        if self.concurrency == 0 {
            faults.push("its concurrency is 0; give it 1 at least".to_owned());
        }
        let mut lines = vec![];
        let mut sharing = Sharing { order: self.order, ..Sharing::of(self.concurrency) };
        for (name, activity) in &self.activities {
            match ActivityName::new(name.as_str()) {
                Ok(name) => lines.extend(weights.iter().map(|(queue, _)| pool::Line {
                    queue: queue.clone(),
                    name: name.clone(),
                    activity: activity.clone(),
                })),
                Err(error) => faults.push(format!("the activity `{name}`: {error}")),
            }
        }
        for (activity, most) in &self.limits {
            match ActivityName::new(activity.as_str()) {
                _ if *most == 0 => faults.push(format!("the limit of `{activity}` is 0; give it 1 at least")),
                _ if !self.activities.contains_key(activity) => {
                    let known: Vec<_> = self.activities.keys().map(String::as_str).collect();
                    let known = known.join("`, `");
                    faults.push(format!("the limit of `{activity}`: it has no such activity, only `{known}`"));
                }
                Ok(activity) => {
                    sharing.limits.insert(activity, *most);
                }
                Err(error) => faults.push(format!("the limit of `{activity}`: {error}")),
            }
        }
        if !self.config.is_object() {
            faults.push(
                "its config is no map of values; give names to them: `json!({ \"least_total\": 10 })`".to_owned(),
            );
        }
        faults.extend(self.workflows.iter().filter_map(|workflow| Some(workflow.build().err()?.to_string())));
        if faults.is_empty() { Ok(Lines { lines, weights, sharing }) } else { Err(WorkerError::Settings(faults)) }
    }
}

/// What a worker serves, and how.
struct Lines {
    lines: Vec<pool::Line>,
    /// As the queues were named, with what the worker itself says about them.
    weights: Vec<(Name, Option<u32>)>,
    sharing: Sharing,
}

fn default_name() -> String {
    let system = rustix::system::uname();
    format!("{}-{}", system.nodename().to_string_lossy(), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_with_a_worker_is_said_at_once() {
        let echo = |_: ActivityContext, input: serde_json::Value| async move { Ok(input) };
        let worker = Worker::new("nats://127.0.0.1:1").queue("a.b").concurrency(0).activity("no good", echo);
        let worker = worker.weighted_queue("light", 0).limit("unknown", 3);
        let error = worker.lines().err().expect("faults").to_string();
        for part in ["`a.b`", "`no good`", "concurrency", "`light`", "`unknown`"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn every_activity_is_served_on_every_queue() {
        let echo = |_: ActivityContext, input: serde_json::Value| async move { Ok(input) };
        let worker = Worker::new("nats://127.0.0.1:1").activity("echo", echo).activity("other.echo", echo);
        assert_eq!(worker.lines().expect("fine").lines.len(), 2, "the default queue only");
        let worker = worker.queue("fast").queue("slow").queue("fast");
        assert_eq!(worker.lines().expect("fine").lines.len(), 4);
    }
}
