//! Executions that share: those that compete for a place, and those whose attempts ask one breaker. Each of them must come to its
//! end, which none that waits would do if a place were lost. Never are more at work than there are places, as the workers see it;
//! and who comes when all have ended has a place at once.

use sagaline_testkit::sim::Faults;

use crate::{
    all_hold, fails,
    scenario::shared::{COMPANY, JUDGED_TOO_HARD, MANY_COMPANY, MANY_SHARED, SHARED},
    tally,
};

#[test]
fn who_shares_comes_to_its_end_in_a_calm_world() {
    all_hold(&SHARED, Faults::default(), 30);
    all_hold(&COMPANY, Faults::default(), 20);
}

#[test]
fn crashes_and_all_at_once_lose_no_place() {
    all_hold(&SHARED, Faults::crashes(), 60);
    all_hold(&SHARED, Faults::harsh(), 100);
    all_hold(&SHARED, Faults { hand_over: 60, ..Faults::harsh() }, 40);
}

#[test]
fn hostile_worlds_and_lost_tails_lose_no_place() {
    all_hold(&SHARED, Faults::hostile(), 80);
    all_hold(&SHARED, Faults { snapshot_removed: 0, ..Faults::hostile() }, 60);
    all_hold(&SHARED, Faults { power_cut: 1, ..Faults::hostile() }, 60);
}

#[test]
fn many_owners_lose_no_place_between_them() {
    all_hold(&MANY_SHARED, Faults::many(), 60);
}

#[test]
fn who_waits_for_people_keeps_its_place_and_gives_it_back() {
    all_hold(&COMPANY, Faults::crashes(), 40);
    all_hold(&COMPANY, Faults { hand_over: 60, ..Faults::harsh() }, 60);
    // Nobody helps those whose snapshot an operator removed, and who may keep a place for as long as nobody does.
    all_hold(&COMPANY, Faults { snapshot_removed: 0, ..Faults::hostile() }, 40);
    all_hold(&MANY_COMPANY, Faults::many(), 40);
}

#[test]
fn one_place_less_than_there_are_is_noticed() {
    fails(&JUDGED_TOO_HARD, Faults::harsh(), 100);
}

/// That never too many are at work is worth no more than how often several want to be.
#[test]
fn those_who_share_are_at_work_together_as_far_as_they_may() {
    let tally = tally(&SHARED, Faults::harsh(), 20);
    assert!(tally.limited > 300 && tally.together > 40, "{tally:?}");
}
