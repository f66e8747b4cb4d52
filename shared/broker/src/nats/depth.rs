//! How much waits in the queues, for whoever watches over them. Nothing goes by it.

use sagaline_model::Name;
use serde::Deserialize;
use serde_json::json;

use super::{
    Connection,
    api::{ApiError, STREAM_NOT_FOUND},
};
use crate::ports::Failure;

/// How many tasks a queue has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    pub queue: String,
    /// Nobody works on them yet.
    pub pending: u64,
    /// A worker has them.
    pub active: u64,
    /// One for each activity that a worker has served, by name.
    pub lines: Vec<LineDepth>,
}

/// How many tasks of one activity a queue has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineDepth {
    /// As its consumer is named: with `~` for dots.
    pub consumer: String,
    pub pending: u64,
    pub active: u64,
    /// So many may be with workers.
    pub most: Option<u64>,
    /// The server hands out none.
    pub paused: bool,
    /// Requests of workers that have room.
    pub requests: u64,
}

impl Connection {
    /// The depth of every queue of the namespace.
    pub async fn queue_depths(&self) -> Result<Vec<QueueDepth>, Failure> {
        self.depths().await.map_err(|error| error.into_failure("look at the queues"))
    }

    async fn depths(&self) -> Result<Vec<QueueDepth>, ApiError> {
        let prefix = self.names().queue_stream("");
        let mut depths = vec![];
        for stream in self.streams_of(&self.names().queue_all("*")).await? {
            let Some(queue) = stream.strip_prefix(&prefix).map(str::to_owned) else { continue };
            depths.push(self.depth(queue, &stream).await?);
        }
        Ok(depths)
    }

    /// The depth of one queue; nothing if it has no stream.
    pub async fn queue_depth(&self, queue: &Name) -> Result<Option<QueueDepth>, Failure> {
        let stream = self.names().queue_stream(queue.as_str());
        match self.depth(queue.to_string(), &stream).await {
            Ok(depth) => Ok(Some(depth)),
            Err(error) if error.code() == Some(STREAM_NOT_FOUND) => Ok(None),
            Err(error) => Err(error.into_failure(format!("look at the queue `{queue}`"))),
        }
    }

    async fn depth(&self, queue: String, stream: &str) -> Result<QueueDepth, ApiError> {
        let lines = self.lines(stream).await?;
        let active = lines.iter().map(|line| line.active).sum();
        // A task stays in its stream until it is acknowledged; so the rest of them is with nobody.
        let pending = self.messages(stream).await?.saturating_sub(active);
        Ok(QueueDepth { queue, pending, active, lines })
    }

    async fn messages(&self, stream: &str) -> Result<u64, ApiError> {
        #[derive(Deserialize)]
        struct Info {
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            messages: u64,
        }
        let Info { state } = self.api(&format!("STREAM.INFO.{stream}"), &()).await?;
        Ok(state.messages)
    }

    async fn lines(&self, stream: &str) -> Result<Vec<LineDepth>, ApiError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            total: usize,
            #[serde(default)]
            consumers: Option<Vec<Consumer>>,
        }
        #[derive(Deserialize)]
        struct Consumer {
            name: String,
            num_ack_pending: u64,
            #[serde(default)]
            num_pending: u64,
            #[serde(default)]
            num_waiting: u64,
            #[serde(default)]
            paused: bool,
            #[serde(default)]
            config: Config,
        }
        #[derive(Default, Deserialize)]
        struct Config {
            #[serde(default)]
            max_ack_pending: i64,
        }
        let mut lines: Vec<LineDepth> = vec![];
        loop {
            let request = json!({ "offset": lines.len() });
            let Page { total, consumers } = self.api(&format!("CONSUMER.LIST.{stream}"), &request).await?;
            let consumers = consumers.unwrap_or_default();
            let last = consumers.is_empty();
            lines.extend(consumers.into_iter().map(|consumer| LineDepth {
                consumer: consumer.name,
                pending: consumer.num_pending,
                active: consumer.num_ack_pending,
                most: u64::try_from(consumer.config.max_ack_pending).ok().filter(|most| 0 < *most),
                paused: consumer.paused,
                requests: consumer.num_waiting,
            }));
            if last || total <= lines.len() {
                lines.sort_by(|a, b| a.consumer.cmp(&b.consumer));
                return Ok(lines);
            }
        }
    }
}
