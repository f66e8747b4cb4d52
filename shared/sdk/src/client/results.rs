//! The bucket `results`: executions and sagas that ended, each kept for seven days.

use sagaline_broker::ports::Bucket;
use sagaline_events::record::ExecutionView;
use sagaline_model::ExecutionId;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Client, Error};

/// What the owner wrote: the view, and up to which input of the log it is the fold.
#[derive(Deserialize)]
struct Stored<V> {
    state: V,
}

impl Client {
    /// How an execution ended, if it has, and not too long ago.
    pub(super) async fn result(&self, execution: &ExecutionId) -> Result<Option<ExecutionView>, Error> {
        self.record(execution.as_str(), || format!("the result of `{execution}`")).await
    }

    /// What stands under a key.
    pub(super) async fn record<V: DeserializeOwned>(
        &self,
        key: &str,
        what: impl FnOnce() -> String,
    ) -> Result<Option<V>, Error> {
        let Some((_, value)) = self.connection.value(Bucket::Results, key).await? else { return Ok(None) };
        read(&value).map(Some).map_err(|source| Error::Unreadable { what: what(), source })
    }
}

pub(super) fn read<V: DeserializeOwned>(value: &[u8]) -> Result<V, serde_json::Error> {
    serde_json::from_slice::<Stored<V>>(value).map(|result| result.state)
}
