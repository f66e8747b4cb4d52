//! The real owner and engine in a world that breaks: thousands of seeds, and the proof that each law is needed.
//!
//! `SAGALINE_SEEDS=N` runs N seeds of each world, `SAGALINE_SEED=S` only that one; a failure prints its seed.

use std::sync::atomic::{AtomicU64, Ordering};

use sagaline_broker::{
    names::Names,
    owner,
    ports::{Bucket, Message, Outcome},
    worker::Ended,
};
use sagaline_events::{
    Input, Start, Task,
    ask::{Answer, Ask},
    input::{Cancel, Signal},
    record::{Definition, Latest},
};
use sagaline_model::{ExecutionId, Name, StepError};
use sagaline_orchestrator::machine::Executions;
use sagaline_testkit::sim::{
    Dice, Faults, Scenario, Tally, World, faults::Without, ports::step, run::Client, simulate, tasks::send,
};
use serde_json::json;

/// Parallel branches that join, retries with timers, a wait, a signal, a time limit, a skip, a failure that is borne, and much
/// waiting.
const WORKFLOWS: [&str; 4] = [
    r#"
workflow: fan
steps:
  a: { activity: work, input: { n: "${ workflow.input.n }" } }
  b: { after: a, activity: work, retry: { attempts: 4, initial: 200ms, jitter: true } }
  c: { after: a, activity: work, retry: { attempts: 4, initial: 100ms, backoff: fixed }, on_error: continue }
  d: { after: a, activity: work, timeout: 30s, retry: { attempts: 3, initial: 100ms } , on_error: skip }
  e: { after: [b, c, d], activity: work, input: { of: "${ steps.b.output.n }" }, retry: 5 }
output: { n: "${ ctx.n }" }
"#,
    r#"
workflow: patient
timeout: 10m
steps:
  a: { activity: work, retry: 5 }
  pause: { after: a, wait: 700ms }
  ask: { after: a, await: { signal: go, timeout: 2m } }
  inner:
    after: [pause, ask]
    steps:
      x: { activity: work, retry: 5 }
      y: { after: x, activity: work, on_error: continue }
  z: { after: inner, activity: work, on_error: skip }
"#,
    r#"
workflow: frail
steps:
  a: { activity: work }
  b: { after: a, activity: work, retry: 2 }
  c: { after: a, activity: work }
  d: { after: [b, c], activity: work }
"#,
    r#"
workflow: idle
steps:
  rest: { wait: 20s }
  a: { after: rest, activity: work, retry: 5 }
  sleep: { after: a, wait: 45s }
  ask: { after: rest, await: { signal: go, timeout: 3m } }
  b: { after: ask, activity: work, retry: { attempts: 4, initial: 20s, backoff: fixed }, on_error: skip }
  nap: { after: [sleep, b], wait: 10s }
output: { n: "${ ctx.n }" }
"#,
];

const EXECUTIONS: usize = 12;

fn executions() -> Vec<String> {
    (0..EXECUTIONS).map(|number| format!("e{number}")).collect()
}

fn workflow_of(number: usize) -> &'static str {
    ["fan", "patient", "frail", "idle"][number % 4]
}

fn prepare(world: &World<Executions>) {
    for source in WORKFLOWS {
        let plan = sagaline_lang::read(source, "simulated.yaml").expect("a good definition").plan;
        let (workflow, hash) = (plan.workflow.clone(), plan.hash());
        let definition = Definition { workflow: workflow.clone(), version: 1, hash: hash.clone(), plan, source: None };
        let latest = Latest { version: 1, hash };
        let mut world = world.lock();
        let json = serde_json::to_vec(&definition).expect("JSON");
        world.buckets.put(Bucket::Definitions, &Names::definition_key(workflow.as_str(), 1), json);
        let json = serde_json::to_vec(&latest).expect("JSON");
        world.buckets.put(Bucket::Definitions, &Names::latest_key(workflow.as_str()), json);
    }
}

fn input(subject: String, expected: Option<u64>, input: &Input) -> Message {
    Message {
        subject,
        expected,
        msg_id: None,
        ttl: None,
        headers: vec![("ce-type", input.kind().to_owned())],
        payload: input.data().into(),
    }
}

/// Starts one execution at some moment, and sends it a signal and perhaps a cancel, perhaps before the start.
async fn client(world: World<Executions>, number: usize, seed: u64) {
    let mut dice = Dice::new(seed.wrapping_mul(31).wrapping_add(number as u64));
    let names = Names::default();
    let id = format!("e{number}");
    let signal = Input::Signal(Signal { name: Name::new("go").expect("a name"), data: json!({"by": number}) });
    let signal = input(names.input(&id, 1), None, &signal);
    let early = dice.chance(500);
    if early {
        send(&world, &signal).await;
    }
    for _ in 0..dice.below(300) {
        step().await;
    }
    let start = Start {
        workflow: Name::new(workflow_of(number)).expect("a name"),
        version: dice.chance(500).then_some(1),
        input: json!({"n": number}),
        trigger: None,
        tags: std::collections::BTreeMap::new(),
    };
    let start = input(names.start(&id, 1), Some(0), &Input::Start(start));
    // A conflict: an own earlier try was stored, and only its ack got lost.
    while !matches!(send(&world, &start).await, Outcome::Stored { .. } | Outcome::Conflict { .. }) {}
    if !early {
        for _ in 0..dice.below(300) {
            step().await;
        }
        send(&world, &signal).await;
    }
    // What nobody waits for wakes it as well; two at once have to queue up.
    let noise = Input::Signal(Signal { name: Name::new("noise").expect("a name"), data: json!(number) });
    let noise = input(names.input(&id, 1), None, &noise);
    for _ in 0..dice.below(6) {
        for _ in 0..dice.below(60) {
            step().await;
        }
        for _ in 0..=dice.below(2) {
            send(&world, &noise).await;
        }
    }
    if dice.chance(150) {
        for _ in 0..dice.below(200) {
            step().await;
        }
        send(&world, &input(names.input(&id, 1), None, &Input::Cancel(Cancel { reason: None }))).await;
    }
}

/// Asks about executions, of which an owner must know every one that has begun and not ended.
async fn curious(world: World<Executions>, seed: u64) {
    let mut dice = Dice::new(seed ^ 0xA5C);
    for _ in 0..40 {
        for _ in 0..dice.below(200) {
            step().await;
        }
        let id = format!("e{}", dice.below(EXECUTIONS));
        let has_begun = world.lock().started.contains(&id);
        let execution = ExecutionId::new(id.as_str()).expect("an id");
        let ask = match dice.below(3) {
            0 => Ask::Why { execution },
            _ => Ask::Get { execution },
        };
        let question = world.lock().ask(ask);
        for _ in 0..300 {
            step().await;
            let mut world = world.lock();
            let Some(answer) = world.answers.remove(&question) else { continue };
            let has_ended = world.value_of_result(&id).is_some() || world.power_was_cut || world.excused.contains(&id);
            if has_begun && !has_ended && answer == Answer::Unknown {
                world.violations.push(format!("the owner knows nothing of `{id}`, which is open"));
            }
            break;
        }
    }
}

fn clients(world: World<Executions>, seed: u64) -> Vec<Client> {
    let starters = (0..EXECUTIONS).map(|number| Box::pin(client(world.clone(), number, seed)) as Client);
    starters.chain([Box::pin(curious(world.clone(), seed)) as Client]).collect()
}

fn activity(seed: u64, task: &Task) -> Ended {
    let name = format!("{seed}/{}/{}/{}", task.execution, task.path, task.attempt);
    let mut dice = Dice::new(u64::from(sagaline_model::id::fnv1a(name.as_bytes())));
    match dice.below(100) {
        0..=74 => Ended::Succeeded(json!({"n": task.attempt, "step": task.path})),
        75..=94 => Ended::Failed(StepError::new("Flaky", "it happens")),
        _ => Ended::Skipped(String::new()),
    }
}

/// After a power cut, a start that was lost with the log's tail is gone; what the log kept, or a snapshot holds, must end.
fn must_end(world: &World<Executions>) -> Vec<String> {
    let world = world.lock();
    if !world.power_was_cut {
        return executions();
    }
    world.started.iter().cloned().collect()
}

const SCENARIO: Scenario<Executions> =
    Scenario { machine: |names| Executions::new(names, 0, 1), prepare, clients, activity, must_end };

fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SAGALINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SAGALINE_SEEDS").unwrap_or(default),
    }
}

/// Runs the seeds, on as many threads as there are, until one fails.
fn first_failure(faults: Faults, seeds: std::ops::Range<u64>) -> Option<String> {
    let next = AtomicU64::new(seeds.start);
    let failure = std::sync::Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || failure.lock().expect("no panic").is_some() {
                        break;
                    }
                    if let Err(violation) = simulate(&SCENARIO, faults, seed) {
                        let told = format!("SAGALINE_SEED={}: {}", violation.seed, violation.what);
                        failure.lock().expect("no panic").get_or_insert(told);
                    }
                }
            });
        }
    });
    failure.into_inner().expect("no panic")
}

fn all_hold(faults: Faults, count: u64) {
    if let Some(failure) = first_failure(faults, seeds(count)) {
        panic!("{failure}");
    }
}

/// A law is switched off: some seed must show it, or the simulation would not notice.
fn fails(faults: Faults, count: u64) {
    assert!(first_failure(faults, 0..count).is_some(), "{count} seeds held though a law was switched off");
}

#[test]
fn a_calm_world_ends_everything() {
    all_hold(Faults::default(), 50);
}

#[test]
fn crashes_between_any_two_awaits_break_nothing() {
    all_hold(Faults::crashes(), 700);
}

#[test]
fn everything_at_once_breaks_nothing() {
    all_hold(Faults::harsh(), 1_000);
}

#[test]
fn a_lost_tail_of_the_log_is_noticed_and_the_rest_goes_on() {
    all_hold(Faults { power_cut: 1, ..Faults::harsh() }, 400);
}

#[test]
fn clocks_disks_servers_and_operators_break_nothing() {
    all_hold(Faults::hostile(), 700);
}

#[test]
fn several_power_cuts_in_a_hostile_world_are_borne() {
    all_hold(Faults { power_cut: 1, ..Faults::hostile() }, 400);
}

#[test]
fn an_owner_that_hands_over_in_the_midst_of_it_loses_nothing() {
    all_hold(Faults { hand_over: 60, ..Faults::harsh() }, 150);
    all_hold(Faults { hand_over: 60, ..Faults::hostile() }, 100);
    let handed_over =
        |seed| simulate(&SCENARIO, Faults { hand_over: 60, ..Faults::harsh() }, seed).map(|tally| tally.handed_over);
    let count: u64 = (0..10).filter_map(|seed| handed_over(seed).ok()).sum();
    assert!(count > 20, "{count} owners came to handing over");
}

#[test]
fn without_asking_finished_steps_run_again() {
    fails(Faults { without: Without { asking: true, ..Without::default() }, ..Faults::harsh() }, 2_000);
}

#[test]
fn without_marking_repeats_finished_steps_run_again() {
    fails(Faults { without: Without { repeat_marks: true, ..Without::default() }, ..Faults::harsh() }, 2_000);
}

#[test]
fn without_telling_again_events_are_lost() {
    fails(Faults { without: Without { telling_again: true, ..Without::default() }, ..Faults::harsh() }, 2_000);
}

#[test]
fn without_looking_again_a_purged_task_hangs() {
    let without = Without { looking_again: true, ..Without::default() };
    fails(Faults { without, purge: 4, ..Faults::default() }, 2_000);
}

#[test]
fn without_looking_at_revisions_a_state_goes_back() {
    let without = Without { revisions: true, ..Without::default() };
    fails(Faults { without, ..Faults::harsh() }, 2_000);
}

fn without_in_the_owner(resting: owner::Without) -> Faults {
    Faults { without: Without { resting, ..Without::default() }, ..Faults::harsh() }
}

#[test]
fn without_deferring_inputs_are_lost() {
    fails(without_in_the_owner(owner::Without { deferring: true, ..owner::Without::default() }), 2_000);
}

#[test]
fn without_holding_the_checkpoint_for_what_is_deferred_it_is_lost_in_a_crash() {
    fails(without_in_the_owner(owner::Without { holding: true, ..owner::Without::default() }), 2_000);
}

/// What is proved of states that rest is worth no more than how often they do.
#[test]
fn states_rest_and_are_woken_a_lot() {
    let mut sum = Tally::default();
    for seed in 0..40 {
        match simulate(&SCENARIO, Faults::harsh(), seed) {
            Ok(Tally { woken, deferred, queued_up, .. }) => {
                sum = Tally {
                    woken: sum.woken + woken,
                    deferred: sum.deferred + deferred,
                    queued_up: sum.queued_up + queued_up,
                    ..sum
                };
            }
            Err(violation) => panic!("SAGALINE_SEED={}: {}", violation.seed, violation.what),
        }
    }
    let Tally { woken, deferred, queued_up, .. } = sum;
    assert!(woken > 250 && deferred > 120 && queued_up > 20, "{sum:?}");
}
