//! What a definition asks of a start: an input that fits its schema; and what it gives: its tags.

use std::collections::BTreeMap;

use sagaline_engine::{CompileError, Compiled, Execution, apply};
use sagaline_events::{Input, Start, record::Status};
use sagaline_model::{ExecutionId, Plan};
use serde_json::{Value, json};

use crate::{
    inputs::{bound, cancel, signal, start, succeeded, unversioned},
    story::{BEGIN, Story, plan, workflow},
};

const KEYS: &str = "\
input_schema: { type: object, required: [id, total], properties: { total: { type: number, minimum: 0 } } }
tags: [orders, team=blue]
steps:
  a: { activity: noop }
";

fn contract() -> Story {
    workflow(KEYS)
}

#[test]
fn an_input_that_fits_begins() {
    contract().start_with(json!({ "id": "A", "total": 1 })).gives(&[
        "workflow.started",
        "step.started a#1",
        "task a#1",
    ]);
}

#[test]
fn an_input_that_does_not_fit_ends_the_execution_before_it_begins_and_says_all_that_is_wrong() {
    let story = contract()
        .start_with(json!({ "total": -1 }))
        .gives(&["workflow.start_refused InvalidInput"])
        .is(Status::Failed);
    let view = story.view();
    let error = view.error.expect("an error");
    assert_eq!(
        error.message,
        "the input does not fit the schema of `w` version 1: the input has no `id`; expected a map with `id`; \
         /total is -1; expected 0 or more"
    );
    assert!(!error.retryable);
    let violations = json!([
        { "at": "", "problem": "has no `id`", "expected": "a map with `id`" },
        { "at": "/total", "problem": "is -1", "expected": "0 or more" }
    ]);
    assert_eq!(error.details, Some(json!({ "violations": violations, "more": false })));
    assert_eq!((view.version, view.steps.len(), view.tags["team"].as_str()), (1, 0, "blue"));
    // Nothing that comes later brings it back.
    story.then(succeeded("a", 1)).gives_nothing().then(cancel("late")).gives_nothing().is(Status::Failed);
}

#[test]
fn a_start_without_a_version_is_checked_when_it_is_bound() {
    contract()
        .at("0s", Input::Start(unversioned()))
        .gives(&["bind w"])
        .at("1s", bound(1))
        .gives(&["workflow.start_refused InvalidInput"])
        .is(Status::Failed);
}

#[test]
fn what_came_early_does_not_save_a_bad_input() {
    contract().at("0s", cancel("not today")).at("1s", start(json!(1))).gives(&["workflow.start_refused InvalidInput"]);
    contract()
        .at("0s", signal("go", json!(1)))
        .at("1s", start(json!(1)))
        .gives(&["workflow.start_refused InvalidInput"]);
}

/// Whoever put it into the object store has seen it; here it cannot be.
#[test]
fn an_input_that_lies_elsewhere_is_not_checked() {
    let target = json!({ "bucket": "payloads", "key": "k", "bytes": 300_000, "sha256": "k" });
    contract().start_with(json!({ "$ref": target })).is(Status::Running);
    contract().start_with(json!({ "$ref": target, "more": 1 })).is(Status::Failed);
    contract().start_with(json!({ "$ref": "#/$defs/id" })).is(Status::Failed);
}

#[test]
fn an_execution_has_the_tags_of_its_workflow_beneath_its_own() {
    let own = BTreeMap::from([("team".to_owned(), "red".to_owned()), ("customer".to_owned(), "7".to_owned())]);
    let Input::Start(given) = start(json!({ "id": "A", "total": 1 })) else { unreachable!("it is a start") };
    let view = contract().at("0s", Input::Start(Start { tags: own, ..given })).view();
    let tags: Vec<_> = view.tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(tags, [("customer", "7"), ("orders", ""), ("team", "red")]);
}

/// A version that was applied before inputs were checked promised not to: an old log folds as it did.
#[test]
fn a_plan_of_before_neither_checks_nor_tags() {
    let recorded = |plan: &Plan| {
        let mut json = serde_json::to_value(plan).unwrap();
        assert_eq!(json.as_object_mut().unwrap().remove("rules"), Some(json!(2)));
        serde_json::from_value::<Plan>(json).unwrap()
    };
    let old = Compiled::new(recorded(&plan(KEYS)), 1).unwrap();
    let mut execution = Execution::unborn(ExecutionId::new("e").unwrap());
    apply(&mut execution, Some(&old), &start(Value::Null), BEGIN);
    let view = execution.view(Some(&old)).unwrap();
    assert_eq!((view.status, view.tags.len()), (Status::Running, 0));
    // What asks for nothing of this is written as it always was.
    assert_eq!(plan("steps: { a: { activity: noop } }").rules, Plan::FIRST_RULES);
}

#[test]
fn a_plan_that_cannot_be_checked_against_or_asks_for_later_rules_is_not_run() {
    let broken = Plan { input_schema: Some(json!({ "$ref": "https://example.com/a" })), ..plan(KEYS) };
    let fault = Compiled::new(broken, 1).unwrap_err();
    assert!(matches!(&fault, CompileError::Schema(why) if why.contains("nothing is fetched")), "{fault}");
    let later = Compiled::new(Plan { rules: sagaline_engine::RULES + 1, ..plan(KEYS) }, 1).unwrap_err();
    let (known, asked) = (sagaline_engine::RULES, sagaline_engine::RULES + 1);
    assert_eq!(
        later.to_string(),
        format!("it asks for rules {asked}, and this version knows {known} at most; a newer orchestrator runs it")
    );
}
