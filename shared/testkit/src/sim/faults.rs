//! What goes wrong in a simulated world, and which laws are switched off to see that it then fails.

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
    /// And the owner's own.
    pub resting: sagaline_broker::owner::Without,
}

impl Faults {
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

    pub fn crashes() -> Self {
        Self { crash: 10, ..Self::default() }
    }
}
