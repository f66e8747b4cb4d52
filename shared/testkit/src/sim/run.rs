//! Running a simulated world: processes are polled one at a time, in an order that the seed decides, while things go wrong; then
//! the world calms down, and everything that was acknowledged must come to its end.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use sagaline_broker::{
    machine::Machine,
    names::Names,
    owner::{Halt, Owner, Settings, Watcher},
    ports::Sequence,
};
use sagaline_model::Moment;

use super::{
    Dice, Faults, World,
    ports::{SimPorts, step},
    tasks,
    world::{LEASE, Pid, WINDOW},
};

/// Something that a client does, from beginning to end.
pub type Client = Pin<Box<dyn Future<Output = ()>>>;

/// What is simulated.
pub struct Scenario<M: Machine> {
    pub machine: fn(Names) -> M,
    /// Puts what must be there before anything starts into the buckets.
    pub prepare: fn(&World<M>),
    /// What clients do. Each future is one client; it returns when it has nothing more to do.
    pub clients: fn(World<M>, u64) -> Vec<Client>,
    /// How an activity of a task ends, given the seed.
    pub activity: tasks::Activity,
    /// Keys of whatever must have ended when the world is quiet.
    pub must_end: fn(&World<M>) -> Vec<String>,
}

/// Why a seed fails.
#[derive(Debug)]
pub struct Violation {
    pub seed: u64,
    pub what: String,
}

/// How often what is rare in tests happened, to see that it did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// States that came back into memory.
    pub woken: u64,
    /// Inputs that waited for them.
    pub deferred: u64,
    /// States for which more than one waited.
    pub queued_up: u64,
    /// Owners that were told to stop, and handed over.
    pub handed_over: u64,
}

/// The world is harsh for so many steps, then calm until everything has ended.
const HARSH_STEPS: usize = 6_000;
/// And after so many steps it is given up.
const MOST_STEPS: usize = 60_000;
const ORCHESTRATORS: usize = 2;
const EXECUTORS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Orchestrator,
    Executor,
    Client,
}

struct Process {
    pid: Pid,
    role: Role,
    future: Client,
    asleep_until: Duration,
}

struct Run<'s, M: Machine> {
    world: World<M>,
    scenario: &'s Scenario<M>,
    seed: u64,
    dice: Dice,
    processes: Vec<Process>,
    next_pid: Pid,
}

/// Runs one seed to its end.
pub fn simulate<M: Machine + 'static>(scenario: &Scenario<M>, faults: Faults, seed: u64) -> Result<Tally, Violation> {
    let names = Names::default();
    let world = World::new(seed, faults, names.clone(), (scenario.machine)(names));
    (scenario.prepare)(&world);
    let mut run = Run { world, scenario, seed, dice: Dice::new(seed ^ 0xD1CE), processes: vec![], next_pid: 1 };
    for _ in 0..ORCHESTRATORS {
        run.start(Role::Orchestrator);
    }
    for _ in 0..EXECUTORS {
        run.start(Role::Executor);
    }
    for future in (scenario.clients)(run.world.clone(), seed) {
        run.add(Role::Client, future);
    }
    run.run_to_the_end(faults)?;
    Ok(run.world.lock().tally)
}

impl<M: Machine + 'static> Run<'_, M> {
    fn add(&mut self, role: Role, future: Client) {
        let pid = self.next_pid;
        self.next_pid += 1;
        self.processes.push(Process { pid, role, future, asleep_until: Duration::ZERO });
    }

    fn start(&mut self, role: Role) {
        let (world, pid) = (self.world.clone(), self.next_pid);
        match role {
            Role::Orchestrator => {
                let machine = self.scenario.machine;
                self.add(role, Box::pin(orchestrator(world, pid, machine)));
            }
            Role::Executor => {
                let worker = tasks::worker(world, pid, self.scenario.activity, self.seed);
                self.add(role, Box::pin(worker));
            }
            Role::Client => {}
        }
    }

    fn run_to_the_end(&mut self, faults: Faults) -> Result<(), Violation> {
        for count in 0..MOST_STEPS {
            let calm = count >= HARSH_STEPS;
            if !calm {
                self.break_something(faults);
            } else if count == HARSH_STEPS {
                self.calm_down();
            } else if count % 64 == 0 && self.is_over() {
                return self.verdict();
            }
            self.one_step(calm);
            if let Some(what) = self.world.lock().violations.pop() {
                return Err(self.violation(what));
            }
        }
        let left = self.left_over();
        let tales: Vec<String> = left.iter().map(|key| self.world.lock().tale_of(key)).collect();
        Err(self.violation(format!("not everything came to its end: {}", tales.join("\n"))))
    }

    fn violation(&self, what: String) -> Violation {
        Violation { seed: self.seed, what }
    }

    /// Time passes, something arrives, somebody does something.
    fn one_step(&mut self, calm: bool) {
        let mut world = self.world.lock();
        let pause = if calm { 90 } else { 60 };
        let pass = world.dice.below(pause);
        world.since += Duration::from_millis(pass as u64);
        let asleep =
            |pid: Pid| self.processes.iter().any(|process| process.pid == pid && process.asleep_until > world.since);
        let arriving = if world.flight.is_empty() { None } else { Some(self.dice.below(world.flight.len())) };
        // What a sleeping process had handed over may be in its own buffers still, and come out when it wakes.
        let arriving = arriving.filter(|place| !asleep(world.flight[*place].from) || self.dice.chance(100));
        if let Some((holder, until)) = world.lease {
            let lives = self.processes.iter().any(|process| process.pid == holder) && !asleep(holder);
            if lives && world.since < until {
                world.lease = Some((holder, world.since + LEASE));
            }
        }
        if let Some(place) = arriving {
            world.deliver(place);
        }
        let since = world.since;
        drop(world);
        let awake: Vec<usize> =
            (0..self.processes.len()).filter(|place| self.processes[*place].asleep_until <= since).collect();
        if awake.is_empty() {
            return;
        }
        let place = awake[self.dice.below(awake.len())];
        let mut context = Context::from_waker(Waker::noop());
        if self.processes[place].future.as_mut().poll(&mut context).is_ready() {
            let process = self.processes.swap_remove(place);
            if process.role != Role::Client {
                self.start(process.role);
            }
        }
    }

    fn break_something(&mut self, faults: Faults) {
        if self.dice.chance(faults.crash) {
            self.crash();
        }
        if self.dice.chance(faults.owner_sleeps) {
            self.put_to_sleep(Role::Orchestrator, WINDOW);
        }
        if self.dice.chance(faults.worker_sleeps) {
            self.put_to_sleep(Role::Executor, LEASE * 2);
        }
        let mut world = self.world.lock();
        if self.dice.chance(faults.restart) {
            world.restart();
        }
        if self.dice.chance(faults.power_cut) {
            world.cut_power();
        }
        if self.dice.chance(faults.stale) {
            world.grow_stale();
        }
        if self.dice.chance(faults.snapshot_removed) {
            world.remove_snapshot();
        }
        if self.dice.chance(faults.standstill) {
            world.since += Duration::from_secs(700);
        }
        if self.dice.chance(faults.purge) {
            let queued = world.queue.subjects();
            if !queued.is_empty() {
                world.queue.remove(&queued[self.dice.below(queued.len())]);
            }
        }
    }

    /// kill -9: the process is gone between two awaits; what it had sent may arrive or not.
    fn crash(&mut self) {
        let services: Vec<usize> =
            (0..self.processes.len()).filter(|place| self.processes[*place].role != Role::Client).collect();
        let process = self.processes.swap_remove(services[self.dice.below(services.len())]);
        let mut world = self.world.lock();
        world.inboxes.remove(&process.pid);
        let dice = &mut self.dice;
        world.flight.retain(|flight| flight.from != process.pid || dice.chance(500));
        drop(world);
        self.start(process.role);
    }

    fn put_to_sleep(&mut self, role: Role, about: Duration) {
        let since = self.world.lock().since;
        let candidates: Vec<usize> = (0..self.processes.len())
            .filter(|place| self.processes[*place].role == role && self.processes[*place].asleep_until <= since)
            .collect();
        if candidates.is_empty() {
            return;
        }
        let place = candidates[self.dice.below(candidates.len())];
        let permille = 300 + self.dice.below(1200) as u32;
        self.processes[place].asleep_until = since + about * permille / 1000;
    }

    fn calm_down(&mut self) {
        let mut world = self.world.lock();
        // Clocks stay off, and queues stay small, in the calmest of worlds.
        let Faults { without, skew, queue_room, .. } = world.faults;
        world.faults = Faults { without, skew, queue_room, ..Faults::default() };
    }

    fn left_over(&self) -> Vec<String> {
        let keys = (self.scenario.must_end)(&self.world);
        let world = self.world.lock();
        let left = keys.into_iter().filter(|key| world.value_of_result(key).is_none());
        left.filter(|key| !world.excused.contains(key)).collect()
    }

    fn is_over(&self) -> bool {
        let clients = self.processes.iter().any(|process| process.role == Role::Client);
        !clients && self.world.lock().flight.is_empty() && self.left_over().is_empty()
    }

    /// Everything ended: does what is stored agree with the log, and was everyone told?
    fn verdict(&self) -> Result<(), Violation> {
        let world = self.world.lock();
        if world.power_was_cut {
            return Ok(());
        }
        for (key, record) in world.endings() {
            let Some(record) = record.filter(|_| !world.excused.contains(&key)) else { continue };
            let stored = world.value_of_result(&key).unwrap_or_default();
            let end = String::from_utf8_lossy(&record).into_owned();
            if !String::from_utf8_lossy(&stored).contains(&end) {
                return Err(self.violation(format!("the record of `{key}` is not what its log gives: {end}")));
            }
        }
        let of_excused = |id: &str| id.split('-').next().is_some_and(|key| world.excused.contains(key));
        let missing = world.to_be_told.iter().find(|(id, _)| !world.told.contains_key(*id) && !of_excused(id));
        if let Some((id, subject)) = missing {
            return Err(self.violation(format!("nobody was told `{subject}` ({id})")));
        }
        let extra = world.told.keys().find(|id| !world.to_be_told.contains_key(*id) && !of_excused(id));
        if let Some(id) = extra {
            return Err(self.violation(format!("`{id}` was told, which the log does not give")));
        }
        Ok(())
    }
}

/// One orchestrator process: waits for the lease, owns, and starts anew when the owner lets go.
async fn orchestrator<M: Machine>(world: World<M>, pid: Pid, machine: fn(Names) -> M) {
    loop {
        while !world.lock().acquire(pid) {
            step().await;
        }
        let names = world.lock().names.clone();
        let recovered = Arc::new(AtomicBool::new(false));
        let ports = SimPorts::new(world.clone(), pid, 0, Arc::clone(&recovered));
        let mut settings = Settings::new(0, names.clone());
        settings.snapshot_after_inputs = 20;
        settings.snapshot_after = Duration::from_secs(10);
        settings.checkpoint_every = Duration::from_secs(1);
        settings.rest_after = Duration::from_secs(3);
        // Most let everything out of memory as soon as they can.
        if world.lock().dice.chance(750) {
            settings.snapshot_after_inputs = 3;
            settings.snapshot_after = Duration::from_millis(500);
            settings.rest_after = Duration::ZERO;
        }
        settings.without = world.lock().faults.without.resting;
        settings.in_flight = 8;
        settings.history = Duration::from_secs(30);
        settings.look_again_after = Duration::from_secs(15);
        if world.lock().faults.without.looking_again {
            settings.look_again_after = Duration::from_secs(1_000_000);
        }
        let mut owner = Owner::new(ports, machine(names), Watch { world: world.clone(), recovered }, settings);
        let halt = owner.run().await;
        world.lock().tally.handed_over += u64::from(matches!(halt, Halt::Stopped));
        if !matches!(halt, Halt::LeaseLost) {
            world.lock().release(pid);
        }
        step().await;
    }
}

struct Watch<M: Machine> {
    world: World<M>,
    recovered: Arc<AtomicBool>,
}

impl<M: Machine> Watcher for Watch<M> {
    fn recovered(&mut self, _took: Duration, _folded: u64, _states: usize) {
        self.recovered.store(true, Ordering::Relaxed);
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
    fn alarm(&mut self, _what: &str) {}
}
