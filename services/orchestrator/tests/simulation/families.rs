//! Parents and children, on the same partition and on others: each child is started once, and what it says arrives.

use sagaline_testkit::sim::Faults;

use crate::{
    all_hold,
    scenario::{FAMILY, MANY_FAMILIES},
};

#[test]
fn children_are_born_and_heard_in_a_calm_world() {
    all_hold(&FAMILY, Faults::default(), 20);
    all_hold(&MANY_FAMILIES, Faults::default(), 20);
}

#[test]
fn no_crash_parts_a_child_from_its_parent() {
    all_hold(&FAMILY, Faults::crashes(), 40);
    all_hold(&FAMILY, Faults { hand_over: 60, ..Faults::harsh() }, 60);
    all_hold(&MANY_FAMILIES, Faults::many(), 80);
}

#[test]
fn hostile_worlds_part_no_child_from_its_parent() {
    all_hold(&FAMILY, Faults::hostile(), 60);
    // Parents ask for children of which nobody knows any more, though their starts are still there.
    all_hold(&FAMILY, Faults { snapshot_removed: 20, standstill: 2, ..Faults::hostile() }, 40);
}

#[test]
fn a_lost_tail_parts_no_child_from_its_parent() {
    all_hold(&MANY_FAMILIES, Faults { power_cut: 1, ..Faults::many() }, 60);
}
