//! How much waits in the queues, for whoever watches over them. Nothing goes by it.

use serde::Deserialize;
use serde_json::json;

use super::{Connection, api::ApiError};
use crate::ports::Failure;

/// How many tasks a queue has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    pub queue: String,
    /// Nobody works on them yet.
    pub pending: u64,
    /// A worker has them.
    pub active: u64,
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
            let active = self.with_workers(&stream).await?;
            // A task stays in its stream until it is acknowledged; so the rest of them is with nobody.
            let pending = self.messages(&stream).await?.saturating_sub(active);
            depths.push(QueueDepth { queue, pending, active });
        }
        Ok(depths)
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

    /// How many are delivered and not acknowledged, over all activities.
    async fn with_workers(&self, stream: &str) -> Result<u64, ApiError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            total: usize,
            #[serde(default)]
            consumers: Option<Vec<Consumer>>,
        }
        #[derive(Deserialize)]
        struct Consumer {
            num_ack_pending: u64,
        }
        let (mut read, mut active) = (0, 0);
        loop {
            let request = json!({ "offset": read });
            let Page { total, consumers } = self.api(&format!("CONSUMER.LIST.{stream}"), &request).await?;
            let consumers = consumers.unwrap_or_default();
            active += consumers.iter().map(|consumer| consumer.num_ack_pending).sum::<u64>();
            read += consumers.len();
            if consumers.is_empty() || total <= read {
                return Ok(active);
            }
        }
    }
}
