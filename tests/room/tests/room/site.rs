//! The whole system in this process, on a NATS whose streams are as small as they can be: some 4 MiB each.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sagaline_broker::{
    names::Names,
    nats::{Connection, Installation, connect},
    ports::{Message, Outcome},
    room::Admission,
};
use sagaline_events::{
    Envelope, Input, Start,
    record::{ExecutionView, Status},
};
use sagaline_model::{ExecutionId, Name};
use sagaline_orchestrator::Settings;
use sagaline_sdk::{
    client::{Client, Error, StartOptions, Started},
    worker::{ActivityContext, Worker},
};
use sagaline_telemetry::Health;
use sagaline_testkit::site::{Nats, eventually};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Each waits for a signal, and then runs a step: its input lies on the log and in its snapshot until then.
pub(crate) const HELD: &str = "\
workflow: held
on: [ { event: held.asked } ]
steps:
  go: { await: go }
  count: { after: go, activity: count }
output: { done: true }
";

/// An input of so many bytes, in numbers that a stream of 4 MiB takes forty of.
pub(crate) fn blob(bytes: usize) -> Value {
    json!({ "blob": "x".repeat(bytes) })
}

pub(crate) struct Site {
    pub(crate) client: Client,
    pub(crate) connection: Connection,
    pub(crate) nats: Nats,
    /// How often the activity ran for each execution.
    runs: Arc<Mutex<BTreeMap<String, u32>>>,
}

/// A service that runs until this is dropped, or stopped.
pub(crate) struct Running {
    stop: DropGuard,
    running: JoinHandle<()>,
}

impl Running {
    pub(crate) fn begin<F: Future<Output = ()> + Send + 'static>(run: impl FnOnce(CancellationToken) -> F) -> Self {
        let stop = CancellationToken::new();
        Self { running: tokio::spawn(run(stop.clone())), stop: stop.drop_guard() }
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.running.await.expect("it does not panic");
    }
}

impl Site {
    /// Everything is installed, and nothing runs.
    pub(crate) async fn new() -> Self {
        let nats = Nats::start("room").await;
        let connection = connect(&nats.url(), "sagaline", "room").await.expect("a connection");
        let installation = installation(&nats);
        installation.ensure(&connection).await.expect("an installation");
        let client = Client::over(connection.clone(), "room").await.expect("a client");
        let site = Self { client, connection, nats, runs: Arc::default() };
        site.apply(HELD).await;
        site
    }

    pub(crate) async fn apply(&self, yaml: &str) {
        let definition = sagaline_lang::read(yaml, "room.yaml").expect("a definition");
        self.client.apply(&definition.plan, Some(yaml)).await.expect("applied");
    }

    pub(crate) async fn orchestrator(&self) -> Running {
        self.orchestrator_with(|_| ()).await
    }

    pub(crate) async fn orchestrator_with(&self, change: impl FnOnce(&mut Settings)) -> Running {
        let health = Health::new();
        let mut settings = Settings::new(self.nats.url(), "sagaline");
        settings.installation = installation(&self.nats);
        change(&mut settings);
        let report = health.clone();
        let running = Running::begin(async move |stop| {
            sagaline_orchestrator::run(settings, health, stop).await.expect("an orchestrator");
        });
        eventually("the partition has an owner", async || {
            let parts = report.report().parts;
            parts.iter().any(|part| part.part == "partition.0" && part.ready)
        })
        .await;
        running
    }

    /// Serves the activity `count` on this queue.
    pub(crate) fn worker(&self, queue: &str) -> Running {
        let runs = Arc::clone(&self.runs);
        let count = move |context: ActivityContext, _: Value| {
            let runs = Arc::clone(&runs);
            async move {
                let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
                *runs.entry(context.execution().to_owned()).or_default() += 1;
                Ok(Value::Null)
            }
        };
        let worker = Worker::new(self.nats.url()).queue(queue).activity("count", count);
        Running::begin(async move |stop| worker.run(stop).await.expect("a worker"))
    }

    pub(crate) fn trigger(&self) -> Running {
        let settings = sagaline_trigger::Settings::new(self.nats.url(), "sagaline");
        Running::begin(async move |stop| {
            sagaline_trigger::run(settings, Health::new(), stop).await.expect("a trigger");
        })
    }

    pub(crate) fn names(&self) -> &Names {
        self.connection.names()
    }

    pub(crate) async fn start(&self, workflow: &str, id: &str, input: Value) -> Result<Started, Error> {
        let options = StartOptions { id: Some(called(id)), ..StartOptions::default() };
        self.client.start(&Name::new(workflow).expect("a name"), input, options).await
    }

    /// As a client does that looks at no word.
    pub(crate) async fn raw_start(&self, workflow: &str, id: &str, input: Value) -> Outcome {
        let workflow = Name::new(workflow).expect("a name");
        let start = Input::Start(Start { version: Some(1), input, ..Start::of(workflow) });
        let data = start.data();
        let headers = vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", format!("start-{id}")),
            ("ce-source", "/room".to_owned()),
            ("ce-type", start.kind().to_owned()),
        ];
        let message = Message {
            subject: self.names().start(id, self.client.partitions()),
            expected: Some(0),
            msg_id: None,
            ttl: None,
            headers,
            payload: data.into(),
        };
        self.connection.publish(&message).await
    }

    /// Starts executions until starts are refused, no more between two looks at the streams than those can tell. Gives the
    /// ids of what was started, and the refusal.
    pub(crate) async fn start_until_refused(&self, workflow: &str, bytes: usize) -> (Vec<String>, Error) {
        let mut started = vec![];
        for number in 0..200 {
            let id = format!("{workflow}-{number}");
            match self.start(workflow, &id, blob(bytes)).await {
                Ok(_) => started.push(id),
                Err(error) => return (started, error),
            }
            // From half on step by step.
            if started.len() * bytes > 2_000_000 && started.len() % 4 == 0 {
                let told = self.word().await.at;
                eventually("the word is told anew", async || self.word().await.at > told).await;
            }
        }
        panic!("{} executions of {bytes} bytes were started on streams of 4 MiB", started.len());
    }

    pub(crate) async fn word(&self) -> Admission {
        let mut word = None;
        eventually("there is a word", async || {
            word = self.connection.admission().await.expect("NATS answers");
            word.is_some()
        })
        .await;
        word.expect("it was waited for")
    }

    pub(crate) async fn signal(&self, ids: &[String]) {
        for id in ids {
            self.client.signal(&called(id), &Name::new("go").expect("a name"), Value::Null).await.expect("signalled");
        }
    }

    /// Each of them completes, and its step ran once.
    pub(crate) async fn all_complete(&self, ids: &[String]) {
        for id in ids {
            let ended: ExecutionView = sagaline_testkit::site::soon(self.client.wait(&called(id))).await.expect(id);
            assert_eq!(ended.status, Status::Completed, "{id}");
        }
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let not_once: Vec<_> = ids.iter().filter(|id| runs.get(*id) != Some(&1)).collect();
        assert!(not_once.is_empty(), "these did not run once: {not_once:?}");
    }

    /// So much of its limit the stream takes.
    pub(crate) async fn percent(&self, stream: &str) -> u64 {
        let info = self.info(stream).await;
        info.state.bytes * 100 / u64::try_from(info.config.max_bytes).expect("a limit")
    }

    pub(crate) async fn info(&self, stream: &str) -> async_nats::jetstream::stream::Info {
        let stream = self.connection.jetstream().get_stream(stream).await.expect("the stream");
        stream.cached_info().clone()
    }

    pub(crate) async fn set_max_bytes(&self, stream: &str, bytes: i64) {
        let mut config = self.info(stream).await.config;
        config.max_bytes = bytes;
        self.connection.jetstream().update_stream(config).await.expect("it is changed");
    }

    /// Starts are refused for want of room in this stream, as soon as that is known.
    pub(crate) async fn starts_are_refused(&self, stream: &str) {
        eventually(&format!("`{stream}` takes no starts"), async || self.word().await.closed.contains_key(stream))
            .await;
        // A client goes for a second by what it read.
        let client = Client::over(self.connection.clone(), "room").await.expect("a client");
        let started = client.start(&Name::new("held").expect("a name"), Value::Null, StartOptions::default()).await;
        let Err(Error::NoRoom { fill, .. }) = started else { panic!("{started:?}") };
        assert_eq!(fill.stream, stream);
    }

    /// Starts are taken again, by themselves.
    pub(crate) async fn starts_are_taken(&self, workflow: &str, id: &str) {
        eventually("starts are taken again", async || match self.start(workflow, id, Value::Null).await {
            Ok(_) => true,
            Err(Error::NoRoom { .. }) => false,
            Err(other) => panic!("{other}"),
        })
        .await;
    }
}

pub(crate) fn called(id: &str) -> ExecutionId {
    ExecutionId::new(id).expect("an id")
}

/// A CloudEvent that starts `held`.
pub(crate) fn event(id: &str, bytes: usize) -> Envelope {
    Envelope::new(id, "/room", "held.asked", blob(bytes).to_string())
}

fn installation(nats: &Nats) -> Installation {
    Installation { partitions: 1, size_factor: 0.001, dedup_window: Duration::from_secs(20), ..nats.installation() }
}
