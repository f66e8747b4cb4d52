//! The bucket `results`: executions that ended, each kept for seven days.

use sagaline_broker::ports::Bucket;
use sagaline_events::record::ExecutionView;
use sagaline_model::ExecutionId;
use serde::Deserialize;

use super::{Client, Error};

/// What the owner wrote: the view, and up to which input of the log it is the fold.
#[derive(Deserialize)]
struct Stored {
    state: ExecutionView,
}

impl Client {
    /// How an execution ended, if it has, and not too long ago.
    pub(super) async fn result(&self, execution: &ExecutionId) -> Result<Option<ExecutionView>, Error> {
        let Some((_, value)) = self.connection.value(Bucket::Results, execution.as_str()).await? else {
            return Ok(None);
        };
        match read(&value) {
            Ok(view) => Ok(Some(view)),
            Err(source) => Err(Error::Unreadable { what: format!("the result of `{execution}`"), source }),
        }
    }
}

pub(super) fn read(value: &[u8]) -> Result<ExecutionView, serde_json::Error> {
    serde_json::from_slice::<Stored>(value).map(|result| result.state)
}
