//! What a member remembers from one look to the next. No I/O; times are the boot clock's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{Decision, Member, Own, Sight};

/// A partition that is free for so long has nobody whose share it is, or somebody who cannot take it.
const PATIENCE: Duration = Duration::from_secs(3);
/// So long an orphan is kept above the quota: it would be one again otherwise, and stand still until somebody has no patience left.
const ADOPTED_FOR: Duration = Duration::from_secs(300);
/// What was let go of is left to the others for so long, however old the next sight is.
const LEFT_ALONE: Duration = Duration::from_secs(2);
/// Whoever has not seen for so long was cut off, as others may have been.
const BLIND_AFTER: Duration = Duration::from_millis(1500);
/// So long those who were cut off have to come back before their share is taken.
const RECALLED_FOR: Duration = Duration::from_millis(1500);

#[derive(Default)]
pub struct Memory {
    looked: Option<Duration>,
    members: BTreeSet<Member>,
    recalled: BTreeSet<Member>,
    recalled_until: Duration,
    free_since: BTreeMap<u32, Duration>,
    /// What the last decision would have let go of.
    surplus: BTreeSet<u32>,
    adopted_until: BTreeMap<u32, Duration>,
    avoided_until: BTreeMap<u32, Duration>,
}

impl Memory {
    /// Takes a new sight in, and adds the members that are only recalled: after NATS was away, whoever comes back first would
    /// otherwise take everything, to give half of it back a moment later.
    pub fn saw(&mut self, sight: &mut Sight, now: Duration) {
        if self.looked.is_some_and(|looked| looked + BLIND_AFTER < now) {
            self.recalled = std::mem::take(&mut self.members);
            self.recalled_until = now + RECALLED_FOR;
            self.free_since.clear();
        }
        self.looked = Some(now);
        if now < self.recalled_until {
            let unseen = |member: &&Member| sight.members.iter().all(|seen| seen.id != member.id);
            let recalled: Vec<Member> = self.recalled.iter().filter(unseen).cloned().collect();
            sight.members.extend(recalled);
        }
        self.members.clone_from(&sight.members);
        let Sight { partitions, holders, .. } = sight;
        self.free_since.retain(|partition, _| !holders.contains_key(partition));
        for partition in (0..*partitions).filter(|partition| !holders.contains_key(partition)) {
            self.free_since.entry(partition).or_insert(now);
        }
        for until in [&mut self.adopted_until, &mut self.avoided_until] {
            until.retain(|_, until| now < *until);
        }
    }

    /// What goes into a decision besides the sight.
    pub fn own(&self, id: &Arc<str>, held: BTreeSet<u32>, leaving: BTreeSet<u32>, now: Duration) -> Own {
        let long_free = self.free_since.iter().filter(|(_, since)| **since + PATIENCE <= now);
        Own {
            id: Arc::clone(id),
            held,
            leaving,
            adopted: self.adopted_until.keys().copied().collect(),
            avoided: self.avoided_until.keys().copied().collect(),
            orphans: long_free.map(|(partition, _)| *partition).collect(),
        }
    }

    /// Of what should be let go of: that which should have been the last time too. A single sight may be an old one.
    pub fn confirmed(&mut self, decision: &Decision) -> Vec<u32> {
        let surplus: BTreeSet<u32> = decision.give_up.iter().copied().collect();
        let confirmed = surplus.intersection(&self.surplus).copied().collect();
        self.surplus = surplus;
        confirmed
    }

    /// A partition was taken, or tried for: if it is an orphan, whoever looks after it next time has new patience.
    pub fn tried(&mut self, partition: u32, now: Duration) {
        self.free_since.insert(partition, now);
    }

    pub fn adopted(&mut self, partition: u32, now: Duration) {
        self.adopted_until.insert(partition, now + ADOPTED_FOR);
    }

    pub fn let_go(&mut self, partition: u32, now: Duration) {
        self.avoid(partition, now + LEFT_ALONE);
    }

    pub fn avoid(&mut self, partition: u32, until: Duration) {
        self.adopted_until.remove(&partition);
        self.avoided_until.insert(partition, until);
    }
}

#[cfg(test)]
mod tests {
    use sagaline_model::Moment;

    use super::*;

    const SEC: Duration = Duration::from_secs(1);

    fn sight(members: &[&str], holders: &[(u32, &str)]) -> Sight {
        let member = |id: &&str| Member { joined: Moment::EPOCH, id: (*id).into() };
        let holders = holders.iter().map(|(partition, holder)| (*partition, (*holder).into()));
        Sight { partitions: 2, members: members.iter().map(member).collect(), holders: holders.collect() }
    }

    fn own(memory: &Memory, now: Duration) -> Own {
        memory.own(&"a".into(), BTreeSet::new(), BTreeSet::new(), now)
    }

    #[test]
    fn what_is_free_for_long_is_an_orphan() {
        let mut memory = Memory::default();
        memory.saw(&mut sight(&["a"], &[(0, "b")]), SEC);
        memory.saw(&mut sight(&["a"], &[(0, "b")]), SEC * 2);
        assert!(own(&memory, SEC * 3).orphans.is_empty());
        assert_eq!(own(&memory, SEC * 4).orphans, [1].into());
        memory.saw(&mut sight(&["a"], &[(0, "b"), (1, "b")]), SEC * 4);
        memory.saw(&mut sight(&["a"], &[(0, "b")]), SEC * 5);
        assert!(own(&memory, SEC * 5).orphans.is_empty(), "somebody had it meanwhile");
    }

    #[test]
    fn after_a_time_without_sight_the_others_may_come_back() {
        let mut memory = Memory::default();
        memory.saw(&mut sight(&["a", "b"], &[]), SEC);
        let mut back = sight(&["a"], &[]);
        memory.saw(&mut back, SEC * 9);
        assert_eq!(back.members.len(), 2);
        assert!(own(&memory, SEC * 9).orphans.is_empty());
        for (seconds, members) in [(10, 2), (11, 1)] {
            let mut later = sight(&["a"], &[]);
            memory.saw(&mut later, SEC * seconds);
            assert_eq!(later.members.len(), members, "after {seconds} s");
        }
    }

    #[test]
    fn a_member_that_leaves_in_plain_sight_is_not_recalled() {
        let mut memory = Memory::default();
        memory.saw(&mut sight(&["a", "b"], &[]), SEC);
        let mut after = sight(&["a"], &[]);
        memory.saw(&mut after, SEC * 2);
        assert_eq!(after.members.len(), 1);
    }

    #[test]
    fn only_what_is_above_the_quota_twice_is_let_go_of() {
        let mut memory = Memory::default();
        let decision = |give_up: &[u32]| Decision { give_up: give_up.to_vec(), ..Decision::default() };
        assert!(memory.confirmed(&decision(&[1, 2])).is_empty());
        assert_eq!(memory.confirmed(&decision(&[2, 3])), [2]);
        assert!(memory.confirmed(&decision(&[])).is_empty());
        assert!(memory.confirmed(&decision(&[3])).is_empty());
    }

    #[test]
    fn what_was_let_go_of_is_left_alone_and_what_was_adopted_is_kept_for_a_while() {
        let mut memory = Memory::default();
        memory.adopted(0, SEC);
        memory.let_go(1, SEC);
        memory.saw(&mut sight(&["a"], &[]), SEC * 2);
        assert_eq!((own(&memory, SEC * 2).adopted, own(&memory, SEC * 2).avoided), ([0].into(), [1].into()));
        memory.saw(&mut sight(&["a"], &[]), SEC * 301);
        assert!(own(&memory, SEC * 301).adopted.is_empty() && own(&memory, SEC * 301).avoided.is_empty());
    }
}
