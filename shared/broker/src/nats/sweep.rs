//! Sweeping: payloads that nothing refers to any more are removed, their bytes with them; and parts of snapshots that nothing names.
//!
//! A payload belongs to an execution, and lives as long as anything is left of that: an entry of the log, a snapshot, a record.
//! An execution moves from the log to a snapshot and on to a record, and leaves each only when it is in the next; so they are
//! looked at in this order, and whoever is in none of them was in none of them. A payload is stored before the input that refers
//! to it: what is young is left alone.
//!
//! It may be done by any number at once, and die anywhere: chunks go before the name that leads to them, so whatever is left half
//! removed is found again. No list grows beyond the number of payloads, which are few because they are large.

mod listing;
mod parts;
mod rule;

use std::collections::{HashMap, HashSet};

use sagaline_model::Moment;

use self::{
    listing::Payload,
    rule::{Left, Verdict},
};
use super::{Connection, api::ApiError, clock};
use crate::{
    names::LogKind,
    ports::{Bucket, Failure, Sequence},
    room::PAYLOADS_LEAVE_TO_PERCENT,
};

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Payloads that were looked at.
    pub payloads: usize,
    pub removed: usize,
    /// Of executions that ended but are still remembered.
    pub removed_early: usize,
    /// Chunks of payloads that were never stored to their end.
    pub orphans: usize,
    /// Snapshots with parts that nothing names.
    pub parts: usize,
}

impl Connection {
    /// Removes parts of snapshots that nothing names, and payloads that nothing refers to. `in_need`: those of ended executions go early too, the oldest first, until
    /// there is room again: history is shortened rather than work stopped.
    pub async fn sweep_payloads(&self, partitions: u32, in_need: bool, now: Moment) -> Result<Swept, Failure> {
        let to = |what: &'static str| move |error: ApiError| error.into_failure(what);
        let parts = self.sweep_parts(now).await.map_err(to("remove parts of snapshots that nothing names"))?;
        // In this order: whoever stores a payload writes its name last.
        let chunks = self.payload_chunks().await.map_err(to("list the chunks of payloads"))?;
        let mut payloads = self.payloads().await.map_err(to("list the payloads"))?;
        let mut swept = Swept { payloads: payloads.len(), parts, ..Swept::default() };
        let orphans = self.sweep_orphans(&chunks, &payloads, now).await;
        swept.orphans = orphans.map_err(to("remove chunks that belong to nothing"))?;

        let left = self.left_of(&payloads, partitions).await;
        let left = left.map_err(to("look what is left of the executions that payloads belong to"))?;
        let mut remembered = vec![];
        payloads.sort_by_key(|payload| payload.stored);
        for payload in payloads {
            let left = payload.execution().and_then(|execution| left.get(execution)).copied().unwrap_or_default();
            match rule::judge(&payload, left, now) {
                Verdict::Stays => {}
                Verdict::Goes => {
                    let goes = self.is_still(Verdict::Goes, &payload, partitions, now).await;
                    if goes.map_err(to("make sure that nothing refers to a payload"))?.is_some() {
                        self.remove_payload(&payload).await.map_err(to("remove a payload"))?;
                        swept.removed += 1;
                    }
                }
                Verdict::GoesInNeed => remembered.push(payload),
            }
        }
        if in_need {
            let early = self.sweep_remembered(remembered, partitions, now).await;
            swept.removed_early = early.map_err(to("remove payloads of ended executions"))?;
        }
        Ok(swept)
    }

    async fn sweep_orphans(
        &self,
        chunks: &HashSet<String>,
        payloads: &[Payload],
        now: Moment,
    ) -> Result<usize, ApiError> {
        let stream = self.names().payloads_stream();
        let named: HashSet<&str> = payloads.iter().map(|payload| payload.nuid.as_str()).collect();
        let mut orphans = 0;
        for nuid in chunks.iter().filter(|nuid| !named.contains(nuid.as_str())) {
            let subject = self.names().payload_chunks(nuid);
            let last = self.last_on(&stream, &subject).await?;
            if last.is_some_and(|last| rule::is_past_grace(last.time, now)) {
                self.purge_subject(&stream, &subject, None).await?;
                orphans += 1;
            }
        }
        Ok(orphans)
    }

    /// What is left of each execution that payloads belong to.
    async fn left_of(&self, payloads: &[Payload], partitions: u32) -> Result<HashMap<String, Left>, ApiError> {
        let names = self.names();
        let mut by_partition: HashMap<u32, HashSet<&str>> = HashMap::new();
        for of in payloads.iter().filter_map(Payload::of).filter(|of| of.partition < partitions) {
            by_partition.entry(of.partition).or_default().insert(of.execution);
        }
        let mut left: HashMap<String, Left> = HashMap::new();
        for (partition, executions) in by_partition {
            // The order matters: see above.
            let subjects_of =
                |execution: &&str| [names.start(execution, partitions), names.input(execution, partitions)];
            let log = self.on(&names.runs(partition), &executions, |execution| subjects_of(execution).into()).await?;
            let snapshots = names.bucket_stream(Bucket::Executions);
            // What it did may have to be undone yet, with inputs that refer to them.
            let open = |execution: &&str| {
                let kinds = [LogKind::Runs, LogKind::Sagas];
                kinds.map(|kind| names.key(Bucket::Executions, &kind.snapshot_key(partition, execution))).to_vec()
            };
            let open = self.on(&snapshots, &executions, open).await?;
            let record = |execution: &&str| vec![names.key(Bucket::Results, execution)];
            let ended = self.on(&names.bucket_stream(Bucket::Results), &executions, record).await?;
            for execution in executions {
                let of = Left {
                    log: log.get(execution).copied(),
                    is_open: open.contains_key(execution),
                    is_recorded: ended.contains_key(execution),
                };
                left.insert(execution.to_owned(), of);
            }
        }
        Ok(left)
    }

    /// The last message of each execution on any of its subjects.
    async fn on<'a>(
        &self,
        stream: &str,
        executions: &HashSet<&'a str>,
        subjects: impl Fn(&&str) -> Vec<String>,
    ) -> Result<HashMap<&'a str, Sequence>, ApiError> {
        let of_each: Vec<(&str, Vec<String>)> = executions.iter().map(|one| (*one, subjects(one))).collect();
        let all: Vec<&str> = of_each.iter().flat_map(|(_, subjects)| subjects).map(String::as_str).collect();
        let places = self.places(stream, &all).await?;
        let last = |subjects: &[String]| subjects.iter().filter_map(|subject| places.get(subject)).max().copied();
        Ok(of_each.iter().filter_map(|(execution, subjects)| Some((*execution, last(subjects)?))).collect())
    }

    /// The same from the leaders of the streams, if they agree: the many that were looked at came from replicas, which may lag.
    async fn is_still(
        &self,
        verdict: Verdict,
        payload: &Payload,
        partitions: u32,
        now: Moment,
    ) -> Result<Option<Left>, ApiError> {
        let names = self.names();
        let mut left = Left::default();
        if let Some(of) = payload.of().filter(|of| of.partition < partitions) {
            let log = names.runs(of.partition);
            for subject in [names.start(of.execution, partitions), names.input(of.execution, partitions)] {
                left.log = left.log.max(self.last_on(&log, &subject).await?.map(|last| last.seq));
            }
            for kind in [LogKind::Runs, LogKind::Sagas] {
                let key = kind.snapshot_key(of.partition, of.execution);
                left.is_open |= self.has(Bucket::Executions, &key).await?;
            }
            left.is_recorded = self.has(Bucket::Results, of.execution).await?;
        }
        Ok((rule::judge(payload, left, now) == verdict).then_some(left))
    }

    async fn has(&self, bucket: Bucket, key: &str) -> Result<bool, ApiError> {
        let last = self.last_on(&self.names().bucket_stream(bucket), &self.names().key(bucket, key)).await?;
        last.map_or(Ok(false), |last| Ok(last.value()?.is_some()))
    }

    /// Those of executions that ended, oldest first, until there is room.
    async fn sweep_remembered(
        &self,
        remembered: Vec<Payload>,
        partitions: u32,
        now: Moment,
    ) -> Result<usize, ApiError> {
        let room = self.stream_room(&self.names().payloads_stream()).await?;
        let wanted = room.bytes_max.map_or(u64::MAX, |most| most / 100 * PAYLOADS_LEAVE_TO_PERCENT);
        let (mut bytes, mut removed) = (room.bytes, 0);
        for payload in remembered {
            if bytes <= wanted {
                break;
            }
            let Some(execution) = payload.execution() else { continue };
            let Some(left) = self.is_still(Verdict::GoesInNeed, &payload, partitions, now).await? else { continue };
            let subject = self.names().key(Bucket::Results, execution);
            let record = self.last_on(&self.names().bucket_stream(Bucket::Results), &subject).await?;
            if record.is_some_and(|record| rule::has_ended_for_good(&record, left, now)) {
                self.remove_payload(&payload).await?;
                bytes = bytes.saturating_sub(payload.bytes);
                removed += 1;
            }
        }
        Ok(removed)
    }

    async fn remove_payload(&self, payload: &Payload) -> Result<(), ApiError> {
        let stream = self.names().payloads_stream();
        if !payload.nuid.is_empty() {
            self.purge_subject(&stream, &self.names().payload_chunks(&payload.nuid), None).await?;
        }
        // One that was stored anew meanwhile has chunks of its own, and stays.
        self.purge_subject(&stream, &payload.subject, Some(payload.revision + 1)).await?;
        Ok(())
    }
}

/// The sweep as the keeper of the room does it.
pub(super) async fn sweep(connection: &Connection, partitions: u32, in_need: bool) -> Result<Swept, Failure> {
    connection.sweep_payloads(partitions, in_need, clock::now()).await
}
