//! The kinds of logs: one for each service that owns partitions. What each calls its streams, subjects and keys.

use sagaline_model::partition_of;

use super::Names;

/// What the keys of all parts of snapshots begin with; that of the snapshot follows.
pub const PART_PREFIX: &str = "part.";

/// What the log of a partition is about, and so which service owns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogKind {
    /// Executions: the orchestrator's.
    #[default]
    Runs,
    /// Compensations: the compensator's.
    Sagas,
    /// Schedules: the scheduler's.
    Schedules,
}

impl LogKind {
    pub const ALL: [Self; 3] = [Self::Runs, Self::Sagas, Self::Schedules];

    /// The service that owns the partitions of such logs.
    pub fn service(self) -> &'static str {
        match self {
            Self::Runs => "orchestrator",
            Self::Sagas => "compensator",
            Self::Schedules => "scheduler",
        }
    }

    fn stream(self) -> &'static str {
        match self {
            Self::Runs => "RUNS",
            Self::Sagas => "SAGAS",
            Self::Schedules => "SCHEDULES",
        }
    }

    fn token(self) -> &'static str {
        match self {
            Self::Runs => "run",
            Self::Sagas => "saga",
            Self::Schedules => "schedule",
        }
    }

    /// What sets its keys apart in the buckets that all services share. Executions were there first and need nothing.
    fn within(self) -> &'static str {
        match self {
            Self::Runs => "",
            Self::Sagas => "compensator.",
            Self::Schedules => "scheduler.",
        }
    }

    /// What the keys of its snapshots begin with; the partition follows.
    pub(crate) fn label_prefix(self) -> &'static str {
        self.within()
    }

    /// How a partition of such logs is called where those of all kinds are.
    pub fn label(self, partition: u32) -> String {
        format!("{}{partition}", self.within())
    }

    pub fn lease_key(self, partition: u32) -> String {
        format!("{}{partition}", self.lease_prefix())
    }

    /// What the keys of all leases begin with; the partition follows.
    pub fn lease_prefix(self) -> String {
        format!("lease.{}", self.within())
    }

    /// Where a member says that it is there.
    pub fn member_key(self, member: &str) -> String {
        format!("{}{member}", self.member_prefix())
    }

    /// What the keys of all members begin with; the member follows.
    pub fn member_prefix(self) -> String {
        format!("member.{}.", self.service())
    }

    pub fn checkpoint_key(self, partition: u32) -> String {
        format!("checkpoint.{}{partition}", self.within())
    }

    pub fn snapshot_key(self, partition: u32, key: &str) -> String {
        format!("{}{partition}.{key}", self.within())
    }

    pub fn record_key(self, key: &str) -> String {
        format!("{}{key}", self.within())
    }

    /// A part of a snapshot that does not fit in one message. It lies beside the snapshots, not among them: whoever reads those of
    /// a partition reads none of these.
    pub fn part_key(self, partition: u32, key: &str, generation: &str, number: u32) -> String {
        format!("{PART_PREFIX}{}.{generation}.{number}", self.snapshot_key(partition, key))
    }
}

impl Names {
    /// The stream that is the log of a partition.
    pub fn log(&self, kind: LogKind, partition: u32) -> String {
        self.placed(&format!("{}_{partition}", kind.stream()))
    }

    /// Everything on a partition's log.
    pub fn log_all(&self, kind: LogKind, partition: u32) -> String {
        format!("{}.{}.{partition}.>", self.namespace(), kind.token())
    }

    /// Where the owner's own marks go: no key of a state starts with `~`.
    pub fn mark(&self, kind: LogKind, partition: u32) -> String {
        match kind {
            LogKind::Runs => self.owner_mark(partition),
            LogKind::Sagas | LogKind::Schedules => {
                format!("{}.{}.{partition}.~owner", self.namespace(), kind.token())
            }
        }
    }

    /// Where inputs of the saga of an execution go: it is on the partition of the same number as the execution.
    pub fn saga(&self, execution: &str, partitions: u32) -> String {
        let partition = partition_of(execution, partitions);
        format!("{}.{}.{partition}.{execution}", self.namespace(), LogKind::Sagas.token())
    }

    /// The execution that an entry of a log of sagas is about, with its partition; or the owner's mark.
    pub fn parse_saga<'a>(&self, subject: &'a str) -> Option<(u32, &'a str)> {
        let rest = subject.strip_prefix(self.namespace())?.strip_prefix(".saga.")?;
        let (partition, execution) = rest.split_once('.')?;
        (!execution.contains('.')).then_some((partition.parse().ok()?, execution))
    }

    /// Where inputs of a schedule go.
    pub fn schedule(&self, schedule: &str, partitions: u32) -> String {
        let partition = partition_of(schedule, partitions);
        format!("{}.{}.{partition}.{schedule}", self.namespace(), LogKind::Schedules.token())
    }

    /// The schedule that an entry of a log of schedules is about, with its partition; or the owner's mark.
    pub fn parse_schedule<'a>(&self, subject: &'a str) -> Option<(u32, &'a str)> {
        let rest = subject.strip_prefix(self.namespace())?.strip_prefix(".schedule.")?;
        let (partition, schedule) = rest.split_once('.')?;
        (!schedule.contains('.')).then_some((partition.parse().ok()?, schedule))
    }

    /// Questions to the owner of a partition.
    pub fn ask_of(&self, kind: LogKind, partition: u32) -> String {
        match kind {
            LogKind::Runs => self.ask(partition),
            LogKind::Sagas | LogKind::Schedules => format!("{}.ask.{}.{partition}", self.namespace(), kind.service()),
        }
    }

    /// On which the members of a service tell each other that one came, went, or let go of a partition.
    pub fn share(&self, kind: LogKind) -> String {
        format!("{}.share.{}", self.namespace(), kind.service())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_kind_has_a_name_of_another() {
        let names = Names::default();
        let named = LogKind::ALL.map(|kind| {
            [
                kind.lease_key(1),
                kind.member_key("1"),
                kind.checkpoint_key(1),
                kind.snapshot_key(1, "a"),
                kind.part_key(1, "a", "1-2", 0),
                names.log(kind, 1),
                names.mark(kind, 1),
                names.ask_of(kind, 1),
                names.share(kind),
            ]
        });
        let all: BTreeSet<_> = named.iter().flatten().collect();
        assert_eq!(all.len(), named.len() * named[0].len(), "{named:?}");
    }

    #[test]
    fn a_subject_of_a_saga_is_read_as_it_is_built() {
        let names = Names::default();
        let partition = partition_of("order-1", 16);
        assert_eq!(names.saga("order-1", 16), format!("sagaline.saga.{partition}.order-1"));
        assert_eq!(names.parse_saga(&names.saga("order-1", 16)), Some((partition, "order-1")));
        assert_eq!(names.parse_saga(&names.mark(LogKind::Sagas, 3)), Some((3, "~owner")));
        for other in ["sagaline.saga.x.a", "sagaline.saga.1", "sagaline.saga.1.a.in", "sagaline.run.1.a.in"] {
            assert_eq!(names.parse_saga(other), None, "{other}");
        }
    }

    #[test]
    fn a_subject_of_a_schedule_is_read_as_it_is_built() {
        let names = Names::new("acme").expect("a namespace");
        let partition = partition_of("nightly", 16);
        assert_eq!(names.schedule("nightly", 16), format!("acme.schedule.{partition}.nightly"));
        assert_eq!(names.parse_schedule(&names.schedule("nightly", 16)), Some((partition, "nightly")));
        for other in ["acme.schedule.x.a", "acme.schedule.1", "acme.schedule.1.a.in", "acme.saga.1.a"] {
            assert_eq!(names.parse_schedule(other), None, "{other}");
        }
    }

    #[test]
    fn the_names_of_executions_are_the_ones_they_always_had() {
        let (names, runs) = (Names::default(), LogKind::Runs);
        assert_eq!((runs.lease_key(3), runs.checkpoint_key(3)), ("lease.3".into(), "checkpoint.3".into()));
        assert_eq!((runs.snapshot_key(3, "a"), runs.record_key("a")), ("3.a".into(), "a".into()));
        assert_eq!((names.log(runs, 3), names.log_all(runs, 3)), (names.runs(3), names.run_all(3)));
    }
}
