//! Running a simulated world: processes are polled one at a time, in an order that the seed decides, while things go wrong; then
//! the world calms down, and everything that was acknowledged must come to its end.

mod breaking;
mod orchestrator;
mod tally;

use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    task::{Context, Waker},
    time::Duration,
};

use sagaline_broker::{
    machine::Machine,
    names::{LogKind, Names},
};

pub use self::tally::Tally;
use super::{Dice, Faults, World, faults::Shape, limits::Limited, tasks, world::Pid};

/// Something that a client does, from beginning to end.
pub type Client = Pin<Box<dyn Future<Output = ()>>>;

/// What is simulated.
pub struct Scenario<M: Machine> {
    /// How large the world of a seed is.
    pub shape: fn(u64) -> Shape,
    /// The machine of the partition at a place, of so many of each kind.
    pub machine: fn(Names, u32, u32) -> M,
    /// What its logs are about: of each kind there are as many partitions.
    pub kinds: &'static [LogKind],
    /// Puts what must be there before anything starts into the buckets.
    pub prepare: fn(&World<M>),
    /// What clients do. Each future is one client; it returns when it has nothing more to do.
    pub clients: fn(World<M>, u64) -> Vec<Client>,
    /// How an activity of a task ends, given the seed.
    pub activity: tasks::Activity,
    /// Keys of whatever is started: it must have ended when the world is quiet.
    pub must_end: fn() -> Vec<String>,
    /// Of which executions only so many may be at work at once.
    pub limited: Limited,
    /// What does not hold once everything has ended, given the seed.
    pub verdict: fn(&World<M>, u64) -> Option<String>,
}

/// Why a seed fails.
#[derive(Debug)]
pub struct Violation {
    pub seed: u64,
    pub what: String,
}

/// The world is harsh for so many steps, then calm until everything has ended.
const HARSH_STEPS: usize = 6_000;
/// And after so many steps it is given up.
const MOST_STEPS: usize = 240_000;
const EXECUTORS: usize = 3;
/// In a calm world the partitions are shared evenly before long: whoever adopted one keeps it for five minutes.
const SHARED_WITHIN: Duration = Duration::from_secs(400);

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
    /// When the partitions were last seen to be shared as they should be.
    shared_at: Duration,
}

/// Runs one seed to its end.
pub fn simulate<M: Machine + 'static>(scenario: &Scenario<M>, faults: Faults, seed: u64) -> Result<Tally, Violation> {
    let names = Names::default();
    let shape = (scenario.shape)(seed);
    let world = World::new(seed, shape, faults, names, scenario.kinds, scenario.machine);
    (scenario.prepare)(&world);
    let mut run = Run {
        world,
        scenario,
        seed,
        dice: Dice::new(seed ^ 0xD1CE),
        processes: vec![],
        next_pid: 1,
        shared_at: Duration::ZERO,
    };
    for _ in 0..shape.orchestrators {
        run.start(Role::Orchestrator);
    }
    for _ in 0..EXECUTORS {
        run.start(Role::Executor);
    }
    for future in (scenario.clients)(run.world.clone(), seed) {
        run.add(Role::Client, future);
    }
    run.run_to_the_end(faults)?;
    let mut world = run.world.lock();
    world.tally.orphans = world.orphans() as u64;
    Ok(world.tally)
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
                if world.lock().shape.partitions == 1 {
                    self.add(role, Box::pin(orchestrator::compete(world, pid, machine)));
                } else {
                    self.add(role, Box::pin(orchestrator::share(world, pid, machine)));
                }
            }
            Role::Executor => {
                let Scenario { activity, limited, .. } = *self.scenario;
                let worker = tasks::worker(world, pid, activity, limited, self.seed);
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
            } else if count % 64 == 0 {
                let unshared = self.unshared_for_long()?;
                if !unshared && self.is_over() {
                    return self.verdict();
                }
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
        let since = world.since;
        let asleep = |pid: Pid| self.processes.iter().any(|process| process.pid == pid && process.asleep_until > since);
        let arriving = if world.flight.is_empty() { None } else { Some(self.dice.below(world.flight.len())) };
        // What a sleeping process had handed over may be in its own buffers still, and come out when it wakes.
        let arriving = arriving.filter(|place| !asleep(world.flight[*place].from.pid) || self.dice.chance(100));
        world.renew(|pid| !asleep(pid));
        if let Some(place) = arriving {
            world.deliver(place);
        }
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
            self.ended(&process);
        }
    }

    /// Somebody came to its end: a client that has done everything, or a member that was told to leave.
    fn ended(&mut self, process: &Process) {
        match process.role {
            Role::Client => {}
            Role::Executor => self.start(process.role),
            Role::Orchestrator => {
                self.world.lock().dies(process.pid, &mut self.dice);
                // Most are replaced by new ones, as long as one is left.
                if self.of_role(Role::Orchestrator).is_empty() || self.dice.chance(600) {
                    self.start(process.role);
                }
            }
        }
    }

    fn of_role(&self, role: Role) -> Vec<usize> {
        (0..self.processes.len()).filter(|place| self.processes[*place].role == role).collect()
    }

    fn calm_down(&mut self) {
        let mut world = self.world.lock();
        world.faults = world.faults.calmed();
        self.shared_at = world.since;
    }

    /// Whether the partitions are not shared as they should be; a violation if that lasts.
    fn unshared_for_long(&mut self) -> Result<bool, Violation> {
        let world = self.world.lock();
        // Who competes for the only partition has no share.
        let unshared = (world.shape.partitions > 1).then(|| world.unshared()).flatten();
        let Some(what) = unshared else {
            self.shared_at = world.since;
            return Ok(false);
        };
        let too_long = self.shared_at.max(world.leapt) + SHARED_WITHIN < world.since;
        drop(world);
        let what = format!("the partitions are not shared as they should be: {what}");
        if too_long { Err(self.violation(what)) } else { Ok(true) }
    }

    fn left_over(&self) -> Vec<String> {
        let world = self.world.lock();
        let keys: BTreeSet<String> = (self.scenario.must_end)().into_iter().chain(world.begun()).collect();
        keys.into_iter().filter(|key| world.is_promised(key) && world.value_of_result(key).is_none()).collect()
    }

    fn is_over(&self) -> bool {
        let clients = self.processes.iter().any(|process| process.role == Role::Client);
        !clients && self.world.lock().flight.is_empty() && self.left_over().is_empty()
    }

    /// Everything ended: does what is stored agree with the log, and was everyone told?
    fn verdict(&self) -> Result<(), Violation> {
        let what = self.world.lock().disagreement();
        let what = what.or_else(|| (self.scenario.verdict)(&self.world, self.seed));
        what.map_or(Ok(()), |what| Err(self.violation(what)))
    }
}
