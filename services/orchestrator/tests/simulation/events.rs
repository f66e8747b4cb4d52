//! Waits for events: whoever waits gets its event, whether that came before, afterwards or several times, and whoever dies. Each of
//! the items of a loop gets one of its own.

use sagaline_testkit::sim::Faults;

use crate::{
    all_hold, fails,
    scenario::events::{HEARD, MANY_HEARD, UNHEARD},
};

#[test]
fn whoever_waits_gets_its_event_in_a_calm_world() {
    all_hold(&HEARD, Faults::default(), 30);
    all_hold(&MANY_HEARD, Faults::default(), 20);
}

#[test]
fn events_find_who_waits_while_everybody_crashes() {
    all_hold(&HEARD, Faults::crashes(), 60);
    all_hold(&HEARD, Faults::harsh(), 80);
    all_hold(&HEARD, Faults { hand_over: 60, ..Faults::harsh() }, 40);
}

#[test]
fn events_find_who_waits_in_hostile_worlds() {
    all_hold(&HEARD, Faults::hostile(), 40);
    all_hold(&HEARD, Faults { power_cut: 1, ..Faults::hostile() }, 40);
    all_hold(&MANY_HEARD, Faults::many(), 40);
}

/// That they come to their ends is worth something only because they do not without events.
#[test]
fn without_events_nobody_comes_to_an_end() {
    fails(&UNHEARD, Faults::default(), 1);
}
