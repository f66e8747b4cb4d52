//! One partition.

use sagaline_testkit::sim::{Faults, Tally};

use crate::{all_hold, scenario::SINGLE, tally};

#[test]
fn a_calm_world_ends_everything() {
    all_hold(&SINGLE, Faults::default(), 50);
}

#[test]
fn crashes_between_any_two_awaits_break_nothing() {
    all_hold(&SINGLE, Faults::crashes(), 400);
}

#[test]
fn everything_at_once_breaks_nothing() {
    all_hold(&SINGLE, Faults::harsh(), 600);
}

#[test]
fn a_lost_tail_of_the_log_is_noticed_and_the_rest_goes_on() {
    all_hold(&SINGLE, Faults { power_cut: 1, ..Faults::harsh() }, 250);
}

#[test]
fn clocks_disks_servers_and_operators_break_nothing() {
    all_hold(&SINGLE, Faults::hostile(), 400);
}

#[test]
fn several_power_cuts_in_a_hostile_world_are_borne() {
    all_hold(&SINGLE, Faults { power_cut: 1, ..Faults::hostile() }, 250);
}

#[test]
fn an_owner_that_hands_over_in_the_midst_of_it_loses_nothing() {
    all_hold(&SINGLE, Faults { hand_over: 60, ..Faults::harsh() }, 150);
    all_hold(&SINGLE, Faults { hand_over: 60, ..Faults::hostile() }, 100);
    let count = tally(&SINGLE, Faults { hand_over: 60, ..Faults::harsh() }, 10).handed_over;
    assert!(count > 20, "{count} owners came to handing over");
}

/// What is proved of states that rest is worth no more than how often they do.
#[test]
fn states_rest_and_are_woken_a_lot() {
    let sum = tally(&SINGLE, Faults::harsh(), 40);
    let Tally { woken, deferred, queued_up, .. } = sum;
    assert!(woken > 250 && deferred > 120 && queued_up > 20, "{sum:?}");
}

#[test]
fn workers_leave_to_each_other_what_they_have_in_hand() {
    let count = tally(&SINGLE, Faults::harsh(), 100).left_to_others;
    assert!(count > 10, "{count} tasks were left to others");
}
