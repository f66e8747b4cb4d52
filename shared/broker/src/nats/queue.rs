//! What an operator says about a queue, and how its consumers come to know.

mod make;
mod purge;

use std::time::Duration;

use sagaline_model::{ActivityName, Name, QueueSettings};
use serde::Deserialize;
use serde_json::{Value, json};

pub use purge::{QueuePurge, QueuePurged};

use super::{
    Connection,
    api::{ApiError, CONSUMER_NOT_FOUND, STREAM_NOT_FOUND},
};
use crate::{
    names::Names,
    ports::{Bucket, Failure, Message, Outcome, Sequence},
};

/// As good as for ever. The server has no pause without an end.
const FOR_EVER: &str = "2200-01-01T00:00:00Z";
/// What is tried in vain so often is somebody else's to change at the same time.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(20);

impl Connection {
    /// What is said about a queue; nothing by default.
    pub async fn queue_settings(&self, queue: &Name) -> Result<QueueSettings, Failure> {
        Ok(self.queue_settings_at(queue).await?.1)
    }

    async fn queue_settings_at(&self, queue: &Name) -> Result<(Sequence, QueueSettings), Failure> {
        let key = Names::queue_settings_key(queue.as_str());
        let what = || format!("read `{key}` of bucket `settings`");
        let subject = self.names().key(Bucket::Settings, &key);
        let found = self.last_on(&self.names().bucket_stream(Bucket::Settings), &subject).await;
        let Some(found) = found.map_err(|error| error.into_failure(what()))? else {
            return Ok((0, QueueSettings::default()));
        };
        let settings = match found.value().map_err(|error| error.into_failure(what()))? {
            Some((_, value)) => serde_json::from_slice(&value)
                .map_err(|error| Failure::Refused { what: what(), why: error.to_string() })?,
            None => QueueSettings::default(),
        };
        Ok((found.seq, settings))
    }

    /// Changes them, and gives what they are now.
    pub async fn change_queue(
        &self,
        queue: &Name,
        change: impl Fn(&mut QueueSettings),
    ) -> Result<QueueSettings, Failure> {
        let what = || format!("change the settings of the queue `{queue}`");
        for _ in 0..TRIES {
            let (sequence, mut settings) = self.queue_settings_at(queue).await?;
            change(&mut settings);
            let key = Names::queue_settings_key(queue.as_str());
            let message = Message {
                subject: self.names().key(Bucket::Settings, &key),
                expected: Some(sequence),
                msg_id: None,
                ttl: None,
                headers: vec![],
                payload: serde_json::to_vec(&settings).expect("settings have string keys only").into(),
            };
            match self.publish(&message).await {
                Outcome::Stored { .. } => return Ok(settings),
                // Somebody else's, or our own whose answer was lost: what is there now says it.
                Outcome::Conflict { .. } | Outcome::Contended | Outcome::Unknown(_) => tokio::time::sleep(PAUSE).await,
                other => return Err(Failure::Refused { what: what(), why: format!("it was not stored: {other:?}") }),
            }
        }
        Err(Failure::NoAnswer(what()))
    }

    /// The consumers of a queue, by name; nothing if it has no stream.
    pub async fn queue_consumers(&self, queue: &Name) -> Result<Option<Vec<String>>, Failure> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            total: usize,
            #[serde(default)]
            consumers: Option<Vec<String>>,
        }
        let stream = self.names().queue_stream(queue.as_str());
        let mut names: Vec<String> = vec![];
        loop {
            let request = json!({ "offset": names.len() });
            match self.api::<Page>(&format!("CONSUMER.NAMES.{stream}"), &request).await {
                Ok(Page { total, consumers }) => {
                    let more = consumers.unwrap_or_default();
                    let last = more.is_empty();
                    names.extend(more);
                    if last || total <= names.len() {
                        return Ok(Some(names));
                    }
                }
                Err(error) if error.code() == Some(STREAM_NOT_FOUND) => return Ok(None),
                Err(error) => return Err(error.into_failure(format!("list the consumers of the queue `{queue}`"))),
            }
        }
    }

    /// Lets the server hand out nothing of a consumer, or everything again. `false`: there is no such consumer.
    pub async fn pause_consumer(&self, queue: &Name, consumer: &str, paused: bool) -> Result<bool, Failure> {
        let stream = self.names().queue_stream(queue.as_str());
        let request = if paused { json!({ "pause_until": FOR_EVER }) } else { json!({}) };
        match self.api::<Value>(&format!("CONSUMER.PAUSE.{stream}.{consumer}"), &request).await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => {
                let what = if paused { "pause" } else { "resume" };
                Err(error.into_failure(format!("{what} consumer `{consumer}` of stream `{stream}`")))
            }
        }
    }

    /// Removes a queue that is empty: its stream, its consumers and what is said about it. `false`: it has no stream. A task that comes in
    /// between is lost to the queue, and found missing by whoever waits for it.
    pub async fn remove_queue(&self, queue: &Name) -> Result<bool, Failure> {
        let stream = self.names().queue_stream(queue.as_str());
        let removed = match self.api::<Value>(&format!("STREAM.DELETE.{stream}"), &json!({})).await {
            Ok(_) => true,
            Err(error) if error.code() == Some(STREAM_NOT_FOUND) => false,
            Err(error) => return Err(error.into_failure(format!("remove stream `{stream}`"))),
        };
        self.change_queue(queue, |settings| *settings = QueueSettings::default()).await?;
        Ok(removed)
    }

    /// How many tasks of an activity all workers together may hold, from now on. `false`: there is no consumer yet, and it gets this
    /// when it is made.
    pub async fn limit_consumer(&self, queue: &Name, activity: &ActivityName, most: u32) -> Result<bool, Failure> {
        #[derive(Deserialize)]
        struct Info {
            config: Value,
        }
        let (stream, consumer) = (self.names().queue_stream(queue.as_str()), self.names().consumer(activity));
        let failed = |error: ApiError| error.into_failure(format!("limit consumer `{consumer}` of stream `{stream}`"));
        let Info { mut config } = match self.api(&format!("CONSUMER.INFO.{stream}.{consumer}"), &json!({})).await {
            Ok(info) => info,
            Err(error) if is_missing(&error) => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        config["max_ack_pending"] = json!(most);
        let request = json!({ "stream_name": stream, "action": "update", "config": config });
        match self.api::<Value>(&format!("CONSUMER.CREATE.{stream}.{consumer}"), &request).await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

fn is_missing(error: &ApiError) -> bool {
    matches!(error.code(), Some(CONSUMER_NOT_FOUND | STREAM_NOT_FOUND))
}

/// What a consumer of a paused queue is born with.
pub(super) fn pause_until(settings: &QueueSettings) -> Option<&'static str> {
    settings.paused.is_some().then_some(FOR_EVER)
}
