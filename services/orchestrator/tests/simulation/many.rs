//! Several partitions and members, on one node or three.

use sagaline_testkit::sim::{Faults, Tally};

use crate::{all_hold, scenario::MANY, tally};

#[test]
fn members_that_come_and_go_share_everything_evenly() {
    all_hold(&MANY, Faults { join: 1, leave: 3, ..Faults::default() }, 50);
}

#[test]
fn many_owners_in_a_world_that_breaks_lose_nothing() {
    all_hold(&MANY, Faults::many(), 250);
}

#[test]
fn a_lost_tail_of_any_log_is_noticed() {
    all_hold(&MANY, Faults { power_cut: 1, ..Faults::many() }, 150);
}

#[test]
fn a_log_that_is_deleted_and_made_anew_is_noticed() {
    all_hold(&MANY, Faults { log_remade: 1, ..Faults::many() }, 150);
}

#[test]
fn a_hostile_world_is_borne_by_many() {
    let hostile =
        Faults { full: 40, queue_room: 6, refused: 10, standstill: 1, released: 10, skew: 5_000, ..Faults::many() };
    all_hold(&MANY, hostile, 150);
    all_hold(&MANY, Faults { power_cut: 1, log_remade: 1, snapshot_removed: 2, ..hostile }, 100);
}

/// What is proved of many is worth no more than how often it happens to them.
#[test]
fn what_befalls_many_befalls_them_a_lot() {
    let sum = tally(&MANY, Faults { power_cut: 1, log_remade: 1, ..Faults::many() }, 30);
    let Tally { taken, handed_over, fenced, lost_tails, remade, purged, shortened, leaders, contended, .. } = sum;
    assert!(taken > 500 && handed_over > 80 && fenced > 3 && leaders > 300 && contended > 8, "{sum:?}");
    assert!(lost_tails > 80 && remade > 80 && purged > 40 && shortened > 100, "{sum:?}");
}
