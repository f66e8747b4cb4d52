//! A NATS with everything installed, a scheduler in this process, and whoever reads its starts in the place of an orchestrator.

use std::time::Duration;

use bytes::Bytes;
use sagaline_broker::{
    names::{LogKind, Names, Stream},
    nats::{Connection, connect},
    ports::{Bucket, Message},
};
use sagaline_events::{
    Input, ScheduleInput, ScheduleView,
    ask::{Answer, Ask},
    schedule::{ScheduleSet, ScheduledEnded},
};
use sagaline_model::{Every, ExecutionId, Moment, Name, Overlap, ScheduleSpec, Span, When, partition_of};
use sagaline_scheduler::{Settings, run};
use sagaline_telemetry::health::Health;
use sagaline_testkit::site::{Nats, eventually, store};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PARTITIONS: u32 = 2;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Every second.
pub(crate) fn secondly(overlap: Overlap) -> ScheduleSpec {
    let when = When { every: Some(Every::of(Span::from_secs(1))), ..When::default() };
    ScheduleSpec { overlap, ..ScheduleSpec::of(name("report"), when) }
}

/// Far in the future: it does nothing by itself.
pub(crate) fn never(overlap: Overlap) -> ScheduleSpec {
    let when = When { cron: vec!["0 0 1 1 *".to_owned()], ..When::default() };
    ScheduleSpec { overlap, ..ScheduleSpec::of(name("report"), when) }
}

pub(crate) fn now() -> Moment {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Moment::from_nanos(i64::try_from(since.as_nanos()).unwrap())
}

/// What a schedule told, as it is on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) what: String,
    pub(crate) subject: String,
    pub(crate) about: String,
    pub(crate) data: Value,
}

pub(crate) struct Site {
    nats: Nats,
    pub(crate) connection: Connection,
    scheduler: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some((stop, _)) = &self.scheduler {
            stop.cancel();
        }
    }
}

impl Site {
    pub(crate) async fn start() -> Self {
        let mut site = Self::asleep().await;
        site.wake();
        site
    }

    /// Nobody owns the schedules yet.
    pub(crate) async fn asleep() -> Self {
        let nats = Nats::start("schedules").await;
        let connection = connect(&nats.url(), "sagaline", "test").await.expect("a connection");
        nats.installation().ensure(&connection).await.expect("it is installed");
        Self { nats, connection, scheduler: None }
    }

    pub(crate) fn wake(&mut self) {
        let mut settings = Settings::new(self.nats.url(), "sagaline");
        settings.rest_after = Duration::from_millis(200);
        let stop = CancellationToken::new();
        let running = run(settings, Health::default(), stop.clone());
        let task = tokio::spawn(async move { running.await.expect("it goes on until it is stopped") });
        self.scheduler = Some((stop, task));
    }

    /// It is told to stop, and hands over.
    pub(crate) async fn sleeps(&mut self) {
        if let Some((stop, task)) = self.scheduler.take() {
            stop.cancel();
            task.await.expect("it hands over");
        }
    }

    pub(crate) async fn say(&self, schedule: &str, input: ScheduleInput) {
        let subject = self.connection.names().schedule(schedule, PARTITIONS);
        self.store(subject, input.kind(), input.data().into()).await;
    }

    pub(crate) async fn set(&self, schedule: &str, spec: ScheduleSpec) {
        self.say(schedule, ScheduleInput::Set(Box::new(ScheduleSet::of(spec)))).await;
    }

    pub(crate) async fn ended(&self, schedule: &str, execution: &str) {
        let execution = ExecutionId::new(execution).unwrap();
        self.say(schedule, ScheduleInput::Ended(ScheduledEnded { execution })).await;
    }

    pub(crate) async fn store(&self, subject: String, kind: &str, payload: Bytes) {
        let headers = vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", "test".to_owned()),
            ("ce-source", "/test".to_owned()),
            ("ce-type", kind.to_owned()),
        ];
        store(&self.connection, &Message { subject, expected: None, msg_id: None, ttl: None, headers, payload }).await;
    }

    /// In the place of an orchestrator: these streams take no starts.
    pub(crate) async fn tells_room(&self, closed: &Value) {
        let subject = self.connection.names().key(Bucket::Partitions, Names::ADMISSION_KEY);
        let payload = serde_json::json!({ "at": now(), "closed": closed }).to_string().into();
        let word = Message { subject, expected: None, msg_id: None, ttl: None, headers: vec![], payload };
        store(&self.connection, &word).await;
    }

    /// Everything that is stored in a stream.
    async fn all(&self, stream: String) -> Vec<async_nats::jetstream::message::StreamMessage> {
        let stream = self.connection.jetstream().get_stream(stream).await.expect("it is there");
        let (mut all, mut next) = (vec![], 1);
        while let Ok(message) = stream.get_raw_message(next).await {
            next += 1;
            all.push(message);
        }
        all
    }

    /// The inputs that came to executions: ids that begin so, and what they say.
    pub(crate) async fn inputs(&self, prefix: &str) -> Vec<(String, Input)> {
        let names = self.connection.names();
        let mut inputs = vec![];
        for partition in 0..PARTITIONS {
            for message in self.all(names.runs(partition)).await {
                let Some((_, execution, _)) = names.parse_run(&message.subject) else { continue };
                let kind = message.headers.get("ce-type").map(ToString::to_string).unwrap_or_default();
                if execution.starts_with(prefix)
                    && let Ok(input) = Input::read(&kind, &message.payload)
                {
                    inputs.push((execution.to_owned(), input));
                }
            }
        }
        inputs.sort_by(|(left, _), (right, _)| left.cmp(right));
        inputs
    }

    /// The executions that a schedule started.
    pub(crate) async fn started(&self, schedule: &str) -> Vec<String> {
        let inputs = self.inputs(&format!("{schedule}-")).await;
        inputs.into_iter().filter(|(_, input)| matches!(input, Input::Start(_))).map(|(id, _)| id).collect()
    }

    /// Waits until it has started so many.
    pub(crate) async fn starts(&self, schedule: &str, count: usize) -> Vec<String> {
        let mut started = vec![];
        eventually(&format!("{schedule} starts {count}"), async || {
            started = self.started(schedule).await;
            count <= started.len()
        })
        .await;
        started
    }

    /// What a schedule told, in its order.
    pub(crate) async fn told(&self, schedule: &str) -> Vec<Told> {
        let all = self.all(self.connection.names().stream(Stream::Lifecycle)).await;
        let told = all.into_iter().filter_map(|message| {
            let data: Value = serde_json::from_slice(&message.payload).ok()?;
            (data["schedule"] == schedule).then(|| Told {
                what: message.subject.split('.').nth(3).unwrap_or_default().to_owned(),
                subject: message.subject.to_string(),
                about: message.headers.get("ce-subject").map(ToString::to_string).unwrap_or_default(),
                data,
            })
        });
        told.collect()
    }

    /// Waits until it tells this; for a skip, `why` as well.
    pub(crate) async fn tells(&self, schedule: &str, what: &str, why: &str) -> Told {
        let mut found = None;
        eventually(&format!("{schedule} tells `{what}` {why}"), async || {
            let is_it = |told: &Told| told.what == what && (told.data["why"] == why || told.data["what"] == why);
            found =
                self.told(schedule).await.into_iter().find(|told| why.is_empty() && told.what == what || is_it(told));
            found.is_some()
        })
        .await;
        found.expect("just seen")
    }

    pub(crate) async fn ask(&self, ask: &Ask, schedule: &str) -> Answer {
        let subject = self.connection.names().ask_of(LogKind::Schedules, partition_of(schedule, PARTITIONS));
        let question = serde_json::to_vec(ask).unwrap();
        let mut answer = None;
        eventually("its owner answers", async || {
            let asked = self.connection.client().request(subject.clone(), question.clone().into()).await;
            answer = asked.ok().and_then(|answer| serde_json::from_slice(&answer.payload).ok());
            answer.is_some()
        })
        .await;
        answer.expect("just seen")
    }

    pub(crate) async fn view(&self, schedule: &str) -> Option<ScheduleView> {
        match self.ask(&Ask::Schedule { schedule: name(schedule) }, schedule).await {
            Answer::Schedule(view) => Some(*view),
            Answer::Unknown => None,
            other => panic!("{other:?}"),
        }
    }

    /// The headers of all that is set aside: the reason is among them.
    pub(crate) async fn all_rejected(&self) -> Vec<String> {
        let all = self.all(self.connection.names().stream(Stream::Rejected)).await;
        all.into_iter().map(|message| format!("{:?}", message.headers)).collect()
    }

    pub(crate) async fn rejected(&self, reason: &str) -> String {
        let subject = self.connection.names().rejected(reason);
        let mut why = String::new();
        eventually(&format!("`{reason}` is set aside"), async || {
            let all = self.all(self.connection.names().stream(Stream::Rejected)).await;
            let found = all.into_iter().find(|message| message.subject.as_str() == subject);
            why = found.map(|message| format!("{:?}", message.headers)).unwrap_or_default();
            !why.is_empty()
        })
        .await;
        why
    }
}
