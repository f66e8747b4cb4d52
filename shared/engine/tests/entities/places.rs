//! Places: who gets one, and that they come back.

use sagaline_model::OnLimit::{CancelOld, Skip};

use crate::tale::{acquire, asks, outcome, places, release};

#[test]
fn who_began_first_is_first() {
    places()
        .at("1s", &acquire("a1", 1))
        .says(&["a1: granted"])
        .at("5s", &acquire("c3", 1))
        .says(&[])
        .at("6s", &acquire("b2", 1))
        .says(&[])
        .at("7s", &release("a1"))
        .says(&["b2: granted"])
        .at("8s", &release("b2"))
        .says(&["c3: granted"])
        .at("9s", &release("c3"))
        .says(&[])
        .blank_after("10m");
}

#[test]
fn what_comes_twice_gives_no_second_place() {
    places()
        .at("1s", &acquire("a1", 2))
        .at("2s", &acquire("a1", 2))
        .says(&["a1: granted"])
        .at("3s", &acquire("b2", 2))
        .says(&["b2: granted"])
        .at("4s", &acquire("c3", 2))
        .says(&[])
        .at("4s", &acquire("c3", 2))
        .says(&[])
        .at("5s", &release("a1"))
        .says(&["c3: granted"])
        .at("6s", &release("a1"))
        .says(&[]);
}

#[test]
fn a_release_that_overtakes_what_it_gives_back_leaves_nothing_behind() {
    places()
        .at("1s", &release("a1"))
        .says(&[])
        .at("2s", &acquire("a1", 1))
        .says(&[])
        .at("3s", &acquire("b2", 1))
        .says(&["b2: granted"])
        // So late, it is not known any more: it gets a place as anybody does, and is asked what it wants with it.
        .at("20m", &release("b2"))
        .at("30m", &acquire("b2", 1))
        .says(&["b2: granted"]);
}

#[test]
fn who_gave_up_waiting_is_passed_over() {
    places()
        .at("1s", &acquire("a1", 1))
        .at("2s", &acquire("b2", 1))
        .at("3s", &acquire("c3", 1))
        .at("4s", &release("b2"))
        .says(&[])
        .at("5s", &release("a1"))
        .says(&["c3: granted"]);
}

#[test]
fn the_limit_is_what_the_newest_says() {
    places()
        .at("1s", &acquire("a1", 1))
        .at("2s", &acquire("b2", 1))
        .at("3s", &acquire("c3", 3))
        .says(&["b2: granted", "c3: granted"])
        // An older one does not know better.
        .at("4s", &acquire("a1", 1))
        .says(&["a1: granted"])
        .at("5s", &acquire("d4", 1))
        .says(&[])
        .at("6s", &release("a1"))
        .says(&[])
        .at("7s", &release("b2"))
        .says(&[])
        .at("8s", &release("c3"))
        .says(&["d4: granted"]);
}

#[test]
fn who_does_not_want_to_wait_is_refused() {
    places()
        .at("1s", &asks("a1", 1, Skip))
        .says(&["a1: granted"])
        .at("2s", &asks("b2", 1, Skip))
        .says(&["b2: refused, limit 1"])
        .at("3s", &release("a1"))
        .says(&[])
        .at("4s", &asks("c3", 1, Skip))
        .says(&["c3: granted"]);
}

#[test]
fn the_newest_takes_the_place_of_the_oldest() {
    places()
        .at("1s", &asks("a1", 2, CancelOld))
        .at("2s", &asks("b2", 2, CancelOld))
        .says(&["b2: granted"])
        .at("3s", &asks("c3", 2, CancelOld))
        .says(&["a1: give up to c3"])
        // Meanwhile another: the one that still has its place goes.
        .at("4s", &asks("d4", 2, CancelOld))
        .says(&["b2: give up to d4"])
        // And another: of those that wait, the oldest.
        .at("5s", &asks("e5", 2, CancelOld))
        .says(&["c3: give up to e5"])
        .at("6s", &release("a1"))
        .says(&["d4: granted"])
        .at("7s", &release("b2"))
        .says(&["e5: granted"])
        .at("7s", &release("c3"))
        .says(&[]);
}

#[test]
fn one_whose_message_took_long_cancels_nobody() {
    places()
        .at("5s", &asks("b5", 1, CancelOld))
        .at("6s", &asks("a1", 1, CancelOld))
        .says(&["a1: give up to a1"])
        .at("7s", &asks("c7", 1, CancelOld))
        .says(&["b5: give up to c7"])
        .at("8s", &asks("c7", 1, CancelOld))
        .says(&[]);
}

#[test]
fn who_has_a_slot_for_long_is_asked_more_and_more_seldom() {
    let asked = places().at("1s", &acquire("a1", 1)).at("30s", &acquire("b2", 1));
    let asked = asked.timer().says(&["a1: still there?"]);
    assert_eq!(asked.entity.next_timer().unwrap().since(crate::tale::BEGIN).to_string(), "3m1s");
    let mut asked = asked;
    let mut last = asked.entity.now;
    let mut pauses = vec![];
    for _ in 0..8 {
        asked = asked.timer();
        pauses.push(asked.entity.now.since(last).to_string());
        last = asked.entity.now;
    }
    assert_eq!(pauses, ["2m", "4m", "8m", "16m", "32m", "1h4m", "1h4m", "1h4m"]);
    asked.at("20h", &release("a1")).says(&["b2: granted"]);
}

#[test]
fn what_is_meant_for_another_kind_is_set_aside() {
    places().at("1s", &outcome("a1", Some(true))).says(&["reject wrong_entity"]).blank_after("1s");
}
