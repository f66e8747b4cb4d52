//! What a recovering owner reads in bulk: the snapshots of its partition, and which of them have a recorded end.
//!
//! Both are read in batches that any replica may answer. So a mark is written first, which the leader acknowledges: a replica that
//! has it has everything that was stored before.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use tokio::time::sleep;

use super::{clock, ports::NatsPorts};
use crate::ports::{Bucket, Failure, Message, Outcome, Sequence, Snapshots, Stored};

/// The key of the mark, below the partition: no execution's id starts with `~`.
const MARK: &str = "~mark";
/// The mark of a bucket that holds values for people stands for a removed value, and is forgotten.
const MARK_TTL: Duration = Duration::from_secs(120);
/// How long a replica may lag behind the mark before the load is given up.
const MARK_WITHIN: Duration = Duration::from_secs(5);
const MARK_PAUSE: Duration = Duration::from_millis(20);

/// The server answers for 1,024 subjects at most; with the mark, this stays one request.
const KEYS_AT_ONCE: usize = 900;

/// A mark, and until when a replica that lags behind it is waited for.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    sequence: Sequence,
    until: Duration,
}

impl NatsPorts {
    pub(super) async fn snapshots_from(&mut self, from: Option<Sequence>) -> Result<Snapshots, Failure> {
        let stream = self.connection.names().bucket_stream(Bucket::Executions);
        let attempt = format!("load the snapshots of partition {} from `{stream}`", self.partition);
        let mut mark = match (from, self.mark) {
            (Some(_), Some(mark)) => mark,
            (_, _) => self.mark(Bucket::Executions, None, &attempt).await?,
        };
        let prefix = self.connection.names().key(Bucket::Executions, &self.kind.snapshot_key(self.partition, ""));
        let from = from.unwrap_or(1);
        let read = self.connection.page_from(&stream, &format!("{prefix}>"), from).await;
        let (messages, more) = read.map_err(|error| error.into_failure(attempt.clone()))?;
        let now = clock::boot();
        let next = messages.last().map_or(from, |message| message.sequence + 1);
        if from < next {
            mark.until = now + MARK_WITHIN;
        }
        self.mark = Some(mark);
        let is_all = !more && mark.sequence < next;
        if !is_all && !more {
            if mark.until <= now {
                return Err(Failure::NoAnswer(attempt));
            }
            sleep(MARK_PAUSE).await;
        }
        let stored = messages.into_iter().filter_map(|message| {
            let key = message.subject[prefix.len()..].to_owned();
            let value = (!message.is_marker).then_some(message.payload);
            (key != MARK).then_some(Stored { key, revision: message.sequence, value })
        });
        Ok(Snapshots { stored: stored.collect(), next: (!is_all).then_some(next) })
    }

    pub(super) async fn values_of(
        &mut self,
        bucket: Bucket,
        keys: &[String],
    ) -> Result<Vec<Option<(Sequence, Bytes)>>, Failure> {
        let names = self.connection.names().clone();
        let stream = names.bucket_stream(bucket);
        let attempt = format!("read {} values of `{stream}`", keys.len());
        let mark = self.mark(bucket, Some(MARK_TTL), &attempt).await?;
        let mark_subject = names.key(bucket, &self.kind.snapshot_key(self.partition, MARK));
        let subjects: Vec<String> = keys.iter().map(|key| names.key(bucket, key)).collect();
        // Every request asks for the mark too, so that each answer proves itself.
        let mut found: HashMap<String, (Sequence, Bytes)> = HashMap::new();
        for subjects in subjects.chunks(KEYS_AT_ONCE) {
            let asked: Vec<&str> = subjects.iter().map(String::as_str).chain([mark_subject.as_str()]).collect();
            loop {
                let mut marked = 0;
                let read = self.connection.each_last(&stream, &asked, |message| {
                    if message.subject == mark_subject {
                        marked = message.sequence;
                    } else if !message.is_marker {
                        found.insert(message.subject, (message.sequence, message.payload));
                    }
                });
                read.await.map_err(|error| error.into_failure(attempt.clone()))?;
                if mark.sequence <= marked {
                    break;
                }
                if mark.until <= clock::boot() {
                    return Err(Failure::NoAnswer(attempt));
                }
                sleep(MARK_PAUSE).await;
            }
        }
        Ok(subjects.iter().map(|subject| found.remove(subject)).collect())
    }

    async fn mark(&self, bucket: Bucket, ttl: Option<Duration>, attempt: &str) -> Result<Mark, Failure> {
        let removed = ttl.map(|_| ("KV-Operation", "PURGE".to_owned()));
        let mark = Message {
            subject: self.connection.names().key(bucket, &self.kind.snapshot_key(self.partition, MARK)),
            expected: None,
            msg_id: None,
            ttl,
            headers: removed.into_iter().collect(),
            payload: if ttl.is_some() { Bytes::new() } else { Bytes::from_static(b"{}") },
        };
        let sequence = match self.connection.publish(&mark).await {
            Outcome::Stored { sequence, .. } => sequence,
            Outcome::Full(why) => {
                // A full bucket must not keep a partition from being taken over.
                tracing::warn!(
                    why,
                    bucket = bucket.name(),
                    "no room for a mark; on a cluster a lagging replica would go unnoticed"
                );
                0
            }
            Outcome::Unknown(_) | Outcome::Contended => return Err(Failure::NoAnswer(attempt.to_owned())),
            other => {
                let why = format!("the mark was not stored: {other:?}");
                return Err(Failure::Refused { what: attempt.to_owned(), why });
            }
        };
        Ok(Mark { sequence, until: clock::boot() + MARK_WITHIN })
    }
}
