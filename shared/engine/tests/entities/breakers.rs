//! Breakers: when they open, and how they close.

use sagaline_model::{BreakerRule, Span};

use crate::tale::{Tale, breaker, outcome, permit, rule};

fn opened() -> Tale {
    let rule = rule(2, 1);
    let tale = breaker().at("1s", &permit("a1", &rule)).says(&["a1: permitted"]).at("2s", &outcome("a1", Some(false)));
    tale.at("3s", &permit("b3", &rule)).says(&["b3: permitted"]).at("4s", &outcome("b3", Some(false)))
}

#[test]
fn it_opens_after_so_many_failures_in_a_row() {
    opened().at("5s", &permit("c5", &rule(2, 1))).says(&["c5: delayed until 34s"]);
}

#[test]
fn a_success_in_between_begins_the_count_anew() {
    let rule = rule(2, 1);
    breaker()
        .at("1s", &permit("a1", &rule))
        .at("2s", &outcome("a1", Some(false)))
        .at("3s", &outcome("b3", Some(true)))
        .at("4s", &outcome("c4", Some(false)))
        .at("5s", &permit("d5", &rule))
        .says(&["d5: permitted"]);
}

#[test]
fn a_failure_that_is_reported_twice_counts_once() {
    let rule = rule(2, 1);
    breaker()
        .at("1s", &permit("a1", &rule))
        .at("2s", &outcome("a1", Some(false)))
        .at("3s", &outcome("a1", Some(false)))
        .at("4s", &permit("a1", &rule))
        .says(&[])
        .at("5s", &permit("b5", &rule))
        .says(&["b5: permitted"]);
}

#[test]
fn within_a_window_successes_do_not_matter_and_old_failures_do_not_either() {
    let rule = BreakerRule { window: Some(Span::from_secs(10)), ..rule(2, 1) };
    breaker()
        .at("1s", &permit("a1", &rule))
        .at("1s", &outcome("a1", Some(false)))
        .at("2s", &outcome("b2", Some(true)))
        .at("12s", &outcome("c12", Some(false)))
        .at("13s", &permit("d13", &rule))
        .says(&["d13: permitted"])
        .at("20s", &outcome("d13", Some(false)))
        .at("21s", &permit("e21", &rule))
        .says(&["e21: delayed until 50s"]);
}

#[test]
fn after_the_reset_one_tries_and_its_success_closes_it() {
    let rule = rule(2, 1);
    opened()
        .at("34s", &permit("c5", &rule))
        .says(&["c5: permitted"])
        // The same one asks twice; others wait for what becomes of it.
        .at("35s", &permit("c5", &rule))
        .says(&["c5: permitted"])
        .at("35s", &permit("d6", &rule))
        .says(&["d6: delayed until 42s500ms"])
        .at("36s", &outcome("c5", Some(true)))
        .at("37s", &permit("d6", &rule))
        .says(&["d6: permitted"])
        .at("38s", &outcome("d6", Some(true)))
        .blank_after("10m");
}

#[test]
fn after_the_reset_one_tries_and_its_failure_opens_it_again() {
    let rule = rule(2, 1);
    opened()
        .at("40s", &permit("c5", &rule))
        .at("50s", &outcome("c5", Some(false)))
        .at("51s", &permit("d6", &rule))
        .says(&["d6: delayed until 1m20s"]);
}

#[test]
fn all_who_try_must_succeed() {
    let rule = rule(2, 2);
    opened()
        .at("40s", &permit("c5", &rule))
        .at("41s", &permit("d6", &rule))
        .says(&["d6: permitted"])
        .at("42s", &outcome("c5", Some(true)))
        .at("43s", &permit("e7", &rule))
        .says(&["e7: delayed until 50s500ms"])
        .at("44s", &outcome("d6", Some(true)))
        .at("45s", &permit("e7", &rule))
        .says(&["e7: permitted"]);
}

#[test]
fn who_tries_and_says_nothing_is_replaced() {
    let rule = rule(2, 1);
    opened()
        .at("40s", &permit("c5", &rule))
        .at("41s", &outcome("c5", None))
        .at("42s", &permit("d6", &rule))
        .says(&["d6: permitted"])
        .at("1m41s", &permit("e7", &rule))
        .says(&["e7: delayed until 1m48s500ms"])
        .at("1m42s", &permit("e7", &rule))
        .says(&["e7: permitted"])
        // Whoever is heard of after that is heard too late.
        .at("1m43s", &outcome("d6", Some(true)))
        .at("1m44s", &permit("f8", &rule))
        .says(&["f8: delayed until 1m51s500ms"]);
}

#[test]
fn what_was_let_through_before_says_nothing_while_it_is_open_or_tried() {
    let rule = rule(2, 1);
    opened()
        .at("10s", &outcome("x2", Some(true)))
        .at("11s", &permit("c5", &rule))
        .says(&["c5: delayed until 34s"])
        .at("40s", &permit("c5", &rule))
        .at("41s", &outcome("y2", Some(false)))
        .at("42s", &outcome("c5", Some(true)))
        .at("43s", &permit("d6", &rule))
        .says(&["d6: permitted"]);
}

#[test]
fn one_that_nobody_asks_for_an_hour_is_as_good_as_new() {
    opened().blank_after("2h").at("2h", &permit("c7200", &rule(2, 1))).says(&["c7200: permitted"]);
}
