//! Schedules that fire while people change them, and the executions they start: the real scheduler and the real orchestrator over one
//! modelled broker, in worlds that break. Every tick starts one execution or is recorded as skipped.
//!
//! `SAGALINE_SEEDS=N` runs N seeds of each world, `SAGALINE_SEED=S` only that one; a failure prints its seed.

mod cases;
mod clients;
mod oracle;

use sagaline_broker::{
    names::{LogKind, Names},
    owner,
    ports::{Bucket, Message},
};
use sagaline_events::record::{Definition, Latest};
use sagaline_orchestrator::machine::Executions;
use sagaline_scheduler::machine::Schedules;
use sagaline_testkit::sim::{Faults, Scenario, Shape, World, both, faults::Without, limits::unlimited, simulate};

use crate::cases::{WORKFLOWS, activity};

/// Executions on the logs of runs, and schedules on those of schedules.
pub(crate) type Both = both::Both<Executions, Schedules>;

fn machine(names: Names, place: u32, each: u32) -> Both {
    Both::at(names, place, each, (Executions::new, Schedules::new))
}

/// One log of each kind, shared by members that come back when they die.
const SINGLE: Scenario<Both> = Scenario {
    shape: Shape::single,
    machine,
    kinds: &[LogKind::Runs, LogKind::Schedules],
    prepare,
    clients: clients::all,
    activity,
    // What began must end; whether all began that had to is the verdict's.
    must_end: Vec::new,
    limited: unlimited,
    verdict: oracle::verdict,
};

/// Several partitions and members, one node or three.
const MANY: Scenario<Both> = Scenario { shape: Shape::many, ..SINGLE };

/// Starts are never sent.
const WITHOUT_STARTS: Scenario<Both> = Scenario {
    machine: |names, place, each| {
        machine(names, place, each).that_loses(|message| is(message, "sagaline.input.start.v1"))
    },
    ..SINGLE
};

fn is(message: &Message, kind: &str) -> bool {
    message.headers.iter().any(|(name, value)| *name == "ce-type" && value == kind)
}

fn prepare(world: &World<Both>) {
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

fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SAGALINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SAGALINE_SEEDS").unwrap_or(default),
    }
}

fn all_hold(scenario: &Scenario<Both>, faults: Faults, count: u64) {
    for seed in seeds(count) {
        if let Err(violation) = simulate(scenario, faults, seed) {
            panic!("SAGALINE_SEED={}: {}", violation.seed, violation.what);
        }
    }
}

/// Something is switched off or lost: some seed must show it in these words, or the simulation would not notice.
fn fails(scenario: &Scenario<Both>, faults: Faults, count: u64, words: &str) {
    let shows = |seed| simulate(scenario, faults, seed).err().is_some_and(|violation| violation.what.contains(words));
    assert!((0..count).any(shows), "{count} seeds did not show that {words}");
}

#[test]
fn in_a_calm_world_each_tick_starts_once_or_is_told_as_skipped() {
    all_hold(&SINGLE, Faults::default(), 32);
}

#[test]
fn crashes_between_any_two_awaits_miss_and_double_no_tick() {
    all_hold(&SINGLE, Faults::crashes(), 32);
}

#[test]
fn everything_at_once_misses_and_doubles_no_tick() {
    all_hold(&SINGLE, Faults::harsh(), 40);
}

#[test]
fn owners_that_hand_over_in_the_midst_of_it_miss_and_double_no_tick() {
    all_hold(&SINGLE, Faults { hand_over: 60, ..Faults::harsh() }, 24);
}

#[test]
fn clocks_disks_servers_and_operators_miss_and_double_no_tick() {
    all_hold(&SINGLE, Faults::hostile(), 32);
}

#[test]
fn many_members_and_nodes_miss_and_double_no_tick() {
    all_hold(&MANY, Faults::many(), 32);
}

/// Nothing is promised of what a log lost with its tail. What begins ends all the same, and of schedules of other logs every tick
/// becomes what it must.
#[test]
fn a_lost_tail_concerns_no_schedule_of_another_log() {
    let lost_tails = |scenario: &Scenario<Both>, faults: Faults| -> u64 {
        let of_seed = |seed| match simulate(scenario, Faults { power_cut: 1, ..faults }, seed) {
            Ok(tally) => tally.lost_tails,
            Err(violation) => panic!("SAGALINE_SEED={}: {}", violation.seed, violation.what),
        };
        seeds(24).map(of_seed).sum()
    };
    let (single, many) = (lost_tails(&SINGLE, Faults::hostile()), lost_tails(&MANY, Faults::many()));
    assert!(single > 4 && many > 4, "owners noticed {single} and {many} lost tails");
}

#[test]
fn without_starts_it_is_noticed_that_nothing_begins() {
    fails(&WITHOUT_STARTS, Faults::default(), 3, "neither started nor");
}

/// What is proved is worth no more than what happens.
#[test]
fn all_that_may_become_of_a_tick_does() {
    all_hold(&SINGLE, Faults::harsh(), 8);
    for what in ["began", "asked", "filled", "missed", "paused", "overlap", "replaced", "deleted"] {
        assert!(oracle::seen(what) > 4, "{what}: {}", oracle::seen(what));
    }
}

#[test]
fn without_deferring_what_people_asked_is_lost() {
    let owner = owner::Without { deferring: true, ..owner::Without::default() };
    let without = Without { owner, ..Without::default() };
    fails(&SINGLE, Faults { without, ..Faults::harsh() }, 60, "");
}

#[test]
fn without_telling_again_nobody_hears_of_a_tick() {
    let without = Without { telling_again: true, ..Without::default() };
    fails(&SINGLE, Faults { without, ..Faults::harsh() }, 60, "nobody was told");
}
