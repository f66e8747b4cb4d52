//! The stream `REJECTED`: messages that were set aside, each with the reason and where it came from.

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use sagaline_broker::{names::Stream, ports::Sequence};
use sagaline_model::Moment;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    StreamState,
    api::{self, Fault},
};
use crate::client::{Client, Error, pages::Position};

/// One request's worth; each may hold half a mebibyte.
const PAGE: usize = 50;
/// The first stretch, from the end, in which is looked.
const FIRST_STRETCH: u64 = 100;

/// A message that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Its place in `REJECTED`.
    pub sequence: Sequence,
    /// When it was set aside.
    pub time: Moment,
    /// One word.
    pub reason: String,
    /// A sentence for people.
    pub detail: String,
    /// The stream that it was in, and where in it.
    pub from_stream: Option<String>,
    pub from_sequence: Option<Sequence>,
    /// The subject that it came on.
    pub subject: Option<String>,
    /// The headers that it came with, where they were kept.
    pub headers: Option<serde_json::Value>,
    /// How many bytes it had, if not all of them were kept.
    pub truncated_from: Option<u64>,
    /// As it came.
    #[serde(skip)]
    pub payload: Bytes,
}

/// Which of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectedFilter {
    pub reason: Option<String>,
    /// Set aside at this moment or later.
    pub since: Option<Moment>,
    /// At most so many, the newest.
    pub limit: usize,
}

/// How many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectedFacts {
    pub total: u64,
    pub recent: u64,
    pub newest: Option<Rejected>,
}

impl Client {
    /// The newest rejected messages, newest first, and whether there are more.
    pub async fn rejected(&self, filter: &RejectedFilter) -> Result<(Vec<Rejected>, bool), Error> {
        let stream = self.names().stream(Stream::Rejected);
        let attempt = || format!("read the stream `{stream}`");
        let info = self.connection.jetstream().get_stream(&stream).await;
        let info = info.map_err(|error| Error::nats(attempt())(error.into()))?;
        let (first, last) = (info.cached_info().state.first_sequence.max(1), info.cached_info().state.last_sequence);
        let subject = self.names().rejected(filter.reason.as_deref().unwrap_or(">"));
        let (mut end, mut stretch, mut found) = (last, FIRST_STRETCH, vec![]);
        let mut too_old = false;
        // Backwards in stretches that grow, until there is enough.
        while first <= end && found.len() <= filter.limit && !too_old {
            let start = (end + 1).saturating_sub(stretch).max(first);
            let mut part = self.rejected_between(&stream, &subject, start, end, attempt()).await?;
            if let Some(since) = filter.since {
                let before = part.len();
                part.retain(|rejected| since <= rejected.time);
                too_old = part.len() < before;
            }
            part.reverse();
            found.append(&mut part);
            end = start - 1;
            stretch *= 4;
        }
        let more = filter.limit < found.len();
        found.truncate(filter.limit);
        Ok((found, more))
    }

    /// The rejected message at this place of `REJECTED`, if it is still there.
    pub async fn rejected_at(&self, sequence: Sequence) -> Result<Option<Rejected>, Error> {
        let stream = self.names().stream(Stream::Rejected);
        let attempt = || format!("read message {sequence} of the stream `{stream}`");
        let found = self.rejected_between(&stream, &self.names().rejected(">"), sequence, sequence, attempt()).await?;
        Ok(found.into_iter().find(|rejected| rejected.sequence == sequence))
    }

    async fn rejected_between(
        &self,
        stream: &str,
        subject: &str,
        start: Sequence,
        end: Sequence,
        attempt: String,
    ) -> Result<Vec<Rejected>, Error> {
        let mut pages = self.pages(stream, subject.to_owned(), start, attempt).await?;
        let (mut found, mut more) = (vec![], 0 < pages.count());
        while more {
            let page = pages.next(PAGE).await?;
            more = page.last().is_some_and(|(position, _)| 0 < position.pending && position.sequence < end);
            let inside = page.iter().filter(|(position, _)| position.sequence <= end);
            found.extend(inside.map(|(position, message)| read(position, message)));
        }
        pages.close().await;
        Ok(found)
    }

    /// How many there are, how many of them are recent, and the newest.
    pub(super) async fn rejected_facts(&self, state: &StreamState, recent_from: Moment) -> RejectedFacts {
        let stream = self.names().stream(Stream::Rejected);
        let which = json!({ "start_time": recent_from.to_string(), "next_by_subj": ">" });
        let recent = match api::first(&self.connection, &stream, &which).await {
            Ok(Some(first)) => (state.last + 1).saturating_sub(first.seq),
            Ok(None) | Err(Fault::Refused(..) | Fault::Silent(_)) => 0,
        };
        let newest = if recent == 0 { None } else { self.rejected_at(state.last).await.ok().flatten() };
        RejectedFacts { total: state.messages, recent, newest }
    }
}

fn read(position: &Position, message: &Message) -> Rejected {
    let header = |name: &str| message.headers.as_ref().and_then(|headers| text(headers, name));
    let number = |name: &str| header(name).and_then(|text| text.parse().ok());
    Rejected {
        sequence: position.sequence,
        time: position.time,
        reason: message.subject.rsplit('.').next().unwrap_or_default().to_owned(),
        detail: header("Sagaline-Reason").unwrap_or_default(),
        from_stream: header("Sagaline-Stream"),
        from_sequence: number("Sagaline-Sequence"),
        subject: header("Sagaline-Subject"),
        headers: header("Sagaline-Headers").and_then(|json| serde_json::from_str(&json).ok()),
        truncated_from: number("Sagaline-Truncated-From"),
        payload: message.payload.clone(),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| value.as_str().to_owned())
}
