//! The history of an execution: the inputs on its log, in order. It is all that ever changed it.

use sagaline_broker::ports::Sequence;
use sagaline_events::Envelope;
use sagaline_model::{ExecutionId, Moment};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Client, Error, pages::Position};

/// One request's worth.
const PAGE: usize = 500;

/// A part of a history, from its beginning or from where the last part ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub entries: Vec<HistoryEntry>,
    /// There is more after the last one.
    pub more: bool,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub sequence: u64,
    /// When it was stored.
    pub time: Moment,
    /// The CloudEvent's type; empty for a message that is none.
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
    pub source: String,
    pub data: Value,
}

impl Client {
    /// The inputs of an execution later than `after` (0: from the first), at most `limit`. The log keeps them for 24 hours
    /// after they were stored, unless set otherwise.
    pub async fn history(&self, execution: &ExecutionId, after: Sequence, limit: usize) -> Result<History, Error> {
        let partition = self.partition(execution);
        let filter = format!("{}.run.{partition}.{execution}.*", self.names().namespace());
        let attempt = format!("read the history of `{execution}`");
        let mut pages = self.pages(&self.names().runs(partition), filter, after + 1, attempt).await?;
        let mut history = History { entries: vec![], more: 0 < pages.count() };
        while history.more && history.entries.len() < limit {
            let page = pages.next(PAGE.min(limit - history.entries.len())).await?;
            history.more = page.last().is_some_and(|(position, _)| 0 < position.pending);
            history.entries.extend(page.iter().map(|(position, message)| entry(position, message)));
        }
        pages.close().await;
        Ok(history)
    }

    /// If the log has no start of this execution and may have had one: the time before which everything is gone from it.
    pub async fn history_is_gone_before(&self, execution: &ExecutionId) -> Result<Option<Moment>, Error> {
        if self.stored_start(execution).await?.is_some() {
            return Ok(None);
        }
        let stream = self.names().runs(self.partition(execution));
        let failed = Error::nats(format!("look at the stream `{stream}`"));
        let info = self.connection.jetstream().get_stream(&stream).await.map_err(|error| failed(error.into()))?;
        let state = &info.cached_info().state;
        // Entries are removed from the front only: who has the first one has all.
        let purged = 1 < state.first_sequence;
        let begins = i64::try_from(state.first_timestamp.unix_timestamp_nanos()).unwrap_or(i64::MAX);
        Ok(purged.then(|| Moment::from_nanos(begins)))
    }

    /// The position of the last input of a partition's log.
    pub async fn log_head(&self, partition: u32) -> Result<Sequence, Error> {
        let stream = self.names().runs(partition);
        let failed = Error::nats(format!("look at the stream `{stream}`"));
        let stream = self.connection.jetstream().get_stream(&stream).await;
        Ok(stream.map_err(|error| failed(error.into()))?.cached_info().state.last_sequence)
    }

    /// Hands over every input of a partition later than `after`, with the execution it belongs to, up to the head as it is
    /// when this begins.
    pub async fn read_log(
        &self,
        partition: u32,
        after: Sequence,
        mut each: impl FnMut(&str, HistoryEntry),
    ) -> Result<(), Error> {
        let stream = self.names().runs(partition);
        let attempt = format!("read the stream `{stream}`");
        let head = self.log_head(partition).await?;
        let mut pages = self.pages(&stream, self.names().run_all(partition), after + 1, attempt).await?;
        let mut more = 0 < pages.count();
        while more {
            let page = pages.next(PAGE).await?;
            more = page.last().is_some_and(|(position, _)| 0 < position.pending && position.sequence < head);
            for (position, message) in &page {
                if let Some((_, execution, _)) = self.names().parse_run(&message.subject) {
                    each(execution, entry(position, message));
                }
            }
        }
        pages.close().await;
        Ok(())
    }
}

fn entry(position: &Position, message: &async_nats::Message) -> HistoryEntry {
    let headers = message.headers.iter().flat_map(async_nats::HeaderMap::iter);
    let headers = headers.filter_map(|(name, values)| Some((name.as_ref(), values.first()?.as_str())));
    let envelope = Envelope::read(headers, message.payload.clone());
    let envelope = envelope.unwrap_or_else(|_| Envelope::new("", "", "", message.payload.clone()));
    let text = || String::from_utf8_lossy(&envelope.data).into_owned().into();
    let data = match &*envelope.data {
        b"" => Value::Null,
        data => serde_json::from_slice(data).unwrap_or_else(|_| text()),
    };
    HistoryEntry {
        sequence: position.sequence,
        time: position.time,
        kind: envelope.kind,
        id: envelope.id,
        source: envelope.source,
        data,
    }
}
