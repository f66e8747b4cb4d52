//! What these tests share: a server with an installation on it, triggers that run, and what they have started.

use std::{collections::BTreeMap, time::Duration};

use async_nats::{HeaderMap, jetstream::message::StreamMessage};
use bytes::Bytes;
use sagaline_broker::{
    names::{Names, Stream},
    nats::{Connection, Installed, connect},
    ports::{Bucket, Message},
};
use sagaline_events::{
    Input, Start,
    record::{Definition, Latest},
};
use sagaline_model::{Dag, EventTrigger, Name, Plan, Trigger};
use sagaline_telemetry::Health;
use sagaline_testkit::site::{Nats, eventually_within, store, stream};
use sagaline_trigger::Settings;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A NATS of its own for a test, and an installation on it.
pub(crate) struct World {
    pub(crate) server: Nats,
    pub(crate) connection: Connection,
    pub(crate) installed: Installed,
}

/// A trigger in this process.
pub(crate) struct Running {
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), sagaline_trigger::Error>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let server = Nats::start("trigger").await;
        let connection = connect(&server.url(), "sagaline", "test").await.expect("a connection");
        let installed = server.installation().ensure(&connection).await.expect("an installation");
        Self { server, connection, installed }
    }

    pub(crate) fn names(&self) -> &Names {
        self.connection.names()
    }

    /// A trigger that serves.
    pub(crate) async fn trigger(&self) -> Running {
        let (health, shutdown) = (Health::new(), CancellationToken::new());
        let settings = Settings::new(self.server.url(), "sagaline");
        let running = tokio::spawn(sagaline_trigger::run(settings, health.clone(), shutdown.clone()));
        eventually("the trigger is ready", async || health.report().ready).await;
        Running { shutdown, running }
    }

    /// What `apply` does.
    pub(crate) async fn apply(&self, workflow: &str, version: u32, triggers: Vec<Trigger>) {
        let plan = Plan {
            handlers: Default::default(),
            conduct: Default::default(),
            exchange: Default::default(),
            concurrency: None,
            unique: None,
            config: Default::default(),
            workflow: Name::new(workflow).expect("a name"),
            note: None,
            rules: Plan::FIRST_RULES,
            input_schema: None,
            triggers,
            timeout: None,
            tags: vec![],
            root: Dag { nodes: vec![] },
            output: None,
        };
        self.apply_plan(plan, version).await;
    }

    pub(crate) async fn apply_plan(&self, plan: Plan, version: u32) {
        let name = plan.workflow.clone();
        let workflow = name.as_str().to_owned();
        let hash = plan.hash();
        let definition = Definition { workflow: name, version, hash: hash.clone(), plan, source: None };
        let json = |value: Result<Vec<u8>, serde_json::Error>| Bytes::from(value.expect("JSON"));
        self.put(&Names::definition_key(&workflow, version), json(serde_json::to_vec(&definition))).await;
        self.put(&Names::latest_key(&workflow), json(serde_json::to_vec(&Latest { version, hash }))).await;
    }

    async fn put(&self, key: &str, payload: Bytes) {
        let subject = self.names().key(Bucket::Definitions, key);
        store(
            &self.connection,
            &Message { subject, expected: None, msg_id: None, ttl: None, headers: vec![], payload },
        )
        .await;
    }

    /// Publishes an event in binary mode.
    pub(crate) async fn publish(&self, kind: &str, source: &str, id: &str, data: Value) {
        let headers = [("ce-specversion", "1.0"), ("ce-id", id), ("ce-source", source), ("ce-type", kind)];
        self.publish_raw(kind, &headers, data.to_string()).await;
    }

    pub(crate) async fn publish_raw(&self, kind: &str, headers: &[(&str, &str)], payload: impl Into<Bytes>) {
        let payload = payload.into();
        eventually("it is stored", async || publish(&self.connection, kind, headers, payload.clone()).await.is_ok())
            .await;
    }

    /// The starts in all logs, by execution, each as often as it is there.
    pub(crate) async fn starts(&self) -> BTreeMap<String, Vec<Start>> {
        let mut starts: BTreeMap<String, Vec<Start>> = BTreeMap::new();
        for partition in 0..self.installed.partitions {
            for message in self.stored(&self.names().runs(partition)).await {
                let (of, execution, end) = self.names().parse_run(&message.subject).expect("a subject of a log");
                assert_eq!((of, end), (partition, "start"));
                starts.entry(execution.to_owned()).or_default().push(start_in(&message));
            }
        }
        starts
    }

    pub(crate) async fn count_starts(&self) -> usize {
        self.starts().await.values().map(Vec::len).sum()
    }

    pub(crate) async fn wait_for_starts(&self, count: usize) -> BTreeMap<String, Vec<Start>> {
        eventually(&format!("{count} starts"), async || count <= self.count_starts().await).await;
        self.starts().await
    }

    /// Waits until the consumer has nothing left to deliver and nothing unacknowledged.
    pub(crate) async fn settle(&self) {
        let events = self.names().stream(Stream::Events);
        let stream = stream(&self.connection, &events).await;
        eventually("every event is acknowledged", async || {
            let consumer = stream.consumer_info("trigger").await;
            consumer.is_ok_and(|consumer| consumer.num_pending == 0 && consumer.num_ack_pending == 0)
        })
        .await;
    }

    /// Everything in a stream.
    pub(crate) async fn stored(&self, name: &str) -> Vec<StreamMessage> {
        let stream = stream(&self.connection, name).await;
        let mut messages = vec![];
        let state = stream.cached_info().state.clone();
        for sequence in state.first_sequence.max(1)..=state.last_sequence {
            messages.push(stream.get_raw_message(sequence).await.expect("a message"));
        }
        messages
    }

    /// The data of the lifecycle events of the trigger.
    pub(crate) async fn told(&self, what: &str) -> Vec<Value> {
        let lifecycle = self.stored(&self.names().stream(Stream::Lifecycle)).await;
        let of_kind = |message: &&StreamMessage| message.subject.contains(&format!(".trigger.{what}."));
        let data = |message: &StreamMessage| serde_json::from_slice(&message.payload).expect("JSON");
        lifecycle.iter().filter(of_kind).map(data).collect()
    }
}

impl Running {
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(20), self.running).await;
        ended.expect("it ends soon").expect("no panic").expect("it ends well");
    }
}

pub(crate) async fn publish(
    connection: &Connection,
    kind: &str,
    headers: &[(&str, &str)],
    payload: Bytes,
) -> Result<(), async_nats::Error> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, *value);
    }
    let subject = connection.names().event(kind);
    connection.jetstream().publish_with_headers(subject, map, payload).await?.await?;
    Ok(())
}

fn start_in(message: &StreamMessage) -> Start {
    let kind = message.headers.get("ce-type").expect("a type").as_str();
    match Input::read(kind, &message.payload) {
        Ok(Input::Start(start)) => start,
        other => panic!("no start: {other:?}"),
    }
}

pub(crate) fn on(kind: &str) -> Trigger {
    Trigger::Event(EventTrigger::of(kind))
}

pub(crate) fn on_if(kind: &str, when: &str) -> Trigger {
    Trigger::Event(EventTrigger { when: Some(when.into()), ..EventTrigger::of(kind) })
}

pub(crate) fn id(workflow: &str, source: &str, id: &str) -> String {
    sagaline_trigger::execution_of(&Name::new(workflow).expect("a name"), source, id).to_string()
}

pub(crate) fn order(number: usize) -> Value {
    json!({ "order": number })
}

/// Waits until the answer is yes. A dead replica's events come to another after half a minute, so more than that.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFnMut() -> bool) {
    eventually_within(Duration::from_secs(90), what, is_so).await;
}
