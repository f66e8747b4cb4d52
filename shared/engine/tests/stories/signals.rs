//! Waiting for several signals, what they must look like, and steps that are done when none comes.

use sagaline_events::record::{Status, StepStatus};
use serde_json::json;

use crate::{
    inputs::{cancel, failed, returned, signal, start, succeeded},
    story::{story, workflow},
};

const BOTH: &str = "s: { await: { signals: [paid, packed], timeout: 1h } }\nb: { after: s, activity: two, input: '${ steps.s.output }' }";

#[test]
fn all_of_several_signals_are_waited_for_in_any_order() {
    story(BOTH)
        .start()
        .gives(&["workflow.started", "step.waiting s for signals paid and packed until 1h"])
        .at("1s", signal("packed", json!({"boxes": 2})))
        .gives_nothing()
        .is(Status::Waiting)
        .timer_is_due("1h")
        .at("2s", signal("paid", json!(5)))
        .gives(&["step.resumed s", "step.completed s#0 in 2s", "step.started b#1", "task b#1"])
        .gives_task_with("b", json!({"paid": 5, "packed": {"boxes": 2}}))
        .at("3s", returned("b", 1, json!({"b": 1})))
        .ends_with(json!({"paid": 5, "packed": {"boxes": 2}, "b": 1}));
}

#[test]
fn any_of_several_signals_is_enough() {
    story("s: { await: { signals: [yes, no], need: any } }\nb: { after: s, await: no }")
        .start()
        .gives(&["workflow.started", "step.waiting s for signals yes or no"])
        .at("1s", signal("no", json!("late")))
        .gives(&["step.resumed s", "step.completed s#0 in 1s", "step.waiting b for signal no"])
        .at("2s", signal("yes", json!(1)))
        .gives_nothing()
        .at("3s", signal("no", json!({"two": 2})))
        .ends_with(json!({"no": "late", "two": 2}));
}

#[test]
fn signals_that_came_before_count_the_first_one_first() {
    story("a: { activity: one }\ns: { after: a, await: { signals: [paid, packed] } }")
        .start()
        .at("1s", signal("paid", json!(1)))
        .at("2s", signal("paid", json!(2)))
        .at("3s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 3s", "step.waiting s for signal packed"])
        .at("4s", signal("packed", json!(3)))
        .ends_with(json!({"paid": 1, "packed": 3}));
    story("a: { activity: one }\ns: { after: a, await: { signals: [yes, no], need: any } }")
        .start()
        .at("1s", signal("no", json!(1)))
        .at("2s", signal("yes", json!(2)))
        .at("3s", succeeded("a", 1))
        .ends_with(json!({"no": 1}));
}

#[test]
fn a_wait_for_several_takes_one_of_each_and_leaves_the_next_to_others() {
    story("z: { await: go }\na: { await: { signals: [go, stop] } }")
        .start()
        .at("1s", signal("go", json!(1)))
        .gives_nothing()
        .at("2s", signal("go", json!(2)))
        .gives(&["step.resumed z", "step.completed z#0 in 2s"])
        .at("3s", signal("stop", json!(3)))
        .gives_also("workflow.completed in 3s")
        .ends_with(json!({"go": 1, "stop": 3}));
}

#[test]
fn a_wait_for_several_ends_with_its_time() {
    let late = |need: &str, on_timeout: &str| {
        story(&format!(
            "s: {{ await: {{ signals: [paid, packed], need: {need}, timeout: 1h, on_timeout: {on_timeout} }} }}"
        ))
        .start()
    };
    late("all", "skip")
        .at("1s", signal("paid", json!(1)))
        .timer()
        .gives(&["step.skipped s: no signal `packed` came in time", "workflow.completed in 1h"]);
    late("any", "fail")
        .timer()
        .gives(&["step.timed_out s#0", "workflow.failed Timeout by s in 1h"])
        .fails_by("s", "Timeout");
}

#[test]
fn what_else_is_done_takes_the_place_of_what_did_not_come() {
    story("s: { await: { signal: go, timeout: 1h, on_timeout: { steps: { x: { activity: one }, y: { after: x, set: { state: expired } } } } } }\nb: { after: s, activity: two, input: '${ steps.s.output }' }")
        .start()
        .step("s/x", StepStatus::Pending)
        .timer()
        .gives(&["step.resumed s", "step.started s#0", "step.started s/x#1", "task s/x#1"])
        .is(Status::Running)
        // It is not waited for any more, so it is kept.
        .at("2h", signal("go", json!({"late": true})))
        .gives_nothing()
        .at("3h", returned("s/x", 1, json!({"n": 1})))
        .gives_also("step.completed s#0 in 3h")
        .gives_task_with("b", json!({"n": 1, "state": "expired"}))
        .at("4h", succeeded("b", 1))
        .ends_with(json!({"n": 1, "state": "expired"}));
}

#[test]
fn a_signal_in_time_passes_those_steps_by() {
    let steps = "s: { await: { signal: go, timeout: 1h, on_timeout: { steps: { x: { activity: one } } } } }";
    story(steps)
        .start()
        .at("1s", signal("go", json!({"in": "time"})))
        .step("s/x", StepStatus::Skipped)
        .ends_with(json!({"in": "time"}));
    story(steps).start().timer().at("2h", failed("s/x", 1, "Busy")).fails_by("s/x", "Busy");
    story(steps)
        .start()
        .timer()
        .at("2h", cancel("no"))
        .gives_also("revoke s/x#1")
        .gives_also("step.cancelled s#0")
        .is(Status::Cancelled);
}

#[test]
fn a_loop_waits_and_does_something_else_for_each_of_its_items() {
    story("each: { for_each: [1, 2], await: { signal: go, timeout: 1h, on_timeout: { steps: { x: { activity: one, input: '${ item }' } } } } }")
        .start()
        .at("1s", signal("go", json!({"first": 1})))
        .timer()
        .gives_task_with("each/item:2/x", json!(2))
        .at("2h", returned("each/item:2/x", 1, json!({"second": 2})))
        .gives_also("workflow.completed in 2h")
        .step("each", StepStatus::Completed);
}

const SCHEMA: &str = "signals: { go: { schema: { type: object, required: [by] } } }\nsteps: { s: { await: go } }";

#[test]
fn a_signal_that_does_not_fit_is_refused_and_the_wait_goes_on() {
    workflow(SCHEMA)
        .start()
        .at("1s", signal("go", json!({"from": "ada"})))
        .gives(&[
            "reject bad_signal",
            "workflow.signal_refused go: the data of the signal `go` does not fit its schema: the input has no `by`; expected a map with `by`",
        ])
        .is(Status::Waiting)
        .at("2s", signal("go", json!({"by": "ada"})))
        .ends_with(json!({"by": "ada"}));
}

#[test]
fn a_signal_before_the_start_is_looked_at_when_it_starts() {
    workflow(SCHEMA)
        .at("0s", signal("go", json!(1)))
        .at("0s", signal("go", json!({"by": "bob"})))
        .at("1s", start(json!(null)))
        .gives_also("workflow.signal_refused go: the data of the signal `go` does not fit its schema: the input is 1; expected a map")
        .ends_with(json!({"by": "bob"}));
}

#[test]
fn a_signal_in_the_object_store_cannot_be_looked_at() {
    let elsewhere = json!({"$ref": {"bucket": "payloads", "key": "k", "bytes": 1, "sha256": "00"}});
    workflow(SCHEMA).start().at("1s", signal("go", elsewhere)).is(Status::Completed);
}
