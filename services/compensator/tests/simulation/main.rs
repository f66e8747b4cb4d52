//! The real owner and the real machine of sagas in a world that breaks: thousands of seeds, and the proof that laws are needed.
//!
//! `SAGALINE_SEEDS=N` runs N seeds of each world, `SAGALINE_SEED=S` only that one; a failure prints its seed.

mod scenario;

use sagaline_broker::owner;
use sagaline_testkit::sim::{Faults, faults::Without, run::simulate};

use crate::scenario::{MANY, SINGLE, Scene};

fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SAGALINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SAGALINE_SEEDS").unwrap_or(default),
    }
}

fn first_failure(scene: &Scene, faults: Faults, seeds: std::ops::Range<u64>) -> Option<String> {
    seeds.into_iter().find_map(|seed| {
        let violation = simulate(scene, faults, seed).err()?;
        Some(format!("SAGALINE_SEED={}: {}", violation.seed, violation.what))
    })
}

fn all_hold(scene: &Scene, faults: Faults, count: u64) {
    if let Some(failure) = first_failure(scene, faults, seeds(count)) {
        panic!("{failure}");
    }
}

/// A law is switched off: some seed must show it, or the simulation would not notice.
fn fails(scene: &Scene, faults: Faults, count: u64) {
    assert!(first_failure(scene, faults, 0..count).is_some(), "{count} seeds held though a law was switched off");
}

#[test]
fn in_a_calm_world_everything_is_undone_in_its_order() {
    all_hold(&SINGLE, Faults::default(), 40);
}

#[test]
fn crashes_between_any_two_awaits_break_nothing() {
    all_hold(&SINGLE, Faults::crashes(), 150);
}

#[test]
fn everything_at_once_breaks_nothing() {
    all_hold(&SINGLE, Faults::harsh(), 200);
}

#[test]
fn clocks_disks_servers_and_operators_break_nothing() {
    all_hold(&SINGLE, Faults::hostile(), 150);
}

#[test]
fn owners_that_hand_over_in_the_midst_of_it_lose_nothing() {
    all_hold(&SINGLE, Faults { hand_over: 60, ..Faults::harsh() }, 60);
}

#[test]
fn several_compensators_and_nodes_break_nothing() {
    all_hold(&MANY, Faults::many(), 80);
}

#[test]
fn a_lost_tail_of_the_log_is_noticed_and_the_rest_goes_on() {
    all_hold(&SINGLE, Faults { power_cut: 1, ..Faults::harsh() }, 80);
}

#[test]
fn without_asking_what_is_undone_is_undone_again() {
    fails(&SINGLE, Faults { without: Without { asking: true, ..Without::default() }, ..Faults::harsh() }, 500);
}

#[test]
fn without_telling_again_events_are_lost() {
    fails(&SINGLE, Faults { without: Without { telling_again: true, ..Without::default() }, ..Faults::harsh() }, 500);
}

#[test]
fn without_looking_again_a_purged_task_hangs() {
    let without = Without { looking_again: true, ..Without::default() };
    fails(&SINGLE, Faults { without, purge: 4, ..Faults::default() }, 500);
}

#[test]
fn without_deferring_what_comes_for_a_saga_that_rests_is_lost() {
    let owner = owner::Without { deferring: true, ..owner::Without::default() };
    fails(&SINGLE, Faults { without: Without { owner, ..Without::default() }, ..Faults::harsh() }, 500);
}

/// The laws of sagas: what would be seen if the machine did not keep them.
#[test]
fn a_saga_that_does_not_keep_its_order_is_seen() {
    fails(&scenario::WITHOUT_ORDER, Faults::default(), 20);
}

#[test]
fn a_saga_that_forgets_a_step_is_seen() {
    fails(&scenario::WITHOUT_A_STEP, Faults::default(), 20);
}
