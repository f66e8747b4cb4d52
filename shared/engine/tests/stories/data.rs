//! What flows from step to step.

use sagaline_events::{Input, Start, record::Status};
use serde_json::{Value, json};

use crate::{
    inputs::{failed, returned, signal, succeeded, unversioned},
    story::{story, workflow},
};

#[test]
fn a_task_gets_its_input_as_the_definition_maps_it() {
    story("a: { activity: one, input: { id: '${ workflow.input.id }', text: 'order ${ workflow.input.id }', none: '${ workflow.input.x }' } }")
        .start_with(json!({"id": 7}))
        .gives_task_with("a", json!({"id": 7, "text": "order 7", "none": null}));
}

#[test]
fn every_attempt_gets_the_same_input_as_the_first() {
    story("a: { activity: one, input: '${ ctx }', retry: 2 }\nb: { activity: two }")
        .start_with(json!({"x": 1}))
        .gives_task_with("a", json!({"x": 1}))
        .at("1s", failed("a", 1, "Busy"))
        .at("1s", returned("b", 1, json!({"x": 2})))
        .timer()
        .gives_task_with("a", json!({"x": 1}));
}

#[test]
fn the_maps_that_steps_return_are_merged_over_the_input() {
    let story =
        story("a: { activity: one }\nb: { activity: two }\nc: { after: [a, b], activity: three, input: '${ ctx }' }")
            .start_with(json!({"x": 0, "kept": true}))
            .at("1s", returned("b", 1, json!({"x": "b", "b": 1})))
            .at("2s", returned("a", 1, json!({"x": "a"})))
            .gives_task_with("c", json!({"x": "a", "b": 1, "kept": true}));
    // What the execution was started with is no result of it.
    story.at("3s", succeeded("c", 1)).ends_with(json!({"x": "a", "b": 1}));
}

#[test]
fn what_is_no_map_is_an_output_but_joins_no_context() {
    story("a: { activity: one }\nb: { after: a, activity: two, input: ['${ steps.a.output }', '${ ctx }'] }")
        .start()
        .at("1s", returned("a", 1, json!([1, 2])))
        .gives_task_with("b", json!([[1, 2], {}]));
}

#[test]
fn a_signal_that_carries_a_map_joins_the_context() {
    story("a: { await: go }").start().at("1s", signal("go", json!({"by": "ada"}))).ends_with(json!({"by": "ada"}));
}

#[test]
fn the_output_of_the_workflow_is_what_the_definition_says() {
    workflow(
        "steps: { a: { activity: one } }\noutput: { total: '${ steps.a.output.n + 1 }', by: '${ execution.id }' }",
    )
    .start()
    .at("1s", returned("a", 1, json!({"n": 1})))
    .ends_with(json!({"total": 2, "by": "e"}));
}

#[test]
fn expressions_see_the_trigger_and_the_execution() {
    let input = "['${ trigger.data.n }', '${ workflow.name }', '${ workflow.version }', '${ execution.started_at }']";
    let trigger = Some(json!({"id": "event-1", "data": {"n": 5}}));
    story(&format!("a: {{ activity: one, input: {input} }}"))
        .at("1s", Input::Start(Start { version: Some(1), trigger, ..unversioned() }))
        .gives(&["workflow.started event-1", "step.started a#1", "task a#1"])
        .gives_task_with("a", json!([5, "w", 1, "2026-01-01T00:00:01.000000000Z"]));
}

#[test]
fn a_step_sees_the_status_and_the_error_of_another() {
    story("a: { activity: one, on_error: continue }\nb: { after: a, activity: two, input: ['${ steps.a.status }', '${ steps.a.error.type }'] }")
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .gives_task_with("b", json!(["failed", "Busy"]));
}

/// What is stored elsewhere can be handed on but not looked into; nobody can tell what is in it.
fn stored_elsewhere() -> Value {
    json!({"$ref": {"bucket": "payloads", "key": "k", "bytes": 300_000}})
}

#[test]
fn an_output_stored_elsewhere_is_handed_on_whole() {
    story("a: { activity: one }\nb: { after: a, activity: two, input: { all: '${ steps.a.output }' } }")
        .start()
        .at("1s", returned("a", 1, stored_elsewhere()))
        .gives_task_with("b", json!({"all": stored_elsewhere()}))
        .at("2s", succeeded("b", 1))
        .ends_with(stored_elsewhere());
}

#[test]
fn looking_into_what_is_stored_elsewhere_fails_the_step() {
    for expression in ["steps.a.output.n", "ctx.n"] {
        for step in [
            format!("b: {{ after: a, activity: two, input: '${{ {expression} }}', retry: 3 }}"),
            format!("b: {{ after: a, activity: two, when: {expression} > 1 }}"),
            format!("b: {{ after: a, wait: '${{ {expression} }}' }}"),
            format!("b: {{ after: a, activity: two, timeout: '${{ {expression} }}' }}"),
            format!("b: {{ after: a, await: {{ signal: s, timeout: '${{ {expression} }}' }} }}"),
        ] {
            story(&format!("a: {{ activity: one }}\n{step}"))
                .start()
                .at("1s", returned("a", 1, stored_elsewhere()))
                .gives(&[
                    "step.completed a#1 in 1s",
                    "step.failed b#0 ExpressionError",
                    "workflow.failed ExpressionError by b in 1s",
                ])
                .fails_by("b", "ExpressionError");
        }
    }
}

#[test]
fn an_input_that_cannot_be_computed_is_an_error_like_any_other() {
    story("a: { activity: one, input: '${1 / workflow.input.n}', on_error: skip }\nb: { after: a, activity: two }")
        .start_with(json!({"n": 0}))
        .gives(&[
            "workflow.started",
            "step.failed a#0 ExpressionError",
            "step.skipped a: ExpressionError: `1 / workflow.input.n` cannot be evaluated: division by zero",
            "step.started b#1",
            "task b#1",
        ]);
}

#[test]
fn an_output_that_cannot_be_computed_fails_the_execution() {
    let story = workflow("steps: { a: { activity: one } }\noutput: '${ 1 / 0 }'").start().at("1s", succeeded("a", 1));
    let view = story.view();
    assert_eq!((view.failed_step, view.error.map(|error| error.kind)), (None, Some("ExpressionError".to_owned())));
    story.is(Status::Failed);
}

/// Every story compares the copies that were recovered from snapshots; these are the values that a snapshot could change.
#[test]
fn numbers_are_the_same_after_a_snapshot() {
    let numbers =
        json!([0.1, 1e300, 5e-324, 1.797_693_134_862_315_7e308, -0.0, u64::MAX, i64::MIN, 122.416_294_033_786_58]);
    story("a: { activity: one }\nb: { after: a, activity: two, input: '${ steps.a.output }' }")
        .start()
        .at("1s", returned("a", 1, numbers.clone()))
        .at("2s", succeeded("b", 7))
        .gives_nothing()
        .at("2s", succeeded("b", 1))
        .is(Status::Completed);
}

#[test]
fn an_output_as_deep_as_readers_allow_survives_a_snapshot() {
    let text = "[".repeat(120) + &"]".repeat(120);
    let deep: Value = serde_json::from_str(&text).unwrap();
    story("g: { steps: { a: { activity: one }, b: { after: a, activity: two, input: { deeper: '${ steps.a.output }' } } } }")
        .start()
        .at("1s", returned("g/a", 1, deep))
        .at("2s", succeeded("g/b", 1))
        .is(Status::Completed);
}

#[test]
fn an_escaped_expression_is_text_also_where_nothing_else_is_computed() {
    story("a: { activity: one, input: { literal: '$${ x }' } }\nb: { activity: two, input: ['$${ x }', '${ 1 }'] }")
        .start()
        .gives_task_with("a", json!({"literal": "${ x }"}))
        .gives_task_with("b", json!(["${ x }", 1]));
}

/// What was computed to null is null for every attempt, also for one after a recovery.
#[test]
fn an_input_computed_to_null_stays_null() {
    story("a: { activity: one, input: '${ workflow.input.x }', retry: 2 }")
        .start()
        .gives_task_with("a", json!(null))
        .at("1s", failed("a", 1, "Busy"))
        .timer()
        .gives_task_with("a", json!(null));
}
