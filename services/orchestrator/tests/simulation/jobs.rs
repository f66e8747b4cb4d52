//! Jobs, whose plans stand in no bucket: whoever takes over has them from the log or from a snapshot.

use sagaline_testkit::sim::Faults;

use crate::{
    all_hold,
    scenario::jobs::{JOBS, MANY_JOBS},
};

#[test]
fn a_calm_world_ends_every_job() {
    all_hold(&JOBS, Faults::default(), 30);
    all_hold(&MANY_JOBS, Faults::default(), 20);
}

#[test]
fn crashes_lose_no_job_and_do_none_twice() {
    all_hold(&JOBS, Faults::crashes(), 100);
    all_hold(&JOBS, Faults { hand_over: 60, ..Faults::harsh() }, 100);
}

#[test]
fn hostile_worlds_lose_no_job_and_do_none_twice() {
    all_hold(&JOBS, Faults { power_cut: 1, ..Faults::hostile() }, 100);
    all_hold(&MANY_JOBS, Faults::many(), 80);
}
