//! A paced load of several minutes, and a kill -9 every few seconds: everything completes, nothing is lost, no finished step runs
//! again, and work goes on within five seconds.
//!
//! `SAGALINE_CRASH_SECONDS` sets how long each load lasts: 40 by default, 150 for the figures of docs/reliability.md.

use std::{
    io::Read,
    process::Child,
    time::{Duration, Instant, SystemTime},
};

use sagaline_crash::{Ears, Role, System, Witness};
use sagaline_model::Moment;
use serde_json::Value;
use tokio::{
    sync::Mutex,
    time::{interval, sleep},
};

/// Starts a second. Two cores carry everything here, builds of the dev profile included.
const RATE: u32 = 25;
/// Long enough that a kill always meets tasks in flight.
const STEP_MS: u32 = 300;
const PARTITIONS: u32 = 2;
const RESUME_WITHIN: Duration = Duration::from_secs(5);

fn seconds() -> u32 {
    std::env::var("SAGALINE_CRASH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

fn now() -> Moment {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Moment::from_nanos(i64::try_from(since.as_nanos()).expect("before 2262"))
}

/// Each of these wants the whole machine: what is measured is how fast work goes on.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn system(name: &str, environment: Vec<(&'static str, String)>) -> System {
    let mut system = System::start(name, environment).await;
    system.spawn(Role::Orchestrator);
    system.spawn(Role::Orchestrator);
    system.spawn(Role::Executor);
    system.spawn(Role::Executor);
    system.ready().await;
    system
}

/// A load that is known to flow before anything is broken.
fn load(system: &System) -> Child {
    let workflows = (RATE * seconds()).to_string();
    let (rate, step_ms) = (RATE.to_string(), STEP_MS.to_string());
    let witness = system.witness_file();
    let witness = witness.to_str().expect("a path in UTF-8");
    let mut arguments = vec!["bench", "--output", "json", "--steps", "3"];
    arguments.extend(["--workflows", &workflows, "--rate", &rate, "--step-ms", &step_ms, "--witness", witness]);
    system.sagaline(&arguments)
}

/// Waits for the load and says what came of it; the witness is read by a second look, since executors come and go meanwhile.
async fn report(mut bench: Child) -> Value {
    let output = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        bench.stdout.take().expect("it was piped").read_to_string(&mut text).expect("text");
        bench.wait().expect("it has ended");
        text
    });
    let text = output.await.expect("no panic");
    serde_json::from_str(&text).unwrap_or_else(|fault| panic!("bench printed no JSON: {fault}: {text}"))
}

fn nothing_lost(report: &Value) {
    let count = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("no `{name}` in {report}"));
    assert_eq!(count("lost"), 0, "{report}");
    assert_eq!(count("failed"), 0, "{report}");
    assert_eq!(count("completed"), u64::from(RATE * seconds()), "{report}");
    assert_eq!(count("repeated_steps"), 0, "{report}");
    assert_eq!(report["repeated_steps_from"], "witness", "{report}");
}

struct Kill {
    pid: u32,
    at: Moment,
    heard: Instant,
}

/// Kills one of `role` every `every` for as long as the load is paced.
async fn kill_again_and_again(system: &mut System, role: Role, every: Duration) -> Vec<Kill> {
    let end = Instant::now() + Duration::from_secs(u64::from(seconds()));
    let mut tick = interval(every);
    tick.tick().await;
    let mut kills = vec![];
    while Instant::now() < end {
        tick.tick().await;
        let (at, heard) = (now(), Instant::now());
        kills.push(Kill { pid: system.replace(role), at, heard });
    }
    kills
}

fn longest(silences: impl Iterator<Item = Duration>) -> Duration {
    silences.max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_orchestrators_lose_and_repeat_nothing() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut system = system("orchestrators", vec![]).await;
    let ears = Ears::open(&system.url(), PARTITIONS).await;
    let bench = load(&system);
    sleep(Duration::from_secs(3)).await;
    let kills = kill_again_and_again(&mut system, Role::Orchestrator, Duration::from_millis(4_500)).await;
    let report = report(bench).await;
    nothing_lost(&report);
    let silence = longest(kills.iter().filter_map(|kill| ears.longest_silence(kill.heard, Duration::from_secs(4))));
    println!("orchestrator: {} kills, longest standstill {silence:?}, {report}", kills.len());
    assert!(silence <= RESUME_WITHIN, "work stood still for {silence:?}");
    system.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_executors_lose_and_repeat_nothing() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut system = system("executors", vec![]).await;
    let bench = load(&system);
    sleep(Duration::from_secs(3)).await;
    let kills = kill_again_and_again(&mut system, Role::Executor, Duration::from_millis(4_500)).await;
    let report = report(bench).await;
    nothing_lost(&report);
    let witness = Witness::read(&system.witness_file());
    let orphans: Vec<Duration> = kills.iter().flat_map(|kill| witness.orphans(kill.pid, kill.at)).collect();
    let longest = longest(orphans.iter().copied());
    println!(
        "executor: {} kills, {} of {} runs orphaned, taken up within {longest:?}, {report}",
        kills.len(),
        orphans.len(),
        witness.begun()
    );
    assert!(!orphans.is_empty(), "no kill met a task in flight");
    assert!(longest <= RESUME_WITHIN, "an orphaned task waited {longest:?}");
    system.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_nats_server_loses_and_repeats_nothing() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut system = system("nats", vec![]).await;
    let ears = Ears::open(&system.url(), PARTITIONS).await;
    let bench = load(&system);
    sleep(Duration::from_secs(3)).await;
    let end = Instant::now() + Duration::from_secs(u64::from(seconds()));
    let mut kills = vec![];
    while Instant::now() < end {
        kills.push(Instant::now());
        system.restart_nats().await;
        sleep(Duration::from_secs(12)).await;
    }
    let report = report(bench).await;
    nothing_lost(&report);
    let silence = longest(kills.iter().filter_map(|kill| ears.longest_silence(*kill, Duration::from_secs(6))));
    println!("nats-server: {} kills, longest standstill {silence:?}, {report}", kills.len());
    assert!(silence <= RESUME_WITHIN, "work stood still for {silence:?}");
    system.end().await;
}

/// Asleep for longer than the lease and for longer than queues remember tasks, then awake again.
#[tokio::test(flavor = "multi_thread")]
async fn an_orchestrator_that_slept_repeats_nothing() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let system = system("sleepers", vec![("SAGALINE_DEDUP_WINDOW", "5s".to_owned())]).await;
    let bench = load(&system);
    let end = Instant::now() + Duration::from_secs(u64::from(seconds()));
    let mut naps = 0;
    while Instant::now() < end {
        for pid in system.pids(Role::Orchestrator) {
            system.freeze(pid, Duration::from_secs(8)).await;
            naps += 1;
            sleep(Duration::from_secs(3)).await;
        }
    }
    let report = report(bench).await;
    nothing_lost(&report);
    println!("sleeping orchestrators: {naps} naps of 8 s, {report}");
    system.end().await;
}
