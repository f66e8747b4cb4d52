//! Trying again.

use sagaline_events::record::{Status, StepStatus};
use sagaline_model::{Moment, Span};
use serde_json::json;

use crate::{
    inputs::{discarded, failed, failed_finally, returned, succeeded},
    story::{BEGIN, story},
};

#[test]
fn a_failed_step_is_tried_again_after_a_while() {
    story("a: { activity: one, retry: { attempts: 2, initial: 5s } }")
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .gives(&["step.failed a#1 Busy, again at 6s"])
        .step("a", StepStatus::BackingOff)
        .is(Status::Running)
        .timer_is_due("6s")
        .timer()
        .gives(&["step.started a#2", "task a#2"])
        .waits_for("a", 2)
        .at("7s", succeeded("a", 2))
        .gives(&["step.completed a#2 in 7s", "workflow.completed in 7s"]);
}

#[test]
fn the_last_attempt_that_fails_fails_the_step() {
    story("a: { activity: one, retry: { attempts: 2, initial: 5s } }")
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .timer()
        .at("7s", failed("a", 2, "Broken"))
        .gives(&["step.failed a#2 Broken", "workflow.failed Broken by a attempt 2 in 7s"])
        .fails_by("a", "Broken");
}

/// When the attempts of a step begin that fails at once each time.
fn begins(retry: &str) -> Vec<Span> {
    begins_of(&format!("attempts: 5, initial: 2s, {retry}"))
}

fn begins_of(retry: &str) -> Vec<Span> {
    let mut story =
        story(&format!("a: {{ activity: one, retry: {{ {retry} }} }}")).start_with(json!({ "pause": "3s" }));
    let mut begins = vec![];
    for attempt in 1..5 {
        let before: Moment = story.execution.now;
        story = story.then(failed("a", attempt, "Busy")).timer();
        begins.push(story.execution.now.since(before));
    }
    assert!(story.execution.now > BEGIN);
    begins
}

#[test]
fn the_time_between_attempts_grows_as_the_definition_says() {
    let secs = |secs: [u64; 4]| secs.map(Span::from_secs).to_vec();
    assert_eq!(begins("backoff: fixed"), secs([2, 2, 2, 2]));
    assert_eq!(begins("backoff: linear"), secs([2, 4, 6, 8]));
    assert_eq!(begins("backoff: exponential, multiplier: 3"), secs([2, 6, 18, 54]));
    assert_eq!(begins("backoff: exponential, max: 5s"), secs([2, 4, 5, 5]));
    assert_eq!(begins("backoff: '${ attempt * attempt }'"), secs([1, 4, 9, 16]));
    assert_eq!(begins("backoff: '${ error.type == \"Busy\" ? \"1m\" : \"1s\" }', max: 30s"), secs([30; 4]));
}

#[test]
fn jitter_shortens_by_up_to_half_and_is_no_chance() {
    let delays = begins("backoff: fixed, jitter: true");
    let (shortest, longest) = (Span::from_secs(1), Span::from_secs(2));
    assert!(delays.iter().all(|delay| (shortest..=longest).contains(delay)), "{delays:?}");
    assert!(delays.windows(2).any(|pair| pair[0] != pair[1]), "{delays:?}");
    assert_eq!(delays, begins("backoff: fixed, jitter: true"));
}

#[test]
fn only_errors_of_the_named_types_are_tried_again() {
    let retry_on = |kind| {
        story("a: { activity: one, retry: { attempts: 3, retry_on: [Busy] } }").start().at("1s", failed("a", 1, kind))
    };
    retry_on("Busy").step("a", StepStatus::BackingOff);
    retry_on("Broken").fails_by("a", "Broken");
}

#[test]
fn errors_of_the_excluded_types_are_not_tried_again() {
    let no_retry_on = |kind| {
        story("a: { activity: one, retry: { attempts: 3, no_retry_on: [CardDeclined] } }")
            .start()
            .at("1s", failed("a", 1, kind))
    };
    no_retry_on("Busy").step("a", StepStatus::BackingOff);
    no_retry_on("CardDeclined").fails_by("a", "CardDeclined");
}

#[test]
fn an_activity_may_say_that_trying_again_does_not_help() {
    story("a: { activity: one, retry: 3 }")
        .start()
        .at("1s", failed_finally("a", 1, "Busy"))
        .gives(&["step.failed a#1 Busy", "workflow.failed Busy by a attempt 1 in 1s"]);
}

#[test]
fn a_discarded_task_fails_its_step_for_good() {
    story("a: { activity: one, retry: 3 }").start().at("1s", discarded("a", 1)).fails_by("a", "TaskDiscarded");
    story("a: { activity: one, on_error: skip }\nb: { after: a, activity: two }")
        .start()
        .at("1s", discarded("a", 1))
        .waits_for("b", 1)
        .at("2s", discarded("a", 1))
        .gives_nothing();
}

#[test]
fn a_backoff_that_cannot_be_computed_fails_the_step_and_keeps_the_first_error() {
    for (backoff, why) in [
        ("1 / 0", "`1 / 0` cannot be evaluated: division by zero"),
        ("[attempt]", "the backoff `[attempt]` gave [1], which is no duration"),
        ("0 - attempt", "the backoff `0 - attempt` gave -1, which is no duration"),
    ] {
        let story = story(&format!("a: {{ activity: one, retry: {{ attempts: 3, backoff: '${{ {backoff} }}' }} }}"))
            .start()
            .at("1s", failed("a", 1, "Busy"))
            .fails_by("a", "ExpressionError");
        let message = story.view().error.map(|error| error.message).unwrap_or_default();
        assert_eq!(message, format!("{why}; the attempt before it failed with Busy: no luck"));
    }
}

#[test]
fn a_backoff_may_look_at_the_error_and_at_the_execution() {
    story("a: { activity: one }
b: { after: a, activity: two, retry: { attempts: 2, backoff: '${ error.message == \"no luck\" ? steps.a.output.pause : \"1s\" }' } }")
        .start()
        .at("1s", returned("a", 1, json!({"pause": "1500ms"})))
        .at("2s", failed("b", 1, "Busy"))
        .timer_is_due("3s500ms");
}

#[test]
fn the_first_and_the_longest_delay_may_be_computed() {
    let secs = |secs: [u64; 4]| secs.map(Span::from_secs).to_vec();
    let begins = |retry: &str| begins_of(&format!("attempts: 5, {retry}"));
    // Of the same execution each time, and of the failure that it is about.
    assert_eq!(begins("initial: '${ workflow.input.pause }'"), secs([3, 6, 12, 24]));
    assert_eq!(begins("initial: '${ workflow.input.pause }', backoff: linear, max: '${ 7 }'"), secs([3, 6, 7, 7]));
    assert_eq!(begins("initial: 1m, backoff: fixed, max: '${ attempt * 10 }'"), secs([10, 20, 30, 40]));
    assert_eq!(begins("initial: '${ error.type == \"Busy\" ? \"9s\" : 1 }', backoff: fixed"), secs([9; 4]));
    // Where the backoff is computed, the first delay is of no use to anyone, not even one that cannot be computed.
    assert_eq!(begins("initial: '${ [] }', backoff: '${ 5 }', max: '${ 4 }'"), secs([4; 4]));
}

#[test]
fn a_delay_that_cannot_be_computed_fails_the_step_and_keeps_the_first_error() {
    for (retry, why) in [
        ("initial: '${ 1 / (attempt - 1) }'", "division by zero"),
        ("initial: '${ [attempt] }'", "the initial `[attempt]` gave [1], which is no duration"),
        ("max: '${ 0 - attempt }'", "the max `0 - attempt` gave -1, which is no duration"),
        ("max: '${ ctx.nothing }'", "the max `ctx.nothing` gave null, which is no duration"),
    ] {
        let story = story(&format!("a: {{ activity: one, retry: {{ attempts: 3, {retry} }} }}"))
            .start()
            .at("1s", failed("a", 1, "Busy"))
            .fails_by("a", "ExpressionError");
        let message = story.view().error.map(|error| error.message).unwrap_or_default();
        assert!(message.contains(&format!("{why}; the attempt before it failed with Busy")), "{message}");
    }
}

/// Seconds with any fraction, and more of them than a calendar has: both must come back from a snapshot as they were.
#[test]
fn a_computed_time_is_the_same_after_a_snapshot() {
    for (seconds, due) in [("0.0015", "1.5ms"), ("1.0000001", "1s0.0001ms"), ("1e30", "3812w3d23h56m49s213.693951ms")] {
        story(&format!(
            "a: {{ activity: one, timeout: '${{ {seconds} }}', retry: {{ attempts: 2, backoff: '${{ {seconds} }}' }} }}"
        ))
        .start()
        .at("0s", failed("a", 1, "Busy"))
        .timer_is_due(due)
        .timer()
        .at("0s", succeeded("a", 2))
        .is(Status::Completed);
    }
}
