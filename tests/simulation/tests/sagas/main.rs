//! Executions that fail, and the sagas that undo what they did: the real orchestrator, the real compensator and the real worker protocol,
//! with its claims, over one modelled broker, in worlds that break.
//!
//! `SAGALINE_SEEDS=N` runs N seeds of each world, `SAGALINE_SEED=S` only that one; a failure prints its seed.

mod cases;
mod clients;
mod ledger;

use sagaline_broker::{
    names::{LogKind, Names},
    ports::{Bucket, Message},
};
use sagaline_compensator::machine::Sagas;
use sagaline_events::record::{Definition, Latest};
use sagaline_orchestrator::machine::Executions;
use sagaline_testkit::sim::{Faults, Scenario, Shape, World, both, faults::Without, limits::unlimited, simulate};

use crate::cases::{EXECUTIONS, KID, WORKFLOWS, activity, name_of};

/// Executions on the logs of runs, and sagas on those of sagas.
pub(crate) type Both = both::Both<Executions, Sagas>;

fn machine(names: Names, place: u32, each: u32) -> Both {
    Both::at(names, place, each, (Executions::new, Sagas::new))
}

/// One log of each kind, shared by members that come back when they die.
const SINGLE: Scenario<Both> = Scenario {
    shape: Shape::single,
    machine,
    kinds: &[LogKind::Runs, LogKind::Sagas],
    prepare,
    clients: clients::all,
    activity,
    must_end: || (0..EXECUTIONS).map(name_of).collect(),
    limited: unlimited,
    verdict: ledger::verdict,
};

/// Several partitions and members, one node or three.
const MANY: Scenario<Both> = Scenario { shape: Shape::many, ..SINGLE };

/// Its server refuses tasks for good at times.
const HOSTILE: Scenario<Both> = Scenario { verdict: ledger::verdict_where_tasks_are_refused, ..SINGLE };

/// The first request is never sent, or none is.
const WITHOUT_FIRST_REQUESTS: Scenario<Both> = Scenario {
    machine: |names, place, each| {
        machine(names, place, each).that_loses(|message| is_request(message) && message.msg_id.is_some())
    },
    ..SINGLE
};
const WITHOUT_REQUESTS: Scenario<Both> =
    Scenario { machine: |names, place, each| machine(names, place, each).that_loses(is_request), ..SINGLE };

fn is_request(message: &Message) -> bool {
    let is_a_request = |value: &str| value == "sagaline.input.saga_request.v1";
    message.headers.iter().any(|(name, value)| *name == "ce-type" && is_a_request(value))
}

fn prepare(world: &World<Both>) {
    for source in WORKFLOWS.iter().chain([&KID]) {
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

fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SAGALINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SAGALINE_SEEDS").unwrap_or(default),
    }
}

fn first_failure(scenario: &Scenario<Both>, faults: Faults, seeds: std::ops::Range<u64>) -> Option<String> {
    seeds.into_iter().find_map(|seed| {
        let violation = simulate(scenario, faults, seed).err()?;
        Some(format!("SAGALINE_SEED={}: {}", violation.seed, violation.what))
    })
}

fn all_hold(scenario: &Scenario<Both>, faults: Faults, count: u64) {
    if let Some(failure) = first_failure(scenario, faults, seeds(count)) {
        panic!("{failure}");
    }
}

/// Something is switched off or lost: some seed must show it in these words, or the simulation would not notice.
fn fails(scenario: &Scenario<Both>, faults: Faults, count: u64, words: &str) {
    let shows = |seed| simulate(scenario, faults, seed).err().is_some_and(|violation| violation.what.contains(words));
    assert!((0..count).any(shows), "{count} seeds did not show that {words}");
}

#[test]
fn in_a_calm_world_what_failed_is_undone_backwards() {
    all_hold(&SINGLE, Faults::default(), 32);
}

#[test]
fn crashes_between_any_two_awaits_leave_no_effect_behind() {
    all_hold(&SINGLE, Faults::crashes(), 48);
}

#[test]
fn everything_at_once_leaves_no_effect_behind() {
    all_hold(&SINGLE, Faults::harsh(), 64);
}

#[test]
fn owners_that_hand_over_in_the_midst_of_it_forget_nothing() {
    all_hold(&SINGLE, Faults { hand_over: 60, ..Faults::harsh() }, 24);
}

#[test]
fn clocks_disks_servers_and_operators_leave_no_effect_behind() {
    all_hold(&HOSTILE, Faults::hostile(), 32);
}

#[test]
fn many_members_and_nodes_leave_no_effect_behind() {
    all_hold(&MANY, Faults::many(), 32);
}

/// A request that is lost for good is noticed by whoever asked for it.
#[test]
fn a_first_request_that_is_lost_is_sent_again() {
    all_hold(&WITHOUT_FIRST_REQUESTS, Faults::harsh(), 16);
}

#[test]
fn without_asking_again_an_execution_waits_for_ever() {
    fails(&WITHOUT_REQUESTS, Faults::default(), 3, "not everything came to its end");
}

#[test]
fn without_claims_what_is_done_late_is_left() {
    let without = Without { asking: true, ..Without::default() };
    fails(&SINGLE, Faults { without, ..Faults::harsh() }, 300, "the effect of");
}

/// Much is in flight when everything goes on: answers come later than they are waited for at first.
#[test]
fn after_long_silence_everything_goes_on() {
    all_hold(&SINGLE, Faults { standstill: 8, ..Faults::harsh() }, 100);
}
