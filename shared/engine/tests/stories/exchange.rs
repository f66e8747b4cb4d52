//! Queries and updates.

use sagaline_events::{ask::Reply, record::Status};
use sagaline_model::{Name, StepError};
use serde_json::{Value, json};

use crate::{
    inputs::{cancel, returned, start, succeeded, update},
    story::{Story, workflow},
};

fn query(story: &Story, name: &str) -> Option<Result<Value, StepError>> {
    story.execution.query(story.definitions.get(&1), &Name::new(name).unwrap())
}

const QUERIES: &str = "
queries:
  progress: { done: '${ steps.a.status }', n: '${ ctx.n }' }
  broken: '${ 1 / ctx.zero }'
steps: { a: { activity: one } }
";

#[test]
fn a_query_sees_what_expressions_see_while_it_runs_and_as_it_was_in_the_end() {
    let story = workflow(QUERIES);
    assert_eq!(query(&story, "progress"), None);
    let story = story.start_with(json!({"n": 1, "zero": 0}));
    assert_eq!(query(&story, "progress"), Some(Ok(json!({"done": "running", "n": 1}))));
    assert_eq!(query(&story, "broken").unwrap().unwrap_err().kind, "ExpressionError");
    let unknown = query(&story, "progres").unwrap().unwrap_err();
    assert_eq!(unknown.message, "`w` has no query `progres`; it has `broken`, `progress`");
    let story = story.at("1s", returned("a", 1, json!({"n": 2})));
    assert_eq!(query(&story, "progress"), Some(Ok(json!({"done": "completed", "n": 2}))));
    let gone = query(&story, "broken").unwrap().unwrap_err();
    assert_eq!(gone.message, "`w (which has ended)` has no query `broken`; it has `progress`");
    assert_eq!(story.view().queries.len(), 1);
}

const UPDATES: &str = "
updates:
  raise_limit:
    schema: { type: object, required: [by], properties: { by: { type: integer } } }
    when: '${ update.by < 100 && ctx.open != false }'
    set: { limit: '${ ctx.limit + update.by }' }
    result: { limit: '${ ctx.limit }', was_by: '${ update.by }' }
  broken: { set: { limit: 0 }, result: '${ 1 / ctx.zero }' }
  note: { set: { noted: '${ update }' } }
steps: { a: { activity: one }, b: { after: a, activity: two, input: '${ ctx.limit }' } }
output: '${ ctx.limit }'
";

fn refusal(story: &Story, id: &str) -> StepError {
    match story.execution.reply(id) {
        Reply::Refused(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_update_changes_the_context_and_gives_a_value() {
    let story = workflow(UPDATES)
        .start_with(json!({"limit": 10, "zero": 0}))
        .at("1s", update("raise_limit", "u1", json!({"by": 5})))
        .gives(&["workflow.updated raise_limit u1"])
        // Once, however often it comes.
        .at("2s", update("raise_limit", "u1", json!({"by": 5})))
        .gives_nothing();
    assert_eq!(story.execution.reply("u1"), Reply::Taken(json!({"limit": 15, "was_by": 5})));
    story.at("3s", succeeded("a", 1)).gives_task_with("b", json!(15)).at("4s", succeeded("b", 1)).ends_with(json!(15));
}

#[test]
fn what_is_refused_changes_nothing() {
    let story = workflow(UPDATES)
        .start_with(json!({"limit": 10, "zero": 0}))
        .at("1s", update("raise_limit", "shape", json!({"by": "much"})))
        .gives_nothing()
        .at("2s", update("raise_limit", "rule", json!({"by": 100})))
        .gives_nothing()
        .at("3s", update("broken", "broken", json!(null)))
        .gives_nothing()
        .at("4s", update("lower", "name", json!(null)))
        .gives_nothing();
    assert_eq!(refusal(&story, "shape").kind, "Refused");
    assert_eq!(
        refusal(&story, "rule").message,
        "the update `raise_limit` is refused now: `update.by < 100 && ctx.open != false` does not hold"
    );
    assert_eq!(refusal(&story, "broken").kind, "ExpressionError");
    assert_eq!(refusal(&story, "name").message, "`w` has no update `lower`; it has `broken`, `note`, `raise_limit`");
    story.at("5s", succeeded("a", 1)).gives_task_with("b", json!(10));
}

#[test]
fn an_update_before_the_start_is_made_when_it_starts() {
    let story = workflow(UPDATES)
        .at("0s", update("raise_limit", "u1", json!({"by": 1})))
        .at("1s", update("raise_limit", "u1", json!({"by": 1})));
    assert_eq!(story.execution.reply("u1"), Reply::Kept);
    let story = story.at("2s", start(json!({"limit": 1}))).gives(&[
        "workflow.started",
        "workflow.updated raise_limit u1",
        "step.started a#1",
        "task a#1",
    ]);
    assert_eq!(story.execution.reply("u1"), Reply::Taken(json!({"limit": 2, "was_by": 1})));
    let late =
        workflow(UPDATES).at("0s", update("raise_limit", "u1", json!({"by": 1}))).at("11m", start(json!({"limit": 1})));
    assert_eq!(late.execution.reply("u1"), Reply::Unknown);
}

#[test]
fn nothing_is_updated_while_it_ends_or_when_it_has_ended() {
    let keys = "on_cancel: { activity: tidy }\nupdates: { note: { set: { n: 1 } } }\nsteps: { a: { activity: one } }";
    let story = workflow(keys).start().at("1s", cancel("no")).at("2s", update("note", "u1", json!(null)));
    assert_eq!(refusal(&story, "u1").message, "the execution is ending: nothing changes it any more");
    let story =
        story.at("3s", succeeded("on_cancel", 1)).is(Status::Cancelled).at("4s", update("note", "u2", json!(1)));
    assert_eq!(story.execution.reply("u2"), Reply::Unknown);
    assert_eq!(refusal(&story, "u1").kind, "Refused");
}

#[test]
fn data_that_would_outgrow_the_execution_is_refused() {
    let much = "x".repeat(800 * 1024);
    let story = workflow(UPDATES)
        .start_with(json!({"limit": 1, "zero": 0}))
        .at("1s", update("note", "u1", json!(much)))
        .at("2s", update("note", "u2", json!("x".repeat(200 * 1024))));
    assert!(matches!(story.execution.reply("u1"), Reply::Taken(Value::Null)));
    assert_eq!(refusal(&story, "u2").kind, "TooLarge");
}
