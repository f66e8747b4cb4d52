//! How large a simulated world is, what goes wrong in it, and which laws are switched off to see that it then fails.

use super::Dice;

/// How large a world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub partitions: u32,
    /// Several share the partitions. Two that have only one compete for it.
    pub orchestrators: usize,
    pub nodes: Nodes,
}

/// Of how many servers the broker consists: what it forgets, and how it answers, differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nodes {
    One,
    Three,
}

impl Shape {
    /// One partition, and two who compete for it. Takeovers are more frequent than they could be among members.
    pub fn single(_seed: u64) -> Self {
        Self { partitions: 1, orchestrators: 2, nodes: Nodes::One }
    }

    /// Two to four partitions, three who share them at first, one node or three.
    pub fn many(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x5A4E);
        let nodes = if dice.chance(500) { Nodes::One } else { Nodes::Three };
        Self { partitions: 2 + dice.below(3) as u32, orchestrators: 3, nodes }
    }
}

/// Chances in a thousand, each step, while the world is not calm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// An orchestrator or an executor dies between two awaits.
    pub crash: u32,
    /// An orchestrator sleeps for longer than its lease, and wakes.
    pub owner_sleeps: u32,
    /// An owner is told to hand its partition over.
    pub hand_over: u32,
    /// An executor sleeps for longer than `ack_wait`, and wakes.
    pub worker_sleeps: u32,
    /// The broker restarts: it forgets delivery counts, and the Msg-Ids of tasks that are gone.
    pub restart: u32,
    /// An operator removes a task from its queue.
    pub purge: u32,
    /// Of all acks, so many get lost.
    pub lost_acks: u32,
    /// A power cut takes the acknowledged tail of the log.
    pub power_cut: u32,
    /// Of all publishes to queues and buckets, so many find no room.
    pub full: u32,
    /// So many tasks fit into the queues; 0: any number.
    pub queue_room: usize,
    /// Of all tasks, snapshots and records, so many are refused for good.
    pub refused: u32,
    /// A node answers look-ups of snapshots for a while that does not know of the newest yet.
    pub stale: u32,
    /// An operator removes a snapshot.
    pub snapshot_removed: u32,
    /// Everything stands still for longer than an early input is kept.
    pub standstill: u32,
    /// A worker is told to give back what it works on, while it does.
    pub released: u32,
    /// Each process's clock is off by up to so many milliseconds, either way.
    pub skew: u32,
    /// A member starts that was not there before.
    pub join: u32,
    /// A member is told to end: it hands over what it owns.
    pub leave: u32,
    /// On three nodes: a stream gets another leader. What is on its way to it may be lost, and for a while there is none.
    pub leader_change: u32,
    /// On three nodes, of all writes: so many are still being agreed on when the next one on their subject comes.
    pub contended: u32,
    /// On three nodes: a replica is behind by up to so many writes to its bucket.
    pub behind: usize,
    /// The reader of a log is lost for no reason that anyone knows.
    pub reader_lost: u32,
    /// Of all requests, so many are never answered, whether or not they were done.
    pub lost_requests: u32,
    /// An operator purges a log, below its checkpoint.
    pub log_purged: u32,
    /// An operator deletes a log and makes it anew.
    pub log_remade: u32,
    /// A message of the bucket of snapshots may have so many bytes; 0: any number.
    pub message_room: usize,
    /// What is switched off.
    pub without: Without,
}

/// The laws that can be switched off, to prove that the simulation would notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Without {
    /// Executors never ask whether a task is still wanted.
    pub asking: bool,
    /// Recovery publishes what is waited for as if it were the first copy, without looking whether it is there.
    pub repeat_marks: bool,
    /// Recovery does not tell again what the re-folded inputs tell.
    pub telling_again: bool,
    /// What is missing for long is not looked at again.
    pub looking_again: bool,
    /// A state that rests is gone on with from whatever snapshot is found.
    pub revisions: bool,
    /// Nobody lets go of what is above its share.
    pub giving_up: bool,
    /// Whoever purges a log does not look at its checkpoint.
    pub purge_bound: bool,
    /// Snapshots and ends are read from a replica that nobody proves to be up to date.
    pub marks: bool,
    /// And the owner's own.
    pub owner: sagaline_broker::owner::Without,
}

impl Faults {
    /// Whether nothing goes wrong any more. Clocks stay off, and queues and messages stay small, in the calmest of worlds.
    pub fn is_calm(&self) -> bool {
        *self == self.calmed()
    }

    pub(super) fn calmed(self) -> Self {
        let Self { without, skew, queue_room, message_room, .. } = self;
        Self { without, skew, queue_room, message_room, ..Self::default() }
    }

    /// Everything at once, as often as a world can bear it and still get something done.
    pub fn harsh() -> Self {
        Self {
            crash: 6,
            owner_sleeps: 2,
            worker_sleeps: 3,
            restart: 2,
            purge: 2,
            stale: 4,
            lost_acks: 60,
            ..Self::default()
        }
    }

    /// Clocks that differ, disks that fill, servers that refuse, operators that remove, and long silence.
    pub fn hostile() -> Self {
        Self {
            full: 40,
            queue_room: 6,
            refused: 10,
            snapshot_removed: 2,
            standstill: 1,
            released: 10,
            skew: 5_000,
            ..Self::harsh()
        }
    }

    /// What many owners and nodes add: members come and go, leaders change, replicas lag, answers are lost.
    pub fn many() -> Self {
        Self {
            join: 1,
            leave: 2,
            leader_change: 5,
            contended: 700,
            behind: 30,
            reader_lost: 3,
            lost_requests: 30,
            log_purged: 4,
            ..Self::harsh()
        }
    }

    pub fn crashes() -> Self {
        Self { crash: 10, ..Self::default() }
    }
}
