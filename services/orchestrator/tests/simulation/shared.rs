//! Executions that share: those that compete for a place, and those whose attempts ask one breaker. Each of them must come to its
//! end, which none that waits would do if a place were lost.

use sagaline_testkit::sim::Faults;

use crate::{
    all_hold,
    scenario::{MANY_SHARED, SHARED},
};

#[test]
fn who_shares_comes_to_its_end_in_a_calm_world() {
    all_hold(&SHARED, Faults::default(), 30);
}

#[test]
fn crashes_and_all_at_once_lose_no_place() {
    all_hold(&SHARED, Faults::crashes(), 60);
    all_hold(&SHARED, Faults::harsh(), 120);
    all_hold(&SHARED, Faults { hand_over: 60, ..Faults::harsh() }, 40);
}

#[test]
fn hostile_worlds_and_lost_tails_lose_no_place() {
    all_hold(&SHARED, Faults::hostile(), 100);
    all_hold(&SHARED, Faults { power_cut: 1, ..Faults::hostile() }, 60);
}

#[test]
fn many_owners_lose_no_place_between_them() {
    all_hold(&MANY_SHARED, Faults::many(), 60);
}
