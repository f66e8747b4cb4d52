//! What these tests share: one server, an installation for each test, an owner that a test plays, waiting with a deadline.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use futures::StreamExt;
use sagaline_broker::{
    names::LogKind,
    nats::{Connection, Installation, connect},
    ports::{Bucket, Message, Outcome},
};
use sagaline_events::{
    ask::{Answer, Ask},
    record::{ExecutionView, Status},
};
use sagaline_model::{ExecutionId, Moment, Name, Plan};
use sagaline_sdk::client::Client;
pub(crate) use sagaline_testkit::site::soon;
use sagaline_testkit::site::{LONG, shared};
use tokio::task::JoinHandle;

/// An installation that no other test sees, and a client of it.
pub(crate) async fn client() -> Client {
    let shared = shared();
    client_at(&shared.url, shared.installation()).await
}

pub(crate) async fn client_at(url: &str, installation: Installation) -> Client {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let namespace = format!("t{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let connection = connect(url, &namespace, "test").await.expect("a connection");
    installation.ensure(&connection).await.expect("an installation");
    Client::over(connection, "test").await.expect("a client")
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub(crate) fn id(text: &str) -> ExecutionId {
    ExecutionId::new(text).expect("an id")
}

/// A workflow called `order` whose only step is `activity`.
pub(crate) fn order(activity: &str) -> Plan {
    plan(&format!("workflow: order\nsteps:\n  a: {{ activity: {activity} }}\n"))
}

pub(crate) fn plan(text: &str) -> Plan {
    sagaline_lang::read(text, "test.yaml").expect("a definition").plan
}

pub(crate) fn view(execution: &str, status: Status, started_ms: i64) -> ExecutionView {
    ExecutionView {
        execution: id(execution),
        workflow: name("order"),
        version: 1,
        status,
        started_at: Moment::from_millis(started_ms),
        ended_at: status.is_over().then(|| Moment::from_millis(started_ms + 5)),
        output: serde_json::Value::Null,
        error: None,
        failed_step: None,
        reason: None,
        tags: std::collections::BTreeMap::new(),
        steps: vec![],
        parent: None,
        queries: Default::default(),
        attempt: None,
        replies: Default::default(),
        undo: vec![],
        begins_at: None,
        job: None,
    }
}

/// Writes how an execution ended, as its owner does.
pub(crate) async fn store_result(connection: &Connection, view: &ExecutionView) {
    let state = serde_json::to_string(view).expect("JSON");
    let payload = format!(r#"{{"applied":1,"time":"{}","state":{state}}}"#, view.started_at);
    let subject = connection.names().key(Bucket::Results, view.execution.as_str());
    let payload = payload.into();
    let message = Message { subject, expected: None, msg_id: None, ttl: None, headers: vec![], payload };
    assert!(matches!(connection.publish(&message).await, Outcome::Stored { .. }));
}

/// What happened, on the subject where an owner tells it.
pub(crate) async fn tell(connection: &Connection, kind: &str, what: &str, execution: &str, data: &str) {
    let subject = connection.names().lifecycle(kind, what, "order", execution);
    connection.client().publish(subject, data.to_owned().into()).await.expect("a publish");
    connection.client().flush().await.expect("a flush");
}

/// Answers the questions about every partition as `answer` says, until it is dropped.
pub(crate) struct Owner {
    asked: Arc<Mutex<Vec<Ask>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Owner {
    pub(crate) async fn play(client: &Client, answer: impl Fn(&Ask) -> Answer + Send + Sync + 'static) -> Self {
        let partitions: Vec<u32> = (0..client.partitions()).collect();
        Self::play_for(client, &partitions, answer).await
    }

    pub(crate) async fn play_for(
        client: &Client,
        partitions: &[u32],
        answer: impl Fn(&Ask) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::play_each(client, partitions, move |_, ask| answer(ask)).await
    }

    /// The answer depends on the partition.
    pub(crate) async fn play_each(
        client: &Client,
        partitions: &[u32],
        answer: impl Fn(u32, &Ask) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::play_service(client, LogKind::Runs, partitions, answer).await
    }

    /// An owner of another service.
    pub(crate) async fn play_service(
        client: &Client,
        kind: LogKind,
        partitions: &[u32],
        answer: impl Fn(u32, &Ask) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (asked, answer) = (Arc::new(Mutex::new(vec![])), Arc::new(answer));
        let nats = client.connection().client().clone();
        let mut tasks = vec![];
        for partition in partitions.iter().copied() {
            let subject = client.connection().names().ask_of(kind, partition);
            let mut questions = nats.subscribe(subject).await.expect("a subscription");
            let (nats, asked, answer) = (nats.clone(), Arc::clone(&asked), Arc::clone(&answer));
            tasks.push(tokio::spawn(async move {
                while let Some(question) = questions.next().await {
                    let ask: Ask = serde_json::from_slice(&question.payload).expect("a question");
                    let answer = serde_json::to_vec(&answer(partition, &ask)).expect("JSON");
                    asked.lock().expect("no panic").push(ask);
                    nats.publish(question.reply.expect("a request"), answer.into()).await.expect("a publish");
                }
            }));
        }
        nats.flush().await.expect("a flush");
        Self { asked, tasks }
    }

    pub(crate) fn asked(&self) -> Vec<Ask> {
        self.asked.lock().expect("no panic").clone()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Waits until the answer is yes, failing when that takes too long.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {LONG:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
