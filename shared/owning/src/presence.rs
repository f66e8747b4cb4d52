//! What the shell reports, as readiness and metrics.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sagaline_broker::{names::LogKind, nats::shell::Report, owner::Halt};
use sagaline_telemetry::{
    health::{Health, Part},
    metrics,
};

/// So long a partition may be between two owners: the next one of a killed owner is there by then.
const FREE_FOR: Duration = Duration::from_secs(5);

/// The parts of a service that owns partitions of logs of one kind.
pub struct Presence {
    kind: LogKind,
    health: Health,
    /// Whether this process can take its share, and all of them have an owner. With nothing to own it is ready all the same.
    share: Part,
    /// The partitions that are owned here, each as ready as its owner; and those that were, until somebody owns them again.
    owned: Mutex<BTreeMap<u32, Part>>,
    /// Since when nobody is seen to own them.
    free: Mutex<BTreeMap<u32, Instant>>,
}

impl Presence {
    pub fn new(kind: LogKind, health: Health) -> Self {
        let share = health.part("partitions");
        Self { kind, health, share, owned: Mutex::default(), free: Mutex::default() }
    }

    /// That of one partition.
    pub fn part(&self, partition: u32) -> Part {
        let mut owned = self.owned();
        owned.entry(partition).or_insert_with(|| self.health.part(&format!("partition.{partition}"))).clone()
    }

    fn forget(&self, partition: u32) {
        let part = self.owned().remove(&partition);
        if let Some(part) = part {
            part.remove();
        }
    }

    pub fn report(&self, report: &Report<'_>) {
        match report {
            Report::Taken(partition) => self.part(*partition).not_ready("recovers"),
            Report::LetGo { partition, halt } => {
                match halt {
                    // Somebody else has it, or is about to.
                    Halt::Stopped | Halt::Fenced | Halt::LeaseLost => self.forget(*partition),
                    // Nothing of it goes on until somebody has it again.
                    Halt::Restart(_) | Halt::Failed(_) => {
                        self.part(*partition).not_ready(format!("{halt}; starts anew"))
                    }
                }
                metrics::let_go_of_partition(self.kind.service(), how(halt));
            }
            Report::Hangs { partition } => {
                let part = self.health.part(&format!("partition.{partition}.thread"));
                part.not_ready("it hangs; only a restart of this process ends it");
            }
            Report::Looked { owned, free, .. } => {
                metrics::partitions_owned(self.kind.service(), owned.len());
                self.looked(owned, free, Instant::now());
            }
            Report::Blind(failure) => self.share.not_ready(failure.to_string()),
        }
    }

    fn looked(&self, owned: &BTreeSet<u32>, free: &BTreeSet<u32>, now: Instant) {
        let gone: Vec<u32> = self.owned().keys().copied().collect();
        for partition in gone.into_iter().filter(|partition| !owned.contains(partition) && !free.contains(partition)) {
            self.forget(partition);
        }
        let mut since = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        since.retain(|partition, _| free.contains(partition));
        for partition in free {
            since.entry(*partition).or_insert(now);
        }
        let is_long = |(_, since): &(&u32, &Instant)| FREE_FOR <= now.saturating_duration_since(**since);
        let long: Vec<String> = since.iter().filter(is_long).map(|(partition, _)| partition.to_string()).collect();
        match long.as_slice() {
            [] => self.share.ready(),
            [one] => self.share.not_ready(format!("nobody owns partition {one}")),
            many => self.share.not_ready(format!("nobody owns partitions {}", many.join(", "))),
        }
    }

    fn owned(&self) -> MutexGuard<'_, BTreeMap<u32, Part>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn how(halt: &Halt) -> &'static str {
    match halt {
        Halt::Stopped => "handed_over",
        Halt::Fenced | Halt::LeaseLost => "lost",
        Halt::Restart(_) | Halt::Failed(_) => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Process {
        presence: Presence,
        health: Health,
        began: Instant,
    }

    fn process() -> Process {
        let health = Health::new();
        let presence = Presence::new(LogKind::Runs, health.clone());
        Process { presence, health, began: Instant::now() }
    }

    impl Process {
        fn looks(&self, seconds: u64, owned: &[u32], free: &[u32]) {
            let set = |of: &[u32]| of.iter().copied().collect();
            self.presence.looked(&set(owned), &set(free), self.began + Duration::from_secs(seconds));
        }

        fn takes(&self, partition: u32) {
            self.presence.report(&Report::Taken(partition));
            self.presence.part(partition).ready();
        }

        /// What it is not ready for.
        fn lacks(&self) -> Vec<(String, String)> {
            let parts = self.health.report().parts.into_iter();
            parts.filter_map(|part| Some((part.part, part.why?))).collect()
        }
    }

    fn why(part: &str, why: &str) -> Vec<(String, String)> {
        vec![(part.to_owned(), why.to_owned())]
    }

    #[test]
    fn who_stands_by_is_ready() {
        let process = process();
        process.looks(0, &[], &[]);
        process.looks(60, &[], &[]);
        assert!(process.health.report().ready);
    }

    #[test]
    fn a_partition_may_be_without_an_owner_for_as_long_as_a_takeover_takes() {
        let process = process();
        process.looks(0, &[0], &[1]);
        process.looks(4, &[0], &[1]);
        assert_eq!(process.lacks(), []);
        process.looks(5, &[0], &[1]);
        assert_eq!(process.lacks(), why("partitions", "nobody owns partition 1"));
        process.looks(6, &[0], &[]);
        process.looks(7, &[0], &[1]);
        assert_eq!(process.lacks(), [], "it was owned in between");
    }

    #[test]
    fn a_partition_whose_owner_failed_here_is_not_ready_until_somebody_has_it() {
        let process = process();
        process.takes(1);
        process.looks(0, &[1], &[]);
        assert_eq!(process.lacks(), []);
        let halt = Halt::Restart("the log has a gap".to_owned());
        process.presence.report(&Report::LetGo { partition: 1, halt: &halt });
        process.looks(1, &[], &[1]);
        let [(part, said)] = &process.lacks()[..] else { panic!("{:?}", process.lacks()) };
        assert!(part == "partition.1" && said.contains("the log has a gap"), "{part}: {said}");
        process.looks(2, &[], &[]);
        assert!(process.health.report().ready, "another one has it");
    }

    #[test]
    fn what_was_handed_over_is_no_business_of_this_process() {
        let process = process();
        process.takes(1);
        process.presence.report(&Report::LetGo { partition: 1, halt: &Halt::Stopped });
        process.looks(0, &[], &[1]);
        assert_eq!(process.lacks(), []);
    }
}
