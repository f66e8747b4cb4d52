//! The durable consumer of one activity's tasks, shared by all its workers: created if it is missing, checked if it is there.

use std::time::Duration;

use sagaline_model::{ActivityName, Moment, Name, QueueSettings};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::super::{
    Connection,
    api::{ApiError, CONSUMER_NOT_FOUND, STREAM_NOT_FOUND, nanos},
    queue::pause_until,
};

/// The consumer is there, with another configuration.
const CONSUMER_EXISTS: u64 = 10148;
/// What was asked of a leader that died is never answered. Whoever asks again soon hears of its successor soon.
const ANSWER_SOON: Duration = Duration::from_millis(1500);
/// Requests for tasks that may wait at a time, of all workers together: a few of each.
const MAX_WAITING: u32 = 4096;

/// What a consumer gets when a worker creates it. One that is there keeps what it has: operators may have changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerSettings {
    /// After so long without a sign of life from a worker its task goes to another.
    pub ack_wait: Duration,
    /// How many tasks all workers together may hold.
    pub max_ack_pending: u32,
}

impl Default for ConsumerSettings {
    /// 4 s: the task of a killed worker goes on within 5 s, and two signs of life may be lost. 10,000: above what the workers of
    /// an activity hold together, below what a server minds.
    fn default() -> Self {
        Self { ack_wait: Duration::from_secs(4), max_ack_pending: 10_000 }
    }
}

/// A consumer as the server has it.
#[derive(Debug, Deserialize)]
struct Info {
    config: Config,
    created: Moment,
    /// The server's clock when it answered.
    ts: Moment,
    /// Tasks that nobody has yet.
    #[serde(default)]
    num_pending: u64,
}

#[derive(Debug, Default, Deserialize)]
struct Config {
    #[serde(default)]
    ack_policy: String,
    #[serde(default)]
    ack_wait: u64,
    #[serde(default)]
    max_deliver: i64,
    #[serde(default)]
    filter_subject: String,
    #[serde(default)]
    deliver_subject: Option<String>,
}

/// A consumer that is there at this time of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) at: Moment,
    /// Tells it from one made anew under the same name.
    pub(super) created: Moment,
    pub(super) ack_wait: Duration,
    /// How long the queue remembers the Msg-Ids of tasks.
    pub(super) window: Duration,
    /// How many of its tasks nobody has yet.
    pub(super) waiting: u64,
}

/// What is read of the stream of a queue.
#[derive(Debug, Deserialize)]
struct QueueInfo {
    config: QueueConfig,
}

#[derive(Debug, Deserialize)]
struct QueueConfig {
    duplicate_window: u64,
}

/// Whose tasks they are.
pub(super) struct Line {
    pub(super) queue: Name,
    pub(super) activity: ActivityName,
    pub(super) stream: String,
    pub(super) consumer: String,
    pub(super) filter: String,
}

impl Line {
    pub(super) fn new(connection: &Connection, queue: Name, activity: ActivityName) -> Self {
        let names = connection.names();
        Self {
            stream: names.queue_stream(queue.as_str()),
            consumer: names.consumer(&activity),
            filter: names.tasks_of(queue.as_str(), &activity),
            queue,
            activity,
        }
    }

    /// Makes sure that the consumer is there. An error is a sentence for people.
    pub(super) async fn ensure(&self, connection: &Connection, settings: ConsumerSettings) -> Result<Found, String> {
        let Self { stream, consumer, .. } = self;
        let look = format!("CONSUMER.INFO.{stream}.{consumer}");
        // Looked for first: its own leader answers that, while making one takes the leader of the whole cluster.
        let mut info = soon(connection.api::<Info>(&look, &json!({}))).await;
        if matches!(&info, Err(error) if error.code() == Some(CONSUMER_NOT_FOUND)) {
            let said = self.said(connection).await?;
            let create = format!("CONSUMER.CREATE.{stream}.{consumer}");
            info = soon(connection.api(&create, &self.request(settings, &said))).await;
            if info.is_ok() {
                self.catch_up(connection, &said).await?;
            }
            if matches!(&info, Err(error) if error.code() == Some(CONSUMER_EXISTS)) {
                info = soon(connection.api(&look, &json!({}))).await;
            }
        }
        let queue: Result<QueueInfo, _> = soon(connection.api(&format!("STREAM.INFO.{stream}"), &json!({}))).await;
        let window = queue.map_err(|error| self.explain(&error))?.config.duplicate_window;
        self.check(info.map_err(|error| self.explain(&error))?, Duration::from_nanos(window))
    }

    /// What an operator says about the queue.
    async fn said(&self, connection: &Connection) -> Result<QueueSettings, String> {
        connection.queue_settings(&self.queue).await.map_err(|failure| failure.to_string())
    }

    /// What an operator said while the consumer was made, it may not have been told: who changes a setting stores it first, and
    /// then tells those consumers that there are.
    async fn catch_up(&self, connection: &Connection, before: &QueueSettings) -> Result<(), String> {
        let now = self.said(connection).await?;
        let Self { queue, activity, consumer, .. } = self;
        if now.paused.is_some() != before.paused.is_some() {
            let told = connection.pause_consumer(queue, consumer, now.paused.is_some()).await;
            told.map_err(|failure| failure.to_string())?;
        }
        let limit = |settings: &QueueSettings| settings.activities.get(activity).copied();
        match limit(&now) {
            Some(most) if limit(before) != Some(most) => {
                let told = connection.limit_consumer(queue, activity, most).await;
                told.map(drop).map_err(|failure| failure.to_string())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn request(&self, settings: ConsumerSettings, said: &QueueSettings) -> Value {
        let most = said.activities.get(&self.activity).copied().unwrap_or(settings.max_ack_pending);
        let mut request = json!({
            "stream_name": self.stream,
            "action": "create",
            "config": {
                "name": self.consumer,
                "durable_name": self.consumer,
                "description": format!("the tasks of activity `{}`, shared by all its workers", self.activity),
                "deliver_policy": "all",
                "replay_policy": "instant",
                "ack_policy": "explicit",
                "ack_wait": nanos(settings.ack_wait),
                "max_deliver": -1,
                "max_ack_pending": most,
                "max_waiting": MAX_WAITING,
                "filter_subject": self.filter,
            },
        });
        if let Some(until) = pause_until(said) {
            request["config"]["pause_until"] = json!(until);
        }
        request
    }

    fn check(&self, info: Info, window: Duration) -> Result<Found, String> {
        let Info { config, created, ts, num_pending } = info;
        let wrong = [
            ("ack_policy", config.ack_policy.clone(), config.ack_policy == "explicit"),
            ("filter_subject", config.filter_subject.clone(), config.filter_subject == self.filter),
            ("max_deliver", config.max_deliver.to_string(), config.max_deliver < 1),
            ("deliver_subject", config.deliver_subject.clone().unwrap_or_default(), config.deliver_subject.is_none()),
        ];
        match wrong.into_iter().find(|(_, _, fits)| !fits) {
            None => {
                let ack_wait = Duration::from_nanos(config.ack_wait);
                Ok(Found { at: ts, created, ack_wait, window, waiting: num_pending })
            }
            Some((field, found, _)) => Err(format!(
                "consumer `{}` of stream `{}` has {field} `{found}`, with which it cannot serve workers; \
                 remove it with `nats consumer rm {} {}`, and it is made anew",
                self.consumer, self.stream, self.stream, self.consumer
            )),
        }
    }

    fn explain(&self, error: &ApiError) -> String {
        let Self { stream, consumer, queue, .. } = self;
        match error {
            ApiError::Refused { code: STREAM_NOT_FOUND, .. } => {
                format!(
                    "queue `{queue}` has no stream `{stream}` yet; the orchestrator makes it, or a definition that names the queue"
                )
            }
            error => format!("consumer `{consumer}` of stream `{stream}` cannot be had: {error}"),
        }
    }
}

async fn soon<T>(answer: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    timeout(ANSWER_SOON, answer).await.unwrap_or(Err(ApiError::NoAnswer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let name = |text| Name::new(text).expect("a name");
        let activity = ActivityName::new("payments.charge").expect("a name");
        let filter = "sagaline.queue.default.payments~charge.>".into();
        Line {
            queue: name("default"),
            activity,
            stream: "QUEUE_default".into(),
            consumer: "payments~charge".into(),
            filter,
        }
    }

    fn info(config: &str) -> Info {
        serde_json::from_str(&format!(
            r#"{{"ts":"2026-11-20T06:00:00.5Z","created":"2026-11-19T06:00:00Z","config":{config}}}"#
        ))
        .expect("an answer")
    }

    #[test]
    fn a_consumer_keeps_the_ack_wait_that_an_operator_gave_it() {
        let config = r#"{"ack_policy":"explicit","ack_wait":9000000000,"max_deliver":-1,"filter_subject":"sagaline.queue.default.payments~charge.>"}"#;
        let found = line().check(info(config), Duration::from_secs(120)).expect("it will do");
        assert_eq!(found.ack_wait, Duration::from_secs(9));
        assert_eq!(found.at, "2026-11-20T06:00:00.5Z".parse().expect("a time"));
    }

    #[test]
    fn a_consumer_that_cannot_serve_is_named_with_what_to_do() {
        let why = line()
            .check(info(r#"{"ack_policy":"none","max_deliver":-1}"#), Duration::from_secs(120))
            .expect_err("it will not do");
        assert!(why.contains("`payments~charge`") && why.contains("ack_policy `none`"), "{why}");
        assert!(why.contains("nats consumer rm QUEUE_default payments~charge"), "{why}");
    }

    #[test]
    fn a_queue_without_a_stream_is_told_from_other_faults() {
        let missing = ApiError::Refused { code: STREAM_NOT_FOUND, description: "stream not found".into() };
        assert!(line().explain(&missing).contains("queue `default` has no stream"));
        assert!(line().explain(&ApiError::NoAnswer).contains("no answer"));
    }
}
