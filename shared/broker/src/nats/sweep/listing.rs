//! What is in the store of payloads.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, stream};
use sagaline_model::Moment;
use serde::Deserialize;
use serde_json::json;

use super::super::{Connection, api::ApiError, payloads::PayloadOf};
use crate::ports::Sequence;

/// Reads in flight: enough to hide the round trip of each.
const READS_AT_ONCE: usize = 64;

/// An object of the store.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    /// Of the message that names it, and where that stands.
    pub(super) subject: String,
    pub(super) revision: Sequence,
    pub(super) stored: Moment,
    pub(super) name: String,
    /// Under which its chunks are; nothing if it was deleted.
    pub(super) nuid: String,
    pub(super) bytes: u64,
}

impl Payload {
    pub(super) fn of(&self) -> Option<PayloadOf<'_>> {
        PayloadOf::of_key(&self.name)
    }

    pub(super) fn execution(&self) -> Option<&str> {
        self.of().map(|of| of.execution)
    }
}

impl Connection {
    /// All of them, as the leader has them. One that cannot be read is left alone.
    pub(super) async fn payloads(&self) -> Result<Vec<Payload>, ApiError> {
        let stream = self.names().payloads_stream();
        let subjects = self.subjects_of(&stream, &self.names().payload_infos()).await?;
        let reads: Vec<_> = subjects.into_iter().map(|subject| self.payload(&stream, subject)).collect();
        let mut reads = stream::iter(reads).buffer_unordered(READS_AT_ONCE);
        let mut payloads = vec![];
        while let Some(payload) = reads.next().await {
            payloads.extend(payload?);
        }
        Ok(payloads)
    }

    async fn payload(&self, stream: &str, subject: String) -> Result<Option<Payload>, ApiError> {
        #[derive(Deserialize)]
        struct Info {
            name: String,
            #[serde(default)]
            nuid: String,
            #[serde(default)]
            size: u64,
        }
        let Some(stored) = self.last_on(stream, &subject).await? else { return Ok(None) };
        let Ok(Info { name, nuid, size }) = serde_json::from_slice(&stored.payload()?) else { return Ok(None) };
        Ok(Some(Payload { subject, revision: stored.seq, stored: stored.time, name, nuid, bytes: size }))
    }

    /// Under which names chunks are stored.
    pub(super) async fn payload_chunks(&self) -> Result<HashSet<String>, ApiError> {
        let prefix = self.names().payload_chunks("");
        let subjects = self.subjects_of(&self.names().payloads_stream(), &format!("{prefix}>")).await?;
        Ok(subjects.iter().filter_map(|subject| Some(subject.strip_prefix(&prefix)?.to_owned())).collect())
    }

    /// The subjects of a stream that match, without reading what is on them.
    pub(super) async fn subjects_of(&self, stream: &str, filter: &str) -> Result<Vec<String>, ApiError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            total: usize,
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            #[serde(default)]
            subjects: Option<HashMap<String, u64>>,
        }
        let verb = format!("STREAM.INFO.{stream}");
        let mut found = vec![];
        loop {
            let Page { total, state } =
                self.api(&verb, &json!({ "subjects_filter": filter, "offset": found.len() })).await?;
            let subjects = state.subjects.unwrap_or_default();
            let is_last = subjects.is_empty();
            found.extend(subjects.into_keys());
            if is_last || total <= found.len() {
                return Ok(found);
            }
        }
    }
}
