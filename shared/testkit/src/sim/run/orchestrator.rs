//! Orchestrator processes: what each owns, and the real owners in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use sagaline_broker::{
    machine::Machine,
    names::Names,
    owner::{Halt, Owner, Settings, Watcher},
    ports::Sequence,
    share::{Member, Memory, decide},
};
use sagaline_model::Moment;

use crate::sim::{
    World,
    ports::{SimPorts, step},
    world::{Pid, Seat, Shares},
};

/// How often a member looks who is there and who owns what.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a partition that was lost is left alone.
const AVOIDED_FOR: Duration = Duration::from_millis(500);

/// The machine of a partition, of so many.
pub(super) type MachineOf<M> = fn(Names, u32, u32) -> M;

/// Waits for the lease of the only partition, owns it, and starts anew when the owner lets go.
pub(super) async fn compete<M: Machine>(world: World<M>, pid: Pid, machine: MachineOf<M>) {
    let seat = Seat { pid, partition: 0 };
    loop {
        while !world.lock().acquire(seat) {
            step().await;
        }
        let halt = own(world.clone(), seat, machine, Arc::default()).await;
        if !matches!(halt, Halt::LeaseLost) {
            world.lock().release(seat);
        }
        step().await;
    }
}

/// Takes part in sharing the partitions until it is told to leave and has handed over what it owns.
pub(super) async fn share<M: Machine + 'static>(world: World<M>, pid: Pid, machine: MachineOf<M>) {
    let joined = world.lock().join(pid);
    let mut sharer = Sharer {
        world,
        pid,
        machine,
        member: Member { joined, id: Shares::id(pid).into() },
        memory: Memory::default(),
        kept: BTreeMap::new(),
        looks: Duration::ZERO,
        leaves: false,
    };
    poll_fn(|cx| sharer.poll(cx)).await;
}

/// A member, and what it holds.
struct Sharer<M: Machine> {
    world: World<M>,
    pid: Pid,
    machine: MachineOf<M>,
    member: Member,
    memory: Memory,
    kept: BTreeMap<u32, Kept>,
    /// When it looks next.
    looks: Duration,
    leaves: bool,
}

/// A partition that is held.
struct Kept {
    owner: Pin<Box<dyn Future<Output = Halt>>>,
    stop: Arc<AtomicBool>,
}

impl Kept {
    fn is_leaving(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn hand_over(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl<M: Machine + 'static> Sharer<M> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_owners(cx);
        let (now, leaves) = {
            let world = self.world.lock();
            (world.since, world.shares.is_leaving(self.pid))
        };
        if leaves && !self.leaves {
            self.leaves = true;
            self.world.lock().leave(self.pid);
            self.kept.values().for_each(Kept::hand_over);
        }
        if self.leaves {
            return if self.kept.is_empty() { Poll::Ready(()) } else { Poll::Pending };
        }
        if self.looks <= now {
            self.looks = now + LOOK_EVERY;
            self.look_and_act(now);
        }
        Poll::Pending
    }

    fn poll_owners(&mut self, cx: &mut Context<'_>) {
        let mut ended = vec![];
        for (partition, kept) in &mut self.kept {
            if let Poll::Ready(halt) = kept.owner.as_mut().poll(cx) {
                ended.push((*partition, halt));
            }
        }
        for (partition, halt) in ended {
            self.kept.remove(&partition);
            let mut world = self.world.lock();
            world.release(Seat { pid: self.pid, partition });
            match halt {
                Halt::Stopped => self.memory.let_go(partition, world.since),
                _ => self.memory.avoid(partition, world.since + AVOIDED_FOR),
            }
        }
    }

    /// As the shell of every service does it.
    fn look_and_act(&mut self, now: Duration) {
        let Some(mut sight) = self.world.lock().look() else { return };
        // What was written of us may not be seen yet.
        sight.members.retain(|member| member.id != self.member.id);
        sight.members.insert(self.member.clone());
        self.memory.saw(&mut sight, now);
        let leaving: BTreeSet<u32> =
            self.kept.iter().filter(|(_, kept)| kept.is_leaving()).map(|(partition, _)| *partition).collect();
        let own = self.memory.own(&self.member.id, self.kept.keys().copied().collect(), leaving, now);
        let decision = decide(&sight, &own);
        let gives_up = !self.world.lock().faults.without.giving_up;
        for partition in self.memory.confirmed(&decision).into_iter().filter(|_| gives_up) {
            self.kept[&partition].hand_over();
        }
        for partition in decision.take.iter().filter(|partition| own.orphans.contains(partition)) {
            self.memory.tried(*partition, now);
        }
        for partition in &decision.take {
            let seat = Seat { pid: self.pid, partition: *partition };
            let is_taken = {
                let mut world = self.world.lock();
                let lost = world.faults.lost_acks;
                // An answer that is lost: the lease expires, or is found to be ours the next time.
                world.acquire(seat) && !world.dice.chance(lost)
            };
            if is_taken {
                if decision.adopts == Some(*partition) {
                    self.memory.adopted(*partition, now);
                }
                self.take(seat);
            }
        }
    }

    fn take(&mut self, seat: Seat) {
        self.world.lock().tally.taken += 1;
        let stop: Arc<AtomicBool> = Arc::default();
        let owner = Box::pin(own(self.world.clone(), seat, self.machine, Arc::clone(&stop)));
        self.kept.insert(seat.partition, Kept { owner, stop });
    }
}

/// Owns a partition until the owner lets go.
async fn own<M: Machine>(world: World<M>, seat: Seat, machine: MachineOf<M>, stop: Arc<AtomicBool>) -> Halt {
    world.lock().shares.owns(seat, true);
    let (names, partitions) = {
        let world = world.lock();
        (world.names.clone(), world.partitions_of_each())
    };
    let recovered = Arc::new(AtomicBool::new(false));
    let ports = SimPorts::new(world.clone(), seat, Arc::clone(&recovered), stop);
    let settings = settings(&world, seat.partition, names.clone());
    let machine = machine(names, seat.partition, partitions);
    let halt = Owner::new(ports, machine, Watch { world: world.clone(), recovered, seat }, settings).run().await;
    let mut state = world.lock();
    state.shares.owns(seat, false);
    state.tally.ended(&halt);
    halt
}

fn settings<M: Machine>(world: &World<M>, place: u32, names: Names) -> Settings {
    let mut world = world.lock();
    let (log, partition) = world.log_at(place);
    let mut settings = Settings::new(partition, names);
    settings.log = log;
    settings.snapshot_after_inputs = 20;
    settings.snapshot_after = Duration::from_secs(10);
    settings.checkpoint_every = Duration::from_secs(1);
    settings.rest_after = Duration::from_secs(3);
    // Most let everything out of memory as soon as they can.
    if world.dice.chance(750) {
        settings.snapshot_after_inputs = 3;
        settings.snapshot_after = Duration::from_millis(500);
        settings.rest_after = Duration::ZERO;
    }
    settings.without = world.faults.without.owner;
    settings.in_flight = 8;
    settings.history = Duration::from_secs(30);
    if world.shape.partitions > 1 && world.dice.chance(500) {
        settings.history_subjects = 4;
    }
    settings.look_again_after = Duration::from_secs(15);
    if world.faults.without.looking_again {
        settings.look_again_after = Duration::from_secs(1_000_000);
    }
    settings
}

struct Watch<M: Machine> {
    world: World<M>,
    recovered: Arc<AtomicBool>,
    seat: Seat,
}

impl<M: Machine> Watcher for Watch<M> {
    fn recovered(&mut self, _took: Duration, _folded: u64, _states: usize) {
        self.recovered.store(true, Ordering::Relaxed);
        let mut world = self.world.lock();
        if world.faults.without.owner.epoch {
            world.takes_over(self.seat);
        }
    }
    fn applied(&mut self, _sequence: Sequence, _time: Moment) {}
    fn states(&mut self, _count: usize) {}
    fn rejected(&mut self, _reason: &'static str, _detail: &str, _sequence: Sequence) {}
    fn retried(&mut self, _subject: &str, _why: &str) {}
    fn woken(&mut self, deferred: usize) {
        let tally = &mut self.world.lock().tally;
        tally.woken += 1;
        tally.deferred += deferred as u64;
        tally.queued_up += u64::from(deferred > 1);
    }
    fn shortened(&mut self, _what: &str) {
        self.world.lock().tally.shortened += 1;
    }
    fn alarm(&mut self, what: &str) {
        self.world.lock().tally.lost_tails += u64::from(what.contains("lost acknowledged entries"));
    }
}
