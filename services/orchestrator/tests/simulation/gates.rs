//! Gates: places and rates of attempts, and keys that one execution has at a time. All come to their ends, which none that waits would
//! do if a place were lost. Never are more at work than there are places, as the workers see it; turns come no faster than the rule says,
//! and each is for one begin, in its time.

use sagaline_testkit::sim::Faults;

use crate::{
    all_hold, fails,
    scenario::gates::{GATED, JUDGED_TOO_HARD, MANY_GATED},
    tally,
};

#[test]
fn who_passes_gates_comes_to_its_end_in_a_calm_world() {
    all_hold(&GATED, Faults::default(), 30);
    all_hold(&MANY_GATED, Faults::default(), 20);
}

#[test]
fn gates_hold_while_everybody_crashes() {
    all_hold(&GATED, Faults::crashes(), 60);
    all_hold(&GATED, Faults::harsh(), 80);
    all_hold(&GATED, Faults { hand_over: 60, ..Faults::harsh() }, 40);
}

#[test]
fn gates_hold_in_hostile_worlds() {
    all_hold(&GATED, Faults::hostile(), 60);
    all_hold(&GATED, Faults { power_cut: 1, ..Faults::hostile() }, 60);
    all_hold(&MANY_GATED, Faults::many(), 60);
}

#[test]
fn one_place_less_than_there_are_is_noticed() {
    fails(&JUDGED_TOO_HARD, Faults::harsh(), 100);
}

/// That gates hold is worth no more than how often they hold something back.
#[test]
fn gates_have_something_to_do() {
    let tally = tally(&GATED, Faults::harsh(), 20);
    assert!(tally.limited > 100 && tally.together > 20 && tally.in_turn > 100 && tally.turns > 150, "{tally:?}");
}
