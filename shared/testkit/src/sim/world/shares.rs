//! The modelled leases, and who takes part in sharing the partitions.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use sagaline_broker::{
    machine::Machine,
    ports::{Bucket, Message, Outcome},
    share::{Member, Sight},
};
use sagaline_model::Moment;

use super::{LEASE, Pid, Seat, State, nodes::Stream};

/// So late others may be seen.
const SEEN_LATE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Shares {
    leases: BTreeMap<u32, (Pid, Duration)>,
    /// The owners that run, whether or not their leases hold.
    owners: BTreeSet<Seat>,
    /// Since when each is a member, and until when it is seen as one.
    members: BTreeMap<Pid, (Moment, Duration)>,
    /// The members that renew what they have.
    present: BTreeSet<Pid>,
    /// The members that were told to end.
    leaving: BTreeSet<Pid>,
    /// What was to be seen a moment ago.
    sights: VecDeque<(Duration, Sight)>,
}

impl Shares {
    /// An owner begins, or ends.
    pub fn owns(&mut self, seat: Seat, does: bool) {
        if does {
            self.owners.insert(seat)
        } else {
            self.owners.remove(&seat)
        };
    }

    pub fn tell_to_leave(&mut self, pid: Pid) {
        self.leaving.insert(pid);
    }

    pub fn is_leaving(&self, pid: Pid) -> bool {
        self.leaving.contains(&pid)
    }

    /// A process is dead. What it has written stays until its time is over.
    pub(super) fn died(&mut self, pid: Pid) {
        self.present.remove(&pid);
        self.leaving.remove(&pid);
        self.owners.retain(|seat| seat.pid != pid);
    }

    /// The name of a member.
    pub fn id(pid: Pid) -> String {
        format!("m{pid}")
    }
}

impl<M: Machine> State<M> {
    pub fn holds(&self, seat: Seat) -> bool {
        self.shares
            .leases
            .get(&seat.partition)
            .is_some_and(|(holder, until)| *holder == seat.pid && self.since < *until)
    }

    /// Takes a lease, if it is free or held by the same process.
    pub fn acquire(&mut self, seat: Seat) -> bool {
        if self.is_leaderless(Stream::Bucket(Bucket::Partitions)) {
            return false;
        }
        let there = self.shares.leases.get(&seat.partition);
        let free = there.is_none_or(|(holder, until)| *holder == seat.pid || *until <= self.since);
        if free {
            self.shares.leases.insert(seat.partition, (seat.pid, self.since + LEASE));
        }
        free
    }

    pub fn release(&mut self, seat: Seat) {
        if self.shares.leases.get(&seat.partition).is_some_and(|(holder, _)| *holder == seat.pid) {
            self.shares.leases.remove(&seat.partition);
        }
    }

    /// A process becomes a member, from now on.
    pub fn join(&mut self, pid: Pid) -> Moment {
        let joined = self.now();
        self.shares.members.insert(pid, (joined, self.since + LEASE));
        self.shares.present.insert(pid);
        joined
    }

    /// A member says that it goes.
    pub fn leave(&mut self, pid: Pid) {
        self.shares.members.remove(&pid);
        self.shares.present.remove(&pid);
    }

    /// Whoever is awake renews what it has.
    pub(in crate::sim) fn renew(&mut self, is_awake: impl Fn(Pid) -> bool) {
        if self.is_leaderless(Stream::Bucket(Bucket::Partitions)) {
            return;
        }
        let (now, until) = (self.since, self.since + LEASE);
        let Shares { leases, owners, members, present, .. } = &mut self.shares;
        for (partition, (pid, held_until)) in leases.iter_mut() {
            let owns = owners.contains(&Seat { pid: *pid, partition: *partition });
            if owns && now < *held_until && is_awake(*pid) {
                *held_until = until;
            }
        }
        for (pid, (_, seen_until)) in members.iter_mut().filter(|(pid, _)| present.contains(pid)) {
            if is_awake(*pid) {
                *seen_until = until;
            }
        }
    }

    /// What a member sees of all. It may be old.
    pub fn look(&mut self) -> Option<Sight> {
        let now = self.since;
        let members = self.shares.members.iter().filter(|(_, (_, until))| now < *until);
        let members = members.map(|(pid, (joined, _))| Member { joined: *joined, id: Shares::id(*pid).into() });
        let holders = self.shares.leases.iter().filter(|(_, (_, until))| now < *until);
        let holders = holders.map(|(partition, (pid, _))| (*partition, Shares::id(*pid).into()));
        let sight = Sight { partitions: self.shape.partitions, members: members.collect(), holders: holders.collect() };
        self.shares.sights.push_back((now, sight));
        while self.shares.sights.front().is_some_and(|(seen, _)| *seen + SEEN_LATE < now) {
            self.shares.sights.pop_front();
        }
        let place = self.dice.below(self.shares.sights.len());
        self.shares.sights.get(place).map(|(_, sight)| sight.clone())
    }

    /// Why the partitions are not shared as they should be when nothing goes on.
    pub fn unshared(&self) -> Option<String> {
        let Shares { owners, present, .. } = &self.shares;
        for partition in 0..self.shape.partitions {
            let of_it: Vec<Seat> = owners.iter().copied().filter(|seat| seat.partition == partition).collect();
            if of_it.len() != 1 || !self.holds(of_it[0]) {
                return Some(format!("the owners of partition {partition} are {of_it:?}"));
            }
        }
        let count = |pid: Pid| owners.iter().filter(|seat| seat.pid == pid).count();
        let counts: Vec<(Pid, usize)> = present.iter().map(|pid| (*pid, count(*pid))).collect();
        let (most, least) =
            (counts.iter().map(|(_, count)| count).max()?, counts.iter().map(|(_, count)| count).min()?);
        (least + 1 < *most).then(|| format!("the members own so many: {counts:?}"))
    }

    /// From now on no other owner may move the checkpoint.
    pub fn takes_over(&mut self, seat: Seat) {
        self.raised.insert(seat.partition, seat.pid);
    }

    pub(super) fn look_at_checkpoint(&mut self, seat: Seat, message: &Message, outcome: &Outcome) {
        let newest = self.raised.get(&seat.partition);
        if matches!(outcome, Outcome::Stored { .. })
            && self.is_checkpoint(seat, message)
            && newest.is_some_and(|newest| *newest != seat.pid)
        {
            self.violations.push(format!("{seat:?} moved the checkpoint after {newest:?} had taken over"));
        }
    }

    pub fn is_checkpoint(&self, seat: Seat, message: &Message) -> bool {
        message.subject == self.names.key(Bucket::Partitions, &self.checkpoint_key(seat.partition))
    }
}
