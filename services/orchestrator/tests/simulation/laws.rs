//! Each law is switched off in turn: some seed must show it, or the simulation would prove nothing of it.

use sagaline_broker::owner;
use sagaline_testkit::sim::{Faults, faults::Without};

use crate::{
    fails, fails_from,
    scenario::{MANY, SINGLE},
};

#[test]
fn without_asking_finished_steps_run_again() {
    fails(&SINGLE, Faults { without: Without { asking: true, ..Without::default() }, ..Faults::harsh() }, 2_000);
}

#[test]
fn without_marking_repeats_finished_steps_run_again() {
    let without = Without { repeat_marks: true, ..Without::default() };
    fails_from(170, &SINGLE, Faults { without, hand_over: 60, crash: 1, restart: 0, ..Faults::harsh() }, 1_000);
}

#[test]
fn without_telling_again_events_are_lost() {
    fails(&SINGLE, Faults { without: Without { telling_again: true, ..Without::default() }, ..Faults::harsh() }, 2_000);
}

#[test]
fn without_looking_again_a_purged_task_hangs() {
    let without = Without { looking_again: true, ..Without::default() };
    fails(&SINGLE, Faults { without, purge: 4, ..Faults::default() }, 2_000);
}

#[test]
fn without_looking_at_revisions_a_state_goes_back() {
    let without = Without { revisions: true, ..Without::default() };
    fails(&SINGLE, Faults { without, ..Faults::harsh() }, 2_000);
}

fn without_in_the_owner(owner: owner::Without) -> Faults {
    Faults { without: Without { owner, ..Without::default() }, ..Faults::harsh() }
}

#[test]
fn without_deferring_inputs_are_lost() {
    fails(&SINGLE, without_in_the_owner(owner::Without { deferring: true, ..owner::Without::default() }), 2_000);
}

#[test]
fn without_holding_the_checkpoint_for_what_is_deferred_it_is_lost_in_a_crash() {
    fails(&SINGLE, without_in_the_owner(owner::Without { holding: true, ..owner::Without::default() }), 2_000);
}

#[test]
fn without_giving_up_the_partitions_are_not_shared() {
    let without = Without { giving_up: true, ..Without::default() };
    fails(&MANY, Faults { without, join: 1, leave: 2, ..Faults::default() }, 200);
}

#[test]
fn without_proving_its_place_an_owner_swallows_what_follows_a_lost_tail() {
    let owner = owner::Without { place: true, ..owner::Without::default() };
    let without = Without { owner, ..Without::default() };
    fails(&MANY, Faults { without, power_cut: 1, ..Faults::many() }, 500);
    fails(&MANY, Faults { without, log_remade: 1, ..Faults::many() }, 500);
}

#[test]
fn without_proving_the_place_a_purge_takes_what_a_log_made_anew_begins_with() {
    let owner = owner::Without { purge: true, ..owner::Without::default() };
    let without = Without { owner, ..Without::default() };
    fails_from(172, &MANY, Faults { without, log_remade: 5, ..Faults::many() }, 1_000);
}

#[test]
fn without_raising_the_epoch_an_owner_that_slept_moves_the_checkpoint() {
    let owner = owner::Without { epoch: true, ..owner::Without::default() };
    let without = Without { owner, ..Without::default() };
    fails_from(332, &MANY, Faults { without, owner_sleeps: 25, crash: 1, ..Faults::many() }, 1_000);
}

#[test]
fn without_marks_a_replica_that_is_behind_is_believed() {
    let without = Without { marks: true, ..Without::default() };
    fails(&MANY, Faults { without, behind: 300, ..Faults::many() }, 500);
}

#[test]
fn without_looking_at_the_checkpoint_a_purge_takes_what_is_needed() {
    fails(&MANY, Faults { without: Without { purge_bound: true, ..Without::default() }, ..Faults::many() }, 500);
}

#[test]
fn without_waiting_for_its_parts_a_snapshot_names_what_is_not_there() {
    let owner = owner::Without { parts: true, ..owner::Without::default() };
    let without = Without { owner, ..Without::default() };
    fails(&SINGLE, Faults { without, message_room: 300, ..Faults::crashes() }, 100);
}
