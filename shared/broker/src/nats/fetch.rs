//! Reading many stored messages at once: batches of direct reads, which any replica may answer.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use async_nats::{HeaderMap, Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures::StreamExt;
use serde::Serialize;
use tokio::time::timeout;

use super::{Connection, api::API, api::ApiError, api::TRIES, api::marks_absence};
use crate::ports::Sequence;

/// The server answers for 1,024 subjects at most.
const SUBJECTS_MAX: usize = 1000;
/// And it takes requests of 1 MiB at most.
const REQUEST_BYTES_MAX: usize = 512 * 1024;
const PAGE: u32 = 10_000;
/// The server cuts an answer off here. Left to itself it goes on to where it takes us for a slow consumer and hangs up.
const ANSWER_BYTES_MAX: u32 = 8 << 20;

/// A message of a batch.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) subject: String,
    pub(super) sequence: Sequence,
    /// It stands for a value that was deleted or expired.
    pub(super) is_marker: bool,
    pub(super) payload: Bytes,
}

/// A page of a batch.
struct Page {
    messages: Vec<Fetched>,
    /// Whether the server stopped before the end.
    more: bool,
    /// Up to where the server looked.
    up_to: Option<Sequence>,
}

#[derive(Serialize)]
struct LastOfEach<'a> {
    multi_last: &'a [&'a str],
    max_bytes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Sequence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    up_to_seq: Option<Sequence>,
}

#[derive(Serialize)]
struct From<'a> {
    batch: u32,
    max_bytes: u32,
    seq: Sequence,
    next_by_subj: &'a str,
}

impl Connection {
    /// Those of `subjects` on which a message is stored.
    pub(super) async fn present(&self, stream: &str, subjects: &[&str]) -> Result<HashSet<String>, ApiError> {
        let mut present = HashSet::with_capacity(subjects.len());
        self.each_last(stream, subjects, |message| present.extend([message.subject])).await?;
        Ok(present)
    }

    /// The last message of each subject that matches `filter`: at most 1,024 of them.
    pub(super) async fn last_of_each(&self, stream: &str, filter: &str) -> Result<Vec<Fetched>, ApiError> {
        let mut all = vec![];
        self.each_last(stream, &[filter], |message| all.push(message)).await?;
        Ok(all)
    }

    /// Where the last message on each of `subjects` stands, if there is one; a marker of a removed value counts as none.
    pub(super) async fn places(&self, stream: &str, subjects: &[&str]) -> Result<HashMap<String, Sequence>, ApiError> {
        let mut places = HashMap::with_capacity(subjects.len());
        let each = |message: Fetched| {
            if !message.is_marker {
                places.insert(message.subject, message.sequence);
            }
        };
        self.each_last(stream, subjects, each).await?;
        Ok(places)
    }

    /// The last message on each of `subjects` that has one.
    pub(super) async fn each_last(
        &self,
        stream: &str,
        subjects: &[&str],
        mut each: impl FnMut(Fetched),
    ) -> Result<(), ApiError> {
        for subjects in pages(subjects) {
            let mut request =
                LastOfEach { multi_last: subjects, max_bytes: ANSWER_BYTES_MAX, seq: None, up_to_seq: None };
            loop {
                let page = self.page(stream, &request).await?;
                let last = page.messages.iter().map(|message| message.sequence).max();
                page.messages.into_iter().for_each(&mut each);
                let Some(last) = last.filter(|_| page.more) else { break };
                (request.seq, request.up_to_seq) = (Some(last + 1), page.up_to);
            }
        }
        Ok(())
    }

    /// Some messages on subjects that match `filter`, from sequence `from` on, and whether there are more.
    pub(super) async fn page_from(
        &self,
        stream: &str,
        filter: &str,
        from: Sequence,
    ) -> Result<(Vec<Fetched>, bool), ApiError> {
        let request = From { batch: PAGE, max_bytes: ANSWER_BYTES_MAX, seq: from, next_by_subj: filter };
        let page = self.page(stream, &request).await?;
        Ok((page.messages, page.more))
    }

    /// Asked again if there is no answer: what is asked while a leader dies is never answered.
    async fn page(&self, stream: &str, request: &impl Serialize) -> Result<Page, ApiError> {
        let mut page = Err(ApiError::NoAnswer);
        for within in TRIES {
            page = self.page_once(stream, request, within).await;
            if !matches!(page, Err(ApiError::NoAnswer)) {
                break;
            }
        }
        page
    }

    async fn page_once(&self, stream: &str, request: &impl Serialize, within: Duration) -> Result<Page, ApiError> {
        let inbox = self.client().new_inbox();
        let lost = |_| ApiError::NoAnswer;
        let mut answers = self.client().subscribe(inbox.clone()).await.map_err(|_| ApiError::NoAnswer)?;
        let body = serde_json::to_vec(request).expect("requests have string keys only");
        let asked = self.client().publish_with_reply(format!("{API}.DIRECT.GET.{stream}"), inbox, body.into());
        asked.await.map_err(lost)?;
        let mut page = Page { messages: vec![], more: false, up_to: None };
        loop {
            let message = next(&mut answers, within).await?;
            match message.status {
                None => page.messages.push(fetched(message)?),
                Some(StatusCode::NO_RESPONDERS) => return Err(ApiError::NobodyThere),
                Some(StatusCode::NOT_FOUND) => return Ok(page),
                Some(status) if status.is_success() => {
                    let number =
                        |name| header(message.headers.as_ref(), name).and_then(|text| text.parse::<u64>().ok());
                    page.more =
                        number("Nats-Num-Pending").is_some_and(|pending| 0 < pending) && !page.messages.is_empty();
                    page.up_to = number("Nats-UpTo-Sequence");
                    return Ok(page);
                }
                Some(status) => {
                    let description = message.description.unwrap_or_default();
                    return Err(ApiError::Refused { code: status.as_u16().into(), description });
                }
            }
        }
    }
}

async fn next(answers: &mut Subscriber, within: Duration) -> Result<Message, ApiError> {
    match timeout(within, answers.next()).await {
        Ok(Some(message)) => Ok(message),
        Ok(None) | Err(_) => Err(ApiError::NoAnswer),
    }
}

fn fetched(message: Message) -> Result<Fetched, ApiError> {
    let headers = message.headers.as_ref();
    let subject = header(headers, "Nats-Subject").map(str::to_owned);
    let sequence = header(headers, "Nats-Sequence").and_then(|text| text.parse().ok());
    let (Some(subject), Some(sequence)) = (subject, sequence) else {
        return Err(ApiError::Unreadable("a message of the batch does not say where it is stored".into()));
    };
    let is_marker = headers.is_some_and(|headers| {
        let mut all = headers.iter();
        all.any(|(name, values)| values.iter().any(|value| marks_absence(name.as_ref(), value.as_str())))
    });
    Ok(Fetched { subject, sequence, is_marker, payload: message.payload })
}

fn header<'a>(headers: Option<&'a HeaderMap>, name: &str) -> Option<&'a str> {
    headers?.get(name).map(async_nats::HeaderValue::as_str)
}

/// Cuts a list of subjects into what one request may ask for.
fn pages<'a>(mut subjects: &'a [&'a str]) -> impl Iterator<Item = &'a [&'a str]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = subjects.iter().take(SUBJECTS_MAX).take_while(|subject| {
            // Quotes and the comma.
            bytes += subject.len() + 3;
            bytes <= REQUEST_BYTES_MAX
        });
        let count = fits.count().max(1).min(subjects.len());
        let (page, rest) = subjects.split_at(count);
        subjects = rest;
        (!page.is_empty()).then_some(page)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_what_one_request_may_ask_for() {
        let sizes = |subjects: &[&str]| pages(subjects).map(<[&str]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(&["a"; 2500]), [1000, 1000, 500]);
        assert_eq!(sizes(&[]), [] as [usize; 0]);
        let long = "x".repeat(REQUEST_BYTES_MAX / 2 - 3);
        assert_eq!(sizes(&[long.as_str(); 5]), [2, 2, 1]);
    }
}
