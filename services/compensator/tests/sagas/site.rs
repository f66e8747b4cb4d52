//! A NATS with everything installed, a compensator in this process, and a worker that writes down what it undoes.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use sagaline_broker::{
    names::{LogKind, Stream},
    nats::{Connection, connect},
    ports::{Bucket, Message},
};
use sagaline_compensator::{Settings, run};
use sagaline_events::{
    FramePath, Input, SagaInput, SagaNews, SagaRequest, SagaStatus, UndoStep,
    ask::{Answer, Ask},
    record::Status,
    saga::{SagaCause, SagaView, UndoAction, UndoOutcome},
};
use sagaline_model::{ActivityName, Backoff, ExecutionId, Moment, Name, RetryPolicy, Span, partition_of};
use sagaline_sdk::worker::{ActivityContext, ActivityError, Worker};
use sagaline_telemetry::health::Health;
use sagaline_testkit::site::{Nats, eventually, store};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PARTITIONS: u32 = 2;

pub(crate) fn frame(text: &str) -> FramePath {
    text.to_owned().try_into().unwrap()
}

pub(crate) fn id(text: &str) -> ExecutionId {
    ExecutionId::new(text).unwrap()
}

/// Two attempts, at once.
pub(crate) fn action(activity: &str) -> UndoAction {
    let (initial, backoff) = (Span::from_millis(20), Backoff::Fixed);
    UndoAction {
        activity: ActivityName::new(activity).unwrap(),
        queue: Name::new("default").unwrap(),
        input: Value::Null,
        timeout: None,
        retry: RetryPolicy { attempts: 2, initial, backoff, ..RetryPolicy::default() },
        allow_skip: false,
        metadata: Value::Null,
        fault: None,
        default_input: false,
    }
}

pub(crate) fn step(path: &str, after: &[u32]) -> UndoStep {
    let actions = vec![action("undo")];
    UndoStep { path: frame(path), execution: None, after: after.to_vec(), outcome: UndoOutcome::Completed, actions }
}

pub(crate) fn unknown(step: UndoStep) -> UndoStep {
    UndoStep { outcome: UndoOutcome::Unknown, ..step }
}

/// So many steps, done one after the other.
pub(crate) fn chain(length: u32) -> Vec<UndoStep> {
    let after = |number: u32| if number + 1 < length { vec![number + 1] } else { vec![] };
    (0..length).map(|number| step(&format!("s{number}"), &after(number))).collect()
}

pub(crate) fn request(steps: Vec<UndoStep>) -> SagaRequest {
    SagaRequest {
        workflow: Name::new("order").unwrap(),
        version: 1,
        cause: SagaCause { status: Status::Failed, error: None, step: None, reason: None },
        steps,
        origin: None,
        began: Moment::EPOCH,
    }
}

/// What a worker did.
#[derive(Clone, Debug)]
struct Done {
    key: String,
    path: FramePath,
}

pub(crate) struct Site {
    nats: Nats,
    pub(crate) connection: Connection,
    compensator: Option<(CancellationToken, JoinHandle<()>)>,
    worker: CancellationToken,
    begun: Arc<Mutex<Vec<String>>>,
    done: Arc<Mutex<Vec<(String, Done)>>>,
    mended: Arc<AtomicBool>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.worker.cancel();
        if let Some((stop, _)) = &self.compensator {
            stop.cancel();
        }
    }
}

impl Site {
    pub(crate) async fn start() -> Self {
        let nats = Nats::start("sagas").await;
        let connection = connect(&nats.url(), "sagaline", "test").await.expect("a connection");
        nats.installation().ensure(&connection).await.expect("it is installed");
        let mut site = Self {
            nats,
            connection,
            compensator: None,
            worker: CancellationToken::new(),
            begun: Arc::default(),
            done: Arc::default(),
            mended: Arc::default(),
        };
        site.start_compensator();
        site.start_worker();
        site
    }

    fn start_compensator(&mut self) {
        let mut settings = Settings::new(self.nats.url(), "sagaline");
        settings.rest_after = Duration::from_millis(200);
        let stop = CancellationToken::new();
        let running = run(settings, Health::default(), stop.clone());
        let task = tokio::spawn(async move { running.await.expect("it goes on until it is stopped") });
        self.compensator = Some((stop, task));
    }

    /// One is told to stop, and another begins.
    pub(crate) async fn replace_compensator(&mut self) {
        if let Some((stop, task)) = self.compensator.take() {
            stop.cancel();
            task.await.expect("it hands over");
        }
        self.start_compensator();
    }

    fn start_worker(&self) {
        let (done, begun, mended) = (Arc::clone(&self.done), Arc::clone(&self.begun), Arc::clone(&self.mended));
        let note = move |context: &ActivityContext| {
            let (key, path) = (context.idempotency_key().to_owned(), frame(context.step()));
            done.lock().unwrap().push((context.execution().to_owned(), Done { key, path }));
        };
        let noted = note.clone();
        let undo = move |context: ActivityContext, _input: Value| {
            let note = noted.clone();
            async move {
                note(&context);
                Ok::<_, ActivityError>(json!(null))
            }
        };
        let bad = move |context: ActivityContext, _input: Value| {
            let (note, mended) = (note.clone(), mended.load(Ordering::Relaxed));
            async move {
                if !mended {
                    return Err(ActivityError::new("Down", "the warehouse is down"));
                }
                note(&context);
                Ok(json!(null))
            }
        };
        let slow = move |context: ActivityContext, _input: Value| {
            let begun = Arc::clone(&begun);
            async move {
                let step = frame(context.step()).undone().expect("it undoes").0;
                begun.lock().unwrap().push(format!("{}/{step}", context.execution()));
                std::future::pending::<Result<Value, ActivityError>>().await
            }
        };
        let worker = Worker::new(self.nats.url()).activity("undo", undo).activity("undo.bad", bad);
        let worker = worker.activity("undo.slow", slow).drain_within(Duration::ZERO);
        let stop = self.worker.clone();
        tokio::spawn(async move { worker.run(stop).await.expect("it works until it is stopped") });
    }

    /// From now on the activity `undo.bad` works.
    pub(crate) fn mend(&self) {
        self.mended.store(true, Ordering::Relaxed);
    }

    pub(crate) async fn say(&self, execution: &str, input: SagaInput) {
        let headers = vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", "test".to_owned()),
            ("ce-source", "/test".to_owned()),
            ("ce-type", input.kind().to_owned()),
        ];
        let subject = self.connection.names().saga(execution, PARTITIONS);
        let payload = Bytes::from(input.data());
        store(&self.connection, &Message { subject, expected: None, msg_id: None, ttl: None, headers, payload }).await;
    }

    /// What the saga told its execution, from the log of executions.
    async fn told(&self, execution: &str) -> Vec<SagaNews> {
        let partition = partition_of(execution, PARTITIONS);
        let stream = self.connection.jetstream().get_stream(self.connection.names().runs(partition)).await;
        let stream = stream.expect("the log");
        let subject = self.connection.names().input(execution, PARTITIONS);
        let (mut told, mut next) = (vec![], 1);
        while let Ok(message) = stream.get_raw_message(next).await {
            next += 1;
            if message.subject.as_str() != subject {
                continue;
            }
            let kind = message.headers.get("ce-type").map(ToString::to_string).unwrap_or_default();
            if let Ok(Input::SagaNews(news)) = Input::read(&kind, &message.payload) {
                told.push(news);
            }
        }
        told
    }

    /// Waits until it is told this, and gives the last that was told.
    pub(crate) async fn news_of(&self, execution: &str, status: SagaStatus) -> SagaNews {
        self.newer_news_of(execution, status, 1).await
    }

    /// Until it is told this so many times.
    pub(crate) async fn newer_news_of(&self, execution: &str, status: SagaStatus, times: usize) -> SagaNews {
        let mut last = None;
        eventually(&format!("{execution} is told {status:?}"), async || {
            let told = self.told(execution).await;
            let such: Vec<_> = told.into_iter().filter(|news| news.status == Some(status)).collect();
            last = such.last().cloned();
            times <= such.len()
        })
        .await;
        last.expect("just seen")
    }

    /// The steps that were undone, in their order.
    pub(crate) fn done_for(&self, execution: &str) -> Vec<String> {
        let done = self.done.lock().unwrap();
        let of_it = done.iter().filter(|(of, _)| of == execution);
        of_it.map(|(_, done)| done.path.undone().expect("it undoes").0.to_string()).collect()
    }

    pub(crate) fn keys_of(&self, execution: &str) -> Vec<String> {
        let done = self.done.lock().unwrap();
        done.iter().filter(|(of, _)| of == execution).map(|(_, done)| done.key.clone()).collect()
    }

    pub(crate) async fn begun(&self, what: &str) {
        eventually(what, async || self.begun.lock().unwrap().iter().any(|begun| begun == what)).await;
    }

    pub(crate) async fn record_of(&self, execution: &str) -> SagaView {
        let mut record = None;
        eventually(&format!("{execution} has a record"), async || {
            let key = LogKind::Sagas.record_key(execution);
            record = self.connection.value(Bucket::Results, &key).await.ok().flatten();
            record.is_some()
        })
        .await;
        let record: Value = serde_json::from_slice(&record.expect("just seen").1).unwrap();
        serde_json::from_value(record["state"].clone()).unwrap()
    }

    pub(crate) async fn ask(&self, ask: &Ask, execution: &str) -> Answer {
        let subject = self.connection.names().ask_of(LogKind::Sagas, partition_of(execution, PARTITIONS));
        let question = serde_json::to_vec(ask).unwrap();
        let answer = self.connection.client().request(subject, question.into()).await.expect("an answer");
        serde_json::from_slice(&answer.payload).unwrap()
    }

    /// Waits until it has left memory.
    pub(crate) async fn rests(&self, execution: &str) {
        eventually(&format!("{execution} rests"), async || {
            let Answer::Partition(view) = self.ask(&Ask::Partition, execution).await else { return false };
            view.open == 1 && view.loaded == 0
        })
        .await;
    }

    pub(crate) async fn lifecycle_of(&self, execution: &str) -> Vec<String> {
        let names = self.connection.names();
        let stream =
            self.connection.jetstream().get_stream(names.stream(Stream::Lifecycle)).await.expect("it is there");
        let (mut what, mut next) = (vec![], 1);
        while let Ok(message) = stream.get_raw_message(next).await {
            next += 1;
            let of = message.headers.get("ce-subject").map(ToString::to_string);
            if of.as_deref() == Some(execution) {
                what.push(message.subject.split('.').nth(3).expect("a word").to_owned());
            }
        }
        what
    }

    pub(crate) async fn rejected(&self, reason: &str) {
        let subject = self.connection.names().rejected(reason);
        let names = self.connection.names();
        eventually("it is set aside", async || {
            let stream =
                self.connection.jetstream().get_stream(names.stream(Stream::Rejected)).await.expect("it is there");
            stream.get_last_raw_message_by_subject(&subject).await.is_ok()
        })
        .await;
    }
}
