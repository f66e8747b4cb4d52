//! What is broken, again and again, while a load runs; and what must hold when it is over. Each says in the end what was measured.

use std::time::{Duration, Instant, SystemTime};

use sagaline_model::Moment;
use tokio::{
    sync::Mutex,
    time::{interval, sleep},
};

use crate::{Ears, Load, Nodes, Orders, Payments, Role, System, Waiting, Witness};

/// Within which work goes on after any one process was killed.
pub const RESUME_WITHIN: Duration = Duration::from_secs(5);
const PARTITIONS: u32 = 4;
/// Longer than a lease, and a little: a kill meets a system that has recovered.
const KILL_EVERY: Duration = Duration::from_millis(4_500);
/// A load is known to flow before anything is broken.
const FLOWS: Duration = Duration::from_secs(3);

/// Each of these wants the whole machine: what is measured is how fast work goes on.
pub static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A system under load, with executions that wait beside it.
pub struct Scene {
    pub system: System,
    ears: Ears,
    waiting: Waiting,
    pub load: Load,
}

impl Scene {
    /// So many orchestrators and so many executors on so many nodes.
    pub async fn set(name: &str, nodes: Nodes, of_each: usize, mut environment: Vec<(&'static str, String)>) -> Self {
        environment.push(("SAGALINE_PARTITIONS", PARTITIONS.to_string()));
        let system = System::with_services(name, nodes, of_each, environment).await;
        let ears = Ears::open(&system.nats.urls(), PARTITIONS).await;
        let waiting = Waiting::start(&system).await;
        let load = Load::start(&system);
        sleep(FLOWS).await;
        Self { system, ears, waiting, load }
    }

    /// Nothing lost, nothing repeated, nothing hanging; and no partition silent for too long after what happened at these moments.
    pub async fn holds(self, what: &str, moments: &[Instant], resume_within: Duration) -> String {
        let Self { system, ears, waiting, load } = self;
        let report = load.nothing_lost().await;
        // Before what waits is told to go on: that the load is over is no standstill.
        let silences = moments.iter().filter_map(|moment| ears.longest_silence(*moment, KILL_EVERY));
        let longest = silences.max().unwrap_or_default();
        waiting.scan(&system).await;
        let told = format!("{what}: {} times, longest standstill {longest:?}, {report}", moments.len());
        assert!(longest <= resume_within, "work stood still for {longest:?}; {told}");
        system.end().await;
        told
    }
}

pub fn now() -> Moment {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Moment::from_nanos(i64::try_from(since.as_nanos()).expect("before 2262"))
}

/// kill -9 of an orchestrator every few seconds.
pub async fn orchestrators(nodes: Nodes, of_each: usize) -> String {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut scene = Scene::set("orchestrators", nodes, of_each, vec![]).await;
    let mut tick = interval(KILL_EVERY);
    let mut moments = vec![];
    while scene.load.is_paced() {
        tick.tick().await;
        moments.push(Instant::now());
        scene.system.kill(Role::Orchestrator);
    }
    scene.holds("killed an orchestrator", &moments, RESUME_WITHIN).await
}

/// kill -9 of an executor every few seconds: its tasks are taken up by others.
pub async fn executors(nodes: Nodes, of_each: usize) -> String {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut scene = Scene::set("executors", nodes, of_each, vec![]).await;
    let mut tick = interval(KILL_EVERY);
    let mut kills = vec![];
    let mut moments = vec![];
    while scene.load.is_paced() {
        tick.tick().await;
        moments.push(Instant::now());
        let at = now();
        kills.push((scene.system.kill(Role::Executor), at));
    }
    let witness_file = scene.system.witness_file();
    // The load goes on until all have ended; the witness is read before its folder goes.
    while scene.load.runs() {
        sleep(Duration::from_millis(200)).await;
    }
    let witness = Witness::read(&witness_file);
    let orphans: Vec<Duration> = kills.iter().flat_map(|(pid, at)| witness.orphans(*pid, *at)).collect();
    let longest = orphans.iter().copied().max().unwrap_or_default();
    let orphaned = format!("{} of {} runs orphaned, taken up within {longest:?}", orphans.len(), witness.begun());
    assert!(!orphans.is_empty(), "no kill met a task in flight");
    assert!(longest <= RESUME_WITHIN, "an orphaned task waited {longest:?}");
    format!("{}; {orphaned}", scene.holds("killed an executor", &moments, RESUME_WITHIN).await)
}

/// kill -9 of a node of NATS, the leader of a log first, started again at once. How long work stands still is counted from when NATS
/// has leaders again: without one, nothing can be stored by anybody.
pub async fn nats_nodes(nodes: Nodes, of_each: usize, healthy: Duration) -> String {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut scene = Scene::set("nats", nodes, of_each, vec![]).await;
    let streams = streams();
    let mut moments = vec![];
    let mut leaderless = Duration::ZERO;
    while scene.load.is_paced() {
        let begun = Instant::now();
        scene.system.nats.kill_leader(&streams[moments.len() % streams.len()]).await;
        scene.system.nats.led(&streams, &[("QUEUE_default", "sleep")]).await;
        leaderless = leaderless.max(begun.elapsed());
        moments.push(Instant::now());
        scene.system.nats.current().await;
        sleep(healthy).await;
    }
    let said = scene.holds("killed a node of NATS", &moments, RESUME_WITHIN).await;
    format!("{said}; NATS had no leader for at most {leaderless:?}")
}

/// What executions go through.
fn streams() -> Vec<String> {
    let logs = (0..PARTITIONS).map(|partition| format!("RUNS_{partition}"));
    let others = ["QUEUE_default", "LIFECYCLE", "KV_partitions", "KV_executions", "KV_results"];
    logs.chain(others.map(str::to_owned)).collect()
}

/// kill -9 of every node of NATS at once.
pub async fn all_of_nats(nodes: Nodes, of_each: usize, healthy: Duration) -> String {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut scene = Scene::set("all-nats", nodes, of_each, vec![]).await;
    let mut moments = vec![];
    while scene.load.is_paced() {
        scene.system.nats.kill_all().await;
        scene.system.nats.led(&streams(), &[("QUEUE_default", "sleep")]).await;
        moments.push(Instant::now());
        sleep(healthy).await;
    }
    scene.holds("killed all of NATS", &moments, RESUME_WITHIN).await
}

/// Orchestrators asleep for longer than the lease and for longer than queues remember tasks, then awake again.
pub async fn sleeping_orchestrators(nodes: Nodes, of_each: usize) -> String {
    let _alone = ONE_AT_A_TIME.lock().await;
    let scene = Scene::set("sleepers", nodes, of_each, vec![("SAGALINE_DEDUP_WINDOW", "5s".to_owned())]).await;
    let mut moments = vec![];
    while scene.load.is_paced() {
        for pid in scene.system.pids(Role::Orchestrator) {
            moments.push(Instant::now());
            scene.system.freeze(pid, Duration::from_secs(8)).await;
            sleep(Duration::from_secs(3)).await;
        }
    }
    scene.holds("an orchestrator slept for 8 s", &moments, RESUME_WITHIN).await
}

/// Orders that all fail, and kill -9 of a compensator, an orchestrator and an executor in turn: everything is taken back, once, in order.
pub async fn failing_orders(nodes: Nodes, of_each: usize) -> String {
    let _alone = ONE_AT_A_TIME.lock().await;
    let environment = vec![("SAGALINE_PARTITIONS", PARTITIONS.to_string())];
    let mut system = System::with_services("orders", nodes, of_each, environment).await;
    for _ in 0..of_each {
        system.spawn(Role::Compensator);
    }
    let orders = Orders::prepare(&system).await;
    let started = tokio::spawn(orders.start_all());
    sleep(FLOWS).await;
    let mut tick = interval(KILL_EVERY);
    let mut killed = vec![];
    let roles = [Role::Compensator, Role::Orchestrator, Role::Executor];
    for role in roles.into_iter().cycle() {
        tick.tick().await;
        if started.is_finished() {
            break;
        }
        let at = now();
        killed.push((system.kill(role), at));
    }
    let orders = started.await.expect("they are started");
    let witness = system.witness_file();
    let said = orders.are_taken_back(|| Witness::read(&witness), &killed).await;
    system.end().await;
    format!("killed {} processes, of each kind in turn: {said}", killed.len())
}

/// Triggers and orchestrators are killed while executions wait for events, and events are gathered.
pub async fn payments(nodes: Nodes, of_each: usize) -> String {
    let _alone = ONE_AT_A_TIME.lock().await;
    let environment = vec![("SAGALINE_PARTITIONS", PARTITIONS.to_string())];
    let mut system = System::with_services("payments", nodes, of_each, environment).await;
    for _ in 0..of_each {
        system.spawn(Role::Trigger);
    }
    let payments = Payments::prepare(&system).await;
    let going_on = tokio::spawn(payments.go_on());
    sleep(FLOWS).await;
    let mut tick = interval(KILL_EVERY);
    let mut killed = 0;
    for role in [Role::Trigger, Role::Orchestrator].into_iter().cycle() {
        tick.tick().await;
        if going_on.is_finished() {
            break;
        }
        system.kill(role);
        killed += 1;
    }
    let said = going_on.await.expect("they go on").all_came_once().await;
    system.end().await;
    format!("killed {killed} triggers and orchestrators in turn: {said}")
}

/// Every process is replaced, one after the other, as for a newer version.
pub async fn rolling_replacement(nodes: Nodes, of_each: usize) -> String {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut scene = Scene::set("rolling", nodes, of_each, vec![]).await;
    let mut moments = vec![];
    while scene.load.is_paced() {
        for role in [Role::Orchestrator, Role::Executor] {
            for _ in 0..of_each {
                moments.push(Instant::now());
                scene.system.replace(role).await;
                sleep(Duration::from_secs(1)).await;
            }
        }
        for index in 0..scene.system.nats.count() {
            moments.push(Instant::now());
            scene.system.nats.replace(index).await;
            sleep(Duration::from_secs(1)).await;
        }
    }
    scene.holds("replaced a process", &moments, RESUME_WITHIN).await
}
