//! Messages so small that no snapshot fits in one.

use sagaline_testkit::sim::{Faults, Tally};

use crate::{
    all_hold,
    scenario::{MANY, SINGLE, shared::SHARED},
    tally,
};

/// Enough for what names the parts.
const ROOM: usize = 300;

fn small(faults: Faults) -> Faults {
    Faults { message_room: ROOM, ..faults }
}

#[test]
fn crashes_between_any_two_parts_break_nothing() {
    all_hold(&SINGLE, small(Faults::default()), 20);
    all_hold(&SINGLE, small(Faults::crashes()), 150);
    all_hold(&SINGLE, small(Faults::harsh()), 250);
}

#[test]
fn parts_that_find_no_room_or_are_refused_or_removed_break_nothing() {
    all_hold(&SINGLE, small(Faults::hostile()), 150);
    all_hold(&SINGLE, small(Faults { power_cut: 1, hand_over: 60, ..Faults::hostile() }), 100);
}

#[test]
fn many_owners_write_parts_and_none_takes_those_of_another() {
    all_hold(&MANY, small(Faults::many()), 100);
    all_hold(&MANY, small(Faults { power_cut: 1, log_remade: 1, ..Faults::many() }), 60);
}

#[test]
fn who_waits_for_a_place_is_kept_in_parts() {
    all_hold(&SHARED, small(Faults::harsh()), 60);
}

/// What is proved of parts is worth no more than how often there are some; and an owner that lives leaves none behind.
#[test]
fn parts_are_written_a_lot_and_removed() {
    let calm = tally(&SINGLE, small(Faults::default()), 20);
    let Tally { parts, orphans, .. } = calm;
    assert!(parts > 400 && orphans == 0, "{calm:?}");
    let harsh = tally(&SINGLE, small(Faults::harsh()), 30);
    let Tally { parts, orphans, .. } = harsh;
    assert!(parts > 2_000 && orphans * 10 < parts, "{harsh:?}");
}
