//! Approvals, signals, updates, pauses, slots, beginning anew, and steps that return such: in every world.

use sagaline_testkit::sim::Faults;

use crate::{
    all_hold,
    scenario::people::{MANY_PEOPLE, PEOPLE, told},
    tally,
};

#[test]
fn what_waits_for_people_goes_on_when_they_do_what_why_says() {
    all_hold(&PEOPLE, Faults::default(), 30);
    all_hold(&MANY_PEOPLE, Faults::default(), 20);
}

#[test]
fn crashes_take_no_answer_from_those_who_wait_for_people() {
    all_hold(&PEOPLE, Faults::crashes(), 60);
    all_hold(&PEOPLE, Faults { hand_over: 60, ..Faults::harsh() }, 100);
}

#[test]
fn hostile_worlds_take_no_answer_from_those_who_wait_for_people() {
    all_hold(&PEOPLE, Faults::hostile(), 100);
    all_hold(&PEOPLE, Faults { power_cut: 1, ..Faults::hostile() }, 40);
}

#[test]
fn many_owners_take_no_answer_from_those_who_wait_for_people() {
    all_hold(&MANY_PEOPLE, Faults::many(), 80);
    all_hold(&MANY_PEOPLE, Faults { power_cut: 1, ..Faults::many() }, 40);
}

/// What is proved of them is worth no more than how often it happens to them.
#[test]
fn people_are_waited_for_a_lot() {
    tally(&PEOPLE, Faults::harsh(), 20);
    let told = told();
    for (what, least) in [
        ("step.waiting", 300),
        ("step.resumed", 100),
        ("step.expanded", 50),
        ("workflow.paused", 30),
        ("workflow.resumed", 30),
        ("workflow.retried", 5),
        ("workflow.updated", 20),
    ] {
        let often = told.get(what).copied().unwrap_or_default();
        assert!(often > least, "{what} was told {often} times: {told:#?}");
    }
}
