//! Queues that somebody names for the first time.

use sagaline_model::Name;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Connection, STREAM_NOT_FOUND};
use crate::ports::Failure;

/// The queue that every installation has: others are kept as safely, and hold as much.
const MODEL_QUEUE: &str = "default";
/// What the server notes about a stream.
const SERVERS_OWN: &str = "_nats.";

impl Connection {
    /// Makes a queue as `default` is. One that is there stays as it is.
    pub async fn make_queue(&self, queue: &Name) -> Result<(), Failure> {
        let what = || format!("make the queue `{queue}`");
        let (stream, model) = (self.names().queue_stream(queue.as_str()), self.names().queue_stream(MODEL_QUEUE));
        if self.config_of(&stream).await?.is_some() {
            return Ok(());
        }
        let Some(mut config) = self.config_of(&model).await? else {
            let why = format!("it would be as `{MODEL_QUEUE}` is, and there is no stream `{model}`");
            return Err(Failure::Refused { what: what(), why });
        };
        config["name"] = json!(stream);
        config["subjects"] = json!([self.names().queue_all(queue.as_str())]);
        if let Some(metadata) = config.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| !key.starts_with(SERVERS_OWN));
        }
        // Somebody else may be faster: the same stream once more is no fault.
        let made = self.api::<Value>(&format!("STREAM.CREATE.{stream}"), &config).await;
        made.map(drop).map_err(|error| error.into_failure(what()))
    }

    /// How a stream is set up; nothing if it is not there.
    async fn config_of(&self, stream: &str) -> Result<Option<Value>, Failure> {
        #[derive(Deserialize)]
        struct Info {
            config: Value,
        }
        match self.api::<Info>(&format!("STREAM.INFO.{stream}"), &json!({})).await {
            Ok(Info { config }) => Ok(Some(config)),
            Err(error) if error.code() == Some(STREAM_NOT_FOUND) => Ok(None),
            Err(error) => Err(error.into_failure(format!("look at the stream `{stream}`"))),
        }
    }
}
