//! What these tests share: a server with an installation, tasks put into its queue, an owner that a test plays, and waiting
//! with a deadline.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use futures::StreamExt;
use sagaline_broker::{
    nats::{Connection, Installation, connect},
    ports::Message,
};
use sagaline_events::{
    Input,
    ask::{Answer, Ask},
    task::{REPEAT_HEADER, TASK_TYPE},
};
use sagaline_model::{ActivityName, ExecutionId, Moment, Name, Span};
use sagaline_sdk::worker::{Task, Worker, WorkerError};
pub(crate) use sagaline_testkit::site::{LONG, eventually};
use sagaline_testkit::site::{Nats, store, stream};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A NATS with a small installation.
pub(crate) struct Site {
    pub(crate) server: Nats,
    pub(crate) connection: Connection,
}

impl Site {
    pub(crate) async fn start() -> Self {
        let server = Nats::start("worker").await;
        let connection = connect(&server.url(), "sagaline", "test").await.expect("a connection");
        let installation = Installation { partitions: 1, ..server.installation() };
        installation.ensure(&connection).await.expect("an installation");
        Self { server, connection }
    }

    /// A worker on a connection of its own.
    pub(crate) fn worker(&self) -> Worker {
        Worker::new(self.server.url()).name("worker-1").concurrency(8)
    }

    pub(crate) async fn put(&self, task: &Task) {
        self.put_with(task, None).await;
    }

    pub(crate) async fn put_repeat(&self, task: &Task) {
        self.put_with(task, Some((REPEAT_HEADER, "1".to_owned()))).await;
    }

    async fn put_with(&self, task: &Task, header: Option<(&'static str, String)>) {
        let payload = serde_json::to_vec(task).expect("a task has text keys only");
        let mut headers = vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", task.idempotency_key.clone()),
            ("ce-source", "/test".to_owned()),
            ("ce-type", TASK_TYPE.to_owned()),
        ];
        headers.extend(header);
        self.put_raw(task, headers, payload).await;
    }

    pub(crate) async fn put_raw(&self, task: &Task, headers: Vec<(&'static str, String)>, payload: Vec<u8>) {
        let Task { queue, activity, execution, path, attempt, .. } = task;
        let subject =
            self.connection.names().task(queue.as_str(), activity, execution.as_str(), path.as_str(), *attempt);
        let message = Message { subject, expected: None, msg_id: None, ttl: None, headers, payload: payload.into() };
        store(&self.connection, &message).await;
    }

    /// The inputs on the log, with the type that each was stored under.
    pub(crate) async fn inputs(&self) -> Vec<Input> {
        let read = |(kind, payload): (String, Vec<u8>)| Input::read(&kind, &payload).expect("an input");
        self.stored(&self.connection.names().runs(0)).await.into_iter().map(read).collect()
    }

    /// The type and the payload of every message in a stream.
    pub(crate) async fn stored(&self, name: &str) -> Vec<(String, Vec<u8>)> {
        let stream = stream(&self.connection, name).await;
        let state = stream.cached_info().state.clone();
        let mut stored = vec![];
        for sequence in state.first_sequence.max(1)..=state.last_sequence {
            let Ok(message) = stream.get_raw_message(sequence).await else { continue };
            let kind = message.headers.get("ce-type").expect("a type").as_str().to_owned();
            stored.push((kind, message.payload.to_vec()));
        }
        stored
    }

    pub(crate) async fn eventually_inputs(&self, count: usize) -> Vec<Input> {
        eventually(&format!("{count} inputs"), async || count <= self.inputs().await.len()).await;
        self.inputs().await
    }

    /// How many tasks are still in the queue.
    pub(crate) async fn queued(&self) -> u64 {
        let queue = self.connection.names().queue_stream("default");
        stream(&self.connection, &queue).await.cached_info().state.messages
    }

    /// Whether a worker has asked for tasks of this activity and has none to do.
    pub(crate) async fn is_waited_for(&self, activity: &str) -> bool {
        let queue = self.connection.names().queue_stream("default");
        let consumer = stream(&self.connection, &queue).await.consumer_info(activity).await;
        consumer.is_ok_and(|consumer| 0 < consumer.num_waiting)
    }

    pub(crate) async fn eventually_queued(&self, count: u64) {
        eventually(&format!("{count} tasks in the queue"), async || self.queued().await == count).await;
    }

    pub(crate) async fn tell(&self, execution: &str, notice: Value) {
        let subject = self.connection.names().tell(execution);
        self.connection.client().publish(subject, notice.to_string().into()).await.expect("published");
    }

    /// An owner of the partition that answers this.
    pub(crate) async fn owner(&self, answer: impl Fn() -> Answer + Send + 'static) -> Owner {
        let client = self.connection.client().clone();
        let mut questions = client.subscribe(self.connection.names().ask(0)).await.expect("subscribed");
        client.flush().await.expect("the server knows of it");
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let answering = tokio::spawn(async move {
            while let Some(question) = questions.next().await {
                let ask: Ask = serde_json::from_slice(&question.payload).expect("a question");
                assert!(matches!(ask, Ask::Wanted { .. }), "{ask:?}");
                count.fetch_add(1, Ordering::Relaxed);
                let answer = serde_json::to_vec(&answer()).expect("JSON");
                client.publish(question.reply.expect("somebody asks"), answer.into()).await.expect("answered");
            }
        });
        Owner { asked, answering }
    }
}

pub(crate) struct Owner {
    asked: Arc<AtomicUsize>,
    answering: JoinHandle<()>,
}

impl Owner {
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

/// A worker that runs. It is shut down at the end of its test.
pub(crate) struct Working {
    pub(crate) running: JoinHandle<Result<(), WorkerError>>,
    shutdown: DropGuard,
}

impl Working {
    pub(crate) fn begin(worker: Worker) -> Self {
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(worker.run(shutdown.clone()));
        Self { running, shutdown: shutdown.drop_guard() }
    }

    /// Shuts it down and waits for its end.
    pub(crate) async fn shut_down(self) {
        drop(self.shutdown);
        let ended = tokio::time::timeout(LONG, self.running).await.expect("it ends in time");
        ended.expect("it does not panic").expect("it runs");
    }
}

/// A task that was caused just now.
pub(crate) fn task(activity: &str, execution: &str) -> Task {
    let name = |text| Name::new(text).expect("a name");
    Task {
        workflow: name("orders"),
        version: 3,
        execution: ExecutionId::new(execution).expect("an id"),
        path: "charge".to_owned().try_into().expect("a path"),
        attempt: 1,
        queue: name("default"),
        activity: ActivityName::new(activity).expect("a name"),
        input: Value::Null,
        idempotency_key: format!("{execution}/charge"),
        reply: format!("sagaline.run.0.{execution}.in"),
        ask: "sagaline.ask.0".into(),
        // Later than any session that begins while the test runs: what is put is the only copy without a doubt.
        cause: now() + Span::from_secs(600),
        timeout: None,
        heartbeat: None,
        report: false,
        claim: false,
        begin_by: None,
        metadata: serde_json::Value::Null,
    }
}

/// The same, caused before any worker of the test began.
pub(crate) fn old_task(activity: &str, execution: &str) -> Task {
    Task { cause: Moment::from_millis(now().as_millis() - 10_000), ..task(activity, execution) }
}

pub(crate) fn now() -> Moment {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Moment::from_nanos(i64::try_from(since_1970.as_nanos()).expect("before 2262"))
}

/// Something that several tasks write down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(crate) fn note(&self, text: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn eventually(&self, count: usize) -> Vec<String> {
        eventually(&format!("{count} notes, of which there are {:?}", self.all()), async || count <= self.all().len())
            .await;
        self.all()
    }
}
