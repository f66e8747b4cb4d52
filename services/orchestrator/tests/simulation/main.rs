//! The real owner and engine in a world that breaks: thousands of seeds, and the proof that each law is needed.
//!
//! `SAGALINE_SEEDS=N` runs N seeds of each world, `SAGALINE_SEED=S` only that one; a failure prints its seed.

mod control;
mod events;
mod expansions;
mod families;
mod gates;
mod jobs;
mod laws;
mod many;
mod parts;
mod people;
mod scenario;
mod shared;
mod single;

use std::sync::atomic::{AtomicU64, Ordering};

use sagaline_orchestrator::machine::Executions;
use sagaline_testkit::sim::{Faults, Scenario, Tally, simulate};

fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SAGALINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SAGALINE_SEEDS").unwrap_or(default),
    }
}

/// Runs the seeds, on as many threads as there are, until one fails.
fn first_failure(scenario: &Scenario<Executions>, faults: Faults, seeds: std::ops::Range<u64>) -> Option<String> {
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
                    if let Err(violation) = simulate(scenario, faults, seed) {
                        let told = format!("SAGALINE_SEED={}: {}", violation.seed, violation.what);
                        failure.lock().expect("no panic").get_or_insert(told);
                    }
                }
            });
        }
    });
    failure.into_inner().expect("no panic")
}

pub(crate) fn all_hold(scenario: &Scenario<Executions>, faults: Faults, count: u64) {
    if let Some(failure) = first_failure(scenario, faults, seeds(count)) {
        panic!("{failure}");
    }
}

/// A law is switched off: some seed must show it, or the simulation would not notice. It is looked for from `known` on, which did
/// when this was written: what few show is found at once while the worlds stay what they are.
pub(crate) fn fails_from(known: u64, scenario: &Scenario<Executions>, faults: Faults, count: u64) {
    let failure = first_failure(scenario, faults, known..known + count);
    assert!(failure.is_some(), "{count} seeds held though a law was switched off");
}

pub(crate) fn fails(scenario: &Scenario<Executions>, faults: Faults, count: u64) {
    fails_from(0, scenario, faults, count);
}

/// How often what is rare happened in so many seeds, which must all hold.
pub(crate) fn tally(scenario: &Scenario<Executions>, faults: Faults, count: u64) -> Tally {
    let mut sum = Tally::default();
    for seed in seeds(count) {
        match simulate(scenario, faults, seed) {
            Ok(tally) => sum += tally,
            Err(violation) => panic!("SAGALINE_SEED={}: {}", violation.seed, violation.what),
        }
    }
    sum
}
