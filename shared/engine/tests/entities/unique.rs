//! Unique keys: one has it, the others are told who.

use crate::tale::{claim, claim_after, release, unique};

#[test]
fn who_asks_first_has_it_until_it_gives_it_back() {
    unique()
        .at("2s", &claim("b2"))
        .says(&["b2: has it until 1m2s"])
        .at("3s", &claim("a1"))
        .says(&["a1: b2 has it until 1m2s"])
        // Twice is as once, for both.
        .at("4s", &claim("b2"))
        .says(&["b2: has it until 1m2s"])
        .at("4s", &claim("a1"))
        .says(&["a1: b2 has it until 1m2s"])
        .at("5s", &release("b2"))
        .says(&[])
        // Too late: it was given back already.
        .at("6s", &claim("b2"))
        .says(&[])
        // And who was refused is refused: it may be over for long.
        .at("6s", &claim("a1"))
        .says(&["a1: b2 has it until 1m2s"])
        .at("7s", &claim("c7"))
        .says(&["c7: has it until 1m7s"])
        .blank_after("10m");
}

#[test]
fn it_is_free_when_its_time_is_over_though_the_first_still_runs() {
    unique()
        .at("1s", &claim("a1"))
        .at("1m", &claim("b60"))
        .says(&["b60: a1 has it until 1m1s"])
        .at("1m1s", &claim("c61"))
        .says(&["c61: has it until 2m1s"])
        // What the first gives back is nobody's.
        .at("1m2s", &release("a1"))
        .at("1m3s", &claim("d63"))
        .says(&["d63: c61 has it until 2m1s"]);
}

#[test]
fn a_release_that_overtakes_what_it_gives_back_leaves_nothing_behind() {
    unique()
        .at("1s", &release("a1"))
        .at("2s", &claim("a1"))
        .says(&[])
        .at("3s", &claim("b3"))
        .says(&["b3: has it until 1m3s"]);
}

#[test]
fn another_try_takes_over_what_the_first_kept() {
    unique()
        .at("1s", &claim("a1"))
        .at("5s", &claim_after("b5", "x1"))
        .says(&["b5: a1 has it until 1m1s"])
        .at("6s", &claim_after("c6", "a1"))
        .says(&["c6: has it until 1m6s"])
        .at("7s", &claim("d7"))
        .says(&["d7: c6 has it until 1m6s"]);
}
