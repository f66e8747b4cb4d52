//! The kinds of logs in a world. Each has as many partitions; a *place* is the number of a partition over all of them.
//!
//! What is known by a name is known by that of its record, which no other kind has.

use sagaline_broker::{
    machine::Machine,
    names::{LogKind, PART_PREFIX},
};
use sagaline_model::partition_of;

use super::State;

/// Those whose keys and names say of which kind they are.
const MARKED: [LogKind; 2] = [LogKind::Sagas, LogKind::Schedules];

impl<M: Machine> State<M> {
    /// How many partitions each kind has.
    pub fn partitions_of_each(&self) -> u32 {
        self.shape.partitions / self.kinds.len() as u32
    }

    /// What the log at a place is about, and which of its kind it is.
    pub fn log_at(&self, place: u32) -> (LogKind, u32) {
        let each = self.partitions_of_each();
        (self.kinds[(place / each) as usize], place % each)
    }

    /// Nothing, if this world has no such logs.
    pub(super) fn place_of(&self, kind: LogKind, partition: u32) -> Option<u32> {
        let kind = self.kinds.iter().position(|of| *of == kind)?;
        Some(kind as u32 * self.partitions_of_each() + partition)
    }

    /// Where what has this name is.
    pub fn partition_of(&self, name: &str) -> u32 {
        let (kind, key) = self.parts_of(name);
        self.place_of(kind, partition_of(key, self.partitions_of_each())).unwrap_or(0)
    }

    /// The kind of what has this name, and its key.
    pub(super) fn parts_of<'a>(&self, name: &'a str) -> (LogKind, &'a str) {
        let mut others = MARKED.into_iter();
        let marked = others.find_map(|kind| Some((kind, name.strip_prefix(kind.record_key("").as_str())?)));
        marked.unwrap_or((self.kinds[0], name))
    }

    /// The log that takes a subject.
    pub(super) fn log_of(&self, subject: &str) -> Option<u32> {
        let (kind, partition, _) = self.entry_of(subject)?;
        self.place_of(kind, partition)
    }

    /// What kind of log a subject belongs to, which partition, and what an entry there is about.
    fn entry_of<'a>(&self, subject: &'a str) -> Option<(LogKind, u32, &'a str)> {
        let run = self.names.parse_run(subject).map(|(partition, key, _)| (LogKind::Runs, partition, key));
        let saga = || self.names.parse_saga(subject).map(|(partition, key)| (LogKind::Sagas, partition, key));
        let schedule =
            || self.names.parse_schedule(subject).map(|(partition, key)| (LogKind::Schedules, partition, key));
        run.or_else(saga).or_else(schedule)
    }

    /// Whose owner is asked on this subject.
    pub fn asked_on(&self, subject: &str) -> u32 {
        let places = 0..self.shape.partitions;
        let mut asked = places.filter(|place| {
            let (kind, partition) = self.log_at(*place);
            self.names.ask_of(kind, partition) == subject
        });
        asked.next().unwrap_or(0)
    }

    /// The name of what an entry of a log is about.
    pub(super) fn name_in(&self, subject: &str) -> Option<String> {
        self.entry_of(subject).map(|(kind, _, key)| kind.record_key(key))
    }

    /// The key of a snapshot.
    pub(super) fn snapshot_key(&self, name: &str) -> String {
        let (kind, key) = self.parts_of(name);
        kind.snapshot_key(partition_of(key, self.partitions_of_each()), key)
    }

    pub fn checkpoint_key(&self, place: u32) -> String {
        let (kind, partition) = self.log_at(place);
        kind.checkpoint_key(partition)
    }

    /// The name of what has its snapshot, or a part of it, under this key.
    pub(super) fn name_of_snapshot(&self, key: &str) -> String {
        let of_part = key.strip_prefix(PART_PREFIX).map(|part| part.rsplitn(3, '.').last().unwrap_or(part));
        let key = of_part.unwrap_or(key);
        let bare = |key: &'_ str| key.split_once('.').map_or(key, |(_, key)| key).to_owned();
        let marked = MARKED.into_iter().find_map(|kind| {
            let prefix = kind.snapshot_key(0, "");
            Some(kind.record_key(&bare(key.strip_prefix(prefix.trim_end_matches("0."))?)))
        });
        marked.unwrap_or_else(|| bare(key))
    }
}

/// Whether something begins with such an input.
pub(super) fn is_a_beginning(kind: &str) -> bool {
    matches!(kind, "sagaline.input.start.v1" | "sagaline.input.saga_request.v1")
}
