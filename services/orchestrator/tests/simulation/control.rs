//! Loops, races, cases, what is caught, any of several, and what handles an end: in every world that the plainer kinds are in.

use sagaline_testkit::sim::Faults;

use crate::{
    all_hold,
    scenario::{CONTROL, MANY_CONTROL},
};

#[test]
fn what_decides_what_is_done_comes_to_its_end_in_a_calm_world() {
    all_hold(&CONTROL, Faults::default(), 30);
}

#[test]
fn crashes_and_all_at_once_change_nothing_of_what_is_decided() {
    all_hold(&CONTROL, Faults::crashes(), 100);
    all_hold(&CONTROL, Faults::harsh(), 200);
    all_hold(&CONTROL, Faults { hand_over: 60, ..Faults::harsh() }, 50);
}

#[test]
fn hostile_worlds_change_nothing_of_what_is_decided() {
    all_hold(&CONTROL, Faults::hostile(), 150);
    all_hold(&CONTROL, Faults { power_cut: 1, ..Faults::hostile() }, 60);
}

#[test]
fn many_owners_change_nothing_of_what_is_decided() {
    all_hold(&MANY_CONTROL, Faults::many(), 60);
}
