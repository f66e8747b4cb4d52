//! What comes late, twice, or for somebody else.

use sagaline_events::record::Status;
use serde_json::json;

use crate::{
    inputs::{began, discarded, failed, returned, skipped, succeeded},
    story::story,
};

/// The worker answers after its attempt was given up: the answer is of no use to anyone any more.
#[test]
fn an_answer_to_an_old_attempt_changes_nothing() {
    story("charge: { activity: payments.charge, timeout: 5s, retry: { attempts: 2 } }")
        .start()
        .at("0s", began("charge", 1))
        .timer()
        .timer()
        .at("7s", succeeded("charge", 1))
        .gives_nothing()
        .at("7s", failed("charge", 1, "Broken"))
        .gives_nothing()
        .at("7s", skipped("charge", 1))
        .gives_nothing()
        .at("7s", discarded("charge", 1))
        .gives_nothing()
        .waits_for("charge", 2);
}

#[test]
fn an_answer_while_a_step_backs_off_changes_nothing() {
    story("a: { activity: one, retry: { attempts: 2, initial: 5s } }")
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .at("2s", succeeded("a", 1))
        .gives_nothing()
        .at("2s", succeeded("a", 2))
        .gives_nothing()
        .timer_is_due("6s");
}

#[test]
fn the_second_answer_to_an_attempt_changes_nothing() {
    story("a: { activity: one }\nb: { after: a, activity: two }")
        .start()
        .at("1s", returned("a", 1, json!({"n": 1})))
        .at("2s", returned("a", 1, json!({"n": 2})))
        .gives_nothing()
        .at("2s", failed("a", 1, "Broken"))
        .gives_nothing()
        .at("3s", succeeded("b", 1))
        .ends_with(json!({"n": 1}));
}

#[test]
fn an_answer_for_a_step_that_has_not_begun_or_is_none_changes_nothing() {
    story("a: { activity: one }\nb: { after: a, activity: two }\nw: { wait: 1h }\ng: { steps: { c: { activity: three } } }")
        .start()
        .at("1s", succeeded("b", 1))
        .gives_nothing()
        .at("1s", succeeded("nobody", 1))
        .gives_nothing()
        .at("1s", succeeded("w", 0))
        .gives_nothing()
        .at("1s", succeeded("g", 0))
        .gives_nothing()
        .at("1s", succeeded("c", 1))
        .gives_nothing()
        .at("1s", succeeded("g/c:2", 1))
        .gives_nothing();
}

#[test]
fn what_was_stored_earlier_than_the_input_before_it_happens_at_that_ones_time() {
    story("a: { activity: one }\nw: { after: a, wait: 1m }")
        .start()
        .at("10s", began("a", 1))
        .at("5s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 10s", "step.waiting w for time until 1m10s"])
        .timer()
        .is(Status::Completed);
}
