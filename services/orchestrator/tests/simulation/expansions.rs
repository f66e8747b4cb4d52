//! Steps that return others: in every world, at every depth.

use sagaline_testkit::sim::Faults;

use crate::{
    all_hold,
    scenario::expansions::{EXPANSIONS, MANY_EXPANSIONS},
};

#[test]
fn what_is_returned_comes_to_its_end_in_a_calm_world() {
    all_hold(&EXPANSIONS, Faults::default(), 30);
    all_hold(&MANY_EXPANSIONS, Faults::default(), 10);
}

#[test]
fn crashes_and_all_at_once_lose_no_step_that_was_returned() {
    all_hold(&EXPANSIONS, Faults::crashes(), 40);
    all_hold(&EXPANSIONS, Faults { hand_over: 60, ..Faults::harsh() }, 80);
}

#[test]
fn hostile_worlds_lose_no_step_that_was_returned() {
    all_hold(&EXPANSIONS, Faults::hostile(), 60);
    all_hold(&EXPANSIONS, Faults { power_cut: 1, ..Faults::hostile() }, 30);
}

#[test]
fn many_owners_lose_no_step_that_was_returned() {
    all_hold(&MANY_EXPANSIONS, Faults::many(), 50);
}
