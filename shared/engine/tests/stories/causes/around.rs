//! Steps that wait for nothing themselves.

use serde_json::{Value, json};

use super::{HANDED, Row, TASK_ENDS, row};
use crate::{
    inputs::{expanded, failed, skipped, succeeded},
    story::story,
};

fn returned_steps() -> Value {
    json!([{"name": "x", "kind": {"step": {"activity": "two"}}}])
}

/// Steps around steps say nothing: those inside do.
pub(super) fn around() -> Vec<Row> {
    vec![
        row(
            "steps inside are at work",
            story("g: { steps: { a: { activity: one } } }").start(),
            &[["g/a running", HANDED, TASK_ENDS, "sagaline cancel e"]],
        ),
        row(
            "items are at work",
            story("g: { for_each: [1, 2], activity: one }").start().at("1s", succeeded("g/item", 1)),
            &[["g/item:2 running", HANDED, TASK_ENDS, "sagaline cancel e"]],
        ),
        row(
            "steps that it returned are at work",
            story("a: { activity: one, expand: true }").start().at("1s", expanded("a", 1, returned_steps())),
            &[[
                "a/x running",
                "attempt 1 of `two` was handed to the queue `default` and is not answered yet",
                "a worker that serves `two` from the queue `default` answers; if none runs, start an executor",
                "sagaline cancel e",
            ]],
        ),
        row(
            "it is completed",
            story("a: { activity: one }\nb: { activity: one }").start().at("1s", succeeded("b", 1)),
            &[["a running", HANDED, TASK_ENDS, "sagaline cancel e"]],
        ),
        row(
            "it failed, and others go on",
            story("a: { activity: one }\nb: { activity: one, on_error: continue }")
                .start()
                .at("1s", failed("b", 1, "Busy")),
            &[["a running", HANDED, TASK_ENDS, "sagaline cancel e"]],
        ),
        row(
            "it is skipped",
            story("a: { activity: one }\nb: { activity: one }").start().at("1s", skipped("b", 1)),
            &[["a running", HANDED, TASK_ENDS, "sagaline cancel e"]],
        ),
        row(
            "it is cancelled",
            story("r: { race: { b: { activity: one }, c: { activity: one } } }\na: { activity: one }")
                .start()
                .at("1s", succeeded("r/b", 1)),
            &[["a running", HANDED, TASK_ENDS, "sagaline cancel e"]],
        ),
    ]
}
