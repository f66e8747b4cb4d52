//! How the members of a service share its partitions: what one of them should own, from what it sees. No NATS, no clock.
//!
//! Every member decides for itself, from a view that may be old or differ from the others' for a moment. So nobody is told what to
//! own: each has a quota, lets go of what is above it, and takes what is free below it. The quotas of members that see the same add
//! up to all partitions, and whoever holds more than the others keeps the odd one: what is balanced stays as it is.

mod memory;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sagaline_model::Moment;

pub use self::memory::Memory;

/// Somebody who takes a share. The older come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    pub joined: Moment,
    pub id: Arc<str>,
}

/// What a member sees of all.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    pub partitions: u32,
    pub members: BTreeSet<Member>,
    /// Who holds which partition. What nobody holds is free.
    pub holders: BTreeMap<u32, Arc<str>>,
}

/// What a member knows of itself. It is right where the sight is old.
#[derive(Clone, Debug, Default)]
pub struct Own {
    pub id: Arc<str>,
    /// The partitions it holds, those that it is letting go of included.
    pub held: BTreeSet<u32>,
    pub leaving: BTreeSet<u32>,
    /// Held above the quota because nobody else would; not given up for now.
    pub adopted: BTreeSet<u32>,
    /// Not taken for now, free or not: it failed here, or was just let go of.
    pub avoided: BTreeSet<u32>,
    /// Free for so long that whoever should take them seems unable to.
    pub orphans: BTreeSet<u32>,
}

/// What a member should do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    pub quota: u32,
    /// To be tried for, in this order.
    pub take: Vec<u32>,
    /// To be let go of.
    pub give_up: Vec<u32>,
    /// The one of `take` that is beyond the quota.
    pub adopts: Option<u32>,
}

/// What the member `own` should do, given what it sees. Somebody who is not among the members has no share, and takes orphans alone.
pub fn decide(sight: &Sight, own: &Own) -> Decision {
    let Standing { quota, rank } = standing(sight, own);
    let staying: BTreeSet<u32> = own.held.difference(&own.leaving).copied().collect();
    // What was adopted is beyond the quota, and stays so for now.
    let ordinary: Vec<u32> = staying.difference(&own.adopted).copied().collect();
    let surplus = ordinary.len().saturating_sub(quota as usize);
    let give_up = ordinary.into_iter().rev().take(surplus).collect();

    let is_free = |partition: &u32| {
        let holder = sight.holders.get(partition);
        // Seen as ours and not held: the answer to a try was lost.
        !own.held.contains(partition) && holder.is_none_or(|holder| *holder == own.id)
    };
    let free: Vec<u32> = (0..sight.partitions).filter(is_free).collect();
    // Each begins at another place, so that several who take at once seldom want the same.
    let start = if free.is_empty() { 0 } else { rank * free.len() / sight.members.len().max(1) % free.len() };
    let in_turn = || free[start..].iter().chain(&free[..start]).copied();
    let room = (quota as usize).saturating_sub(staying.len());
    let mut take: Vec<u32> = in_turn().filter(|partition| !own.avoided.contains(partition)).take(room).collect();
    // One at a time: others see them too.
    let orphan = in_turn().find(|partition| own.orphans.contains(partition) && !take.contains(partition));
    take.extend(orphan);
    Decision { quota, adopts: orphan.filter(|_| room < take.len()), take, give_up }
}

/// A member's place among all.
struct Standing {
    quota: u32,
    /// By age.
    rank: usize,
}

fn standing(sight: &Sight, own: &Own) -> Standing {
    let Some(rank) = sight.members.iter().position(|member| member.id == own.id) else {
        return Standing { quota: 0, rank: 0 };
    };
    let count = u32::try_from(sight.members.len()).unwrap_or(u32::MAX);
    let (floor, odd) = (sight.partitions / count, sight.partitions % count);
    let mut held: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, holder) in sight.holders.iter().filter(|(partition, _)| !own.held.contains(partition)) {
        *held.entry(holder).or_default() += 1;
    }
    held.insert(&own.id, u32::try_from(own.held.len()).unwrap_or(u32::MAX));
    // Whoever holds an odd one already keeps it; how far above the floor somebody is does not matter, or those who let go would
    // lose their place to those who have not yet.
    let is_above = |member: &&Member| held.get(&*member.id).is_some_and(|held| floor < *held);
    let mut first: Vec<&Member> = sight.members.iter().collect();
    first.sort_by_key(|member| (Reverse(is_above(member)), *member));
    let gets_odd = first.iter().take(odd as usize).any(|member| member.id == own.id);
    Standing { quota: floor + u32::from(gets_odd), rank }
}

#[cfg(test)]
mod tests;
