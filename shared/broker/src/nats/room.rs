//! How full the streams are, and whether executions may be started: looked at by one for all, told to whoever starts.
//!
//! The word is one value of bucket `partitions`. Every orchestrator has a [`RoomKeeper`]; the one that wrote last goes on
//! looking and writing, and the others step in when the word has not been renewed for a while. Writing is a compare-and-set,
//! so it does not matter if two try. Without any orchestrator the word is forgotten, and the [`Gate`] looks for itself.

mod gate;
mod keeper;

use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::json;

pub use self::{
    gate::Gate,
    keeper::{RoomKeeper, RoomWatcher},
};
use super::{Connection, api::ApiError};
use crate::{
    names::Names,
    ports::{Bucket, Failure, Sequence},
    room::{Admission, Fill},
};

/// Looks in flight: enough to hide the round trip of each.
const LOOKS_AT_ONCE: usize = 16;

/// How full a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamRoom {
    pub(super) first: Sequence,
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// Nothing: without a limit.
    pub(super) bytes_max: Option<u64>,
    pub(super) subjects: u64,
}

/// What a look at several streams found.
#[derive(Debug, Default)]
struct Looked {
    fills: Vec<Fill>,
    /// Those that gave no answer.
    silent: Vec<String>,
}

impl Connection {
    /// The word on room for new executions; nothing if no orchestrator has told it for a while.
    pub async fn admission(&self) -> Result<Option<Admission>, Failure> {
        let value = self.value(Bucket::Partitions, Names::ADMISSION_KEY).await?;
        Ok(value.and_then(|(_, word)| serde_json::from_slice(&word).ok()))
    }

    /// One request, answered by the stream's leader from its memory, however much is stored.
    pub(super) async fn stream_room(&self, stream: &str) -> Result<StreamRoom, ApiError> {
        #[derive(Deserialize)]
        struct Info {
            config: Config,
            state: State,
        }
        #[derive(Deserialize)]
        struct Config {
            max_bytes: i64,
        }
        #[derive(Deserialize)]
        struct State {
            messages: u64,
            bytes: u64,
            first_seq: Sequence,
            #[serde(default)]
            num_subjects: u64,
        }
        let Info { config, state } = self.api(&format!("STREAM.INFO.{stream}"), &()).await?;
        Ok(StreamRoom {
            first: state.first_seq,
            messages: state.messages,
            bytes: state.bytes,
            bytes_max: u64::try_from(config.max_bytes).ok().filter(|most| 0 < *most),
            subjects: state.num_subjects,
        })
    }

    async fn fill(&self, stream: &str) -> Result<Fill, ApiError> {
        let room = self.stream_room(stream).await?;
        Ok(Fill::of(stream, room.bytes, room.bytes_max))
    }

    async fn fills(&self, streams: &[String]) -> Looked {
        let looks = streams.iter().map(|stream| async move { (stream, self.fill(stream).await) });
        let mut looks = stream::iter(looks.collect::<Vec<_>>()).buffered(LOOKS_AT_ONCE);
        let mut looked = Looked::default();
        while let Some((stream, fill)) = looks.next().await {
            match fill {
                Ok(fill) => looked.fills.push(fill),
                // It was removed.
                Err(error) if error.code() == Some(super::api::STREAM_NOT_FOUND) => {}
                Err(_) => looked.silent.push(stream.clone()),
            }
        }
        looked
    }

    /// The streams that take messages on these subjects.
    pub(super) async fn streams_of(&self, subject: &str) -> Result<Vec<String>, ApiError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            total: usize,
            #[serde(default)]
            streams: Option<Vec<String>>,
        }
        let mut found: Vec<String> = vec![];
        loop {
            let request = json!({ "subject": subject, "offset": found.len() });
            let Page { total, streams } = self.api("STREAM.NAMES", &request).await?;
            let streams = streams.unwrap_or_default();
            let is_last = streams.is_empty();
            found.extend(streams);
            if is_last || total <= found.len() {
                return Ok(found);
            }
        }
    }
}
