//! What failed is kept, and what was done before is not done again.

use sagaline_engine::Effect;
use sagaline_events::{
    DeadLetter, Input, Start,
    input::{DoneStep, Resumption},
    record::{Status, StepStatus},
};
use sagaline_model::{ExecutionId, Name};
use serde_json::{Value, json};

use crate::{
    inputs::{cancel, failed_finally, returned, succeeded, unversioned, workflow_timeout},
    story::{Story, workflow},
};

const KEPT: &str = "
timeout: 1h
dead_letter: { ttl: 7d }
steps:
  a: { activity: one }
  idle: { activity: never, when: false }
  b: { after: a, activity: two, input: '${ ctx.n }', on_error: fail }
  c: { after: [b, idle], activity: three, input: '${ steps.a.output.n + ctx.n }' }
";

fn letter(story: &Story) -> DeadLetter {
    let mut letters = story.effects().iter().filter_map(|effect| match effect {
        Effect::Bury { letter, .. } => Some((**letter).clone()),
        _ => None,
    });
    letters.next_back().expect("it is buried")
}

fn failed_in_b() -> Story {
    workflow(KEPT)
        .start_with(json!({"n": 1}))
        .at("1s", returned("a", 1, json!({"n": 5})))
        .at("2s", failed_finally("b", 1, "Broken"))
}

fn goes_on_with(resume: Resumption) -> Input {
    Input::Start(Start { version: Some(1), input: json!({"n": 1}), resume: Some(Box::new(resume)), ..unversioned() })
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[test]
fn what_failed_is_kept_with_what_was_done() {
    let story = failed_in_b().gives_also("bury failed with [a, idle] done for 1w");
    let letter = letter(&story);
    assert_eq!((letter.failed_step.as_deref(), letter.attempts), (Some("b"), Some(1)));
    assert_eq!(letter.error.expect("why").kind, "Broken");
    assert_eq!(letter.resume.done[&name("a")].output, json!({"n": 5}));
    assert!(letter.resume.done[&name("idle")].skipped);
    assert_eq!((letter.input, Value::Object(letter.resume.ctx)), (json!({"n": 1}), json!({"n": 5})));
    assert_eq!(letter.resume.of, Some(ExecutionId::new("e").unwrap()));
    workflow(KEPT).start().at("1h", workflow_timeout()).gives_also("bury timed_out with [idle] done for 1w");
}

#[test]
fn only_what_failed_is_kept_and_only_if_the_definition_says_so() {
    let effects = workflow(KEPT).start().at("1s", cancel("enough"));
    assert!(!effects.effects().iter().any(|effect| matches!(effect, Effect::Bury { .. })));
    let plain = KEPT.replace("dead_letter: { ttl: 7d }\n", "");
    let effects = workflow(&plain).start().at("1s", failed_finally("a", 1, "Broken"));
    assert!(!effects.effects().iter().any(|effect| matches!(effect, Effect::Bury { .. })));
}

#[test]
fn another_try_goes_on_where_the_first_one_failed() {
    let resume = letter(&failed_in_b()).resume;
    let again =
        workflow(KEPT).at("0s", goes_on_with(resume)).gives(&["workflow.started", "step.started b#1", "task b#1"]);
    assert_eq!(again.task("b").input, json!(5));
    assert_eq!(again.task("b").origin, Some(ExecutionId::new("e").unwrap()), "it has the keys of the first one");
    again
        .step("a", StepStatus::Completed)
        .step("idle", StepStatus::Skipped)
        .at("1s", succeeded("b", 1))
        .gives_task_with("c", json!(10))
        .at("2s", failed_finally("c", 1, "Broken"))
        .gives_also("bury failed with [a, b, idle] done for 1w");
}

#[test]
fn an_execution_may_begin_at_a_later_step() {
    let skipped = || DoneStep { skipped: true, ..DoneStep::default() };
    let done = [(name("a"), skipped())].into();
    workflow(KEPT)
        .at("0s", goes_on_with(Resumption { done, ..Resumption::default() }))
        .gives(&["workflow.started", "step.skipped idle: its condition does not hold", "step.started b#1", "task b#1"])
        .step("a", StepStatus::Skipped);
}

#[test]
fn what_is_done_to_the_end_is_over_at_once() {
    let done = |name_of: &str| (name(name_of), DoneStep { output: json!({"n": 1}), skipped: false });
    let done = [done("a"), done("b"), done("c"), done("idle")].into();
    workflow(KEPT).at("0s", goes_on_with(Resumption { done, ..Resumption::default() })).is(Status::Completed);
}

#[test]
fn what_is_no_step_cannot_be_done() {
    let done = [(name("nobody"), DoneStep::default())].into();
    let refused =
        workflow(KEPT).at("0s", goes_on_with(Resumption { done, ..Resumption::default() })).is(Status::Failed);
    assert_eq!(refused.view().error.expect("why").message, "`nobody` is no step of `w` version 1 itself");
}

#[test]
fn what_goes_on_is_not_begun_anew_as_a_whole() {
    let retried = KEPT.replace("dead_letter", "retry_workflow: 3\ndead_letter");
    let done = [(name("a"), DoneStep::default())].into();
    workflow(&retried)
        .at("0s", goes_on_with(Resumption { done, ..Resumption::default() }))
        .at("1s", failed_finally("b", 1, "Broken"))
        .is(Status::Failed);
}
