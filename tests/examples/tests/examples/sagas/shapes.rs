//! Whatever the steps stand in: side by side, in loops, in children, in what a step returned.

use std::collections::BTreeSet;

use sagaline_events::record::Status;
use sagaline_sdk::worker::{ActivityContext, NewStep, Outcome};
use serde_json::{Value, json};

use super::witness::{the_undo, undone, with};

const SIDE_BY_SIDE: &str = "
workflow: saga_side_by_side
steps:
  first: { activity: act.do, compensate: act.undo }
  left: { after: first, activity: act.do, compensate: { activity: act.undo, input: { ms: 400 } } }
  right: { after: first, activity: act.do, compensate: { activity: act.undo, input: { ms: 400 } } }
  fail: { after: [left, right], activity: act.do, input: { fail: Broken } }
";

#[tokio::test]
async fn what_was_independent_is_undone_side_by_side() {
    let site = with(SIDE_BY_SIDE).await;
    let execution = site.start("saga_side_by_side", Value::Null).await;
    assert_eq!(site.end(&execution).await.status, Status::RolledBack);
    let [first, left, right] = ["first", "left", "right"].map(|step| the_undo(&execution, step));
    assert!(left.overlaps(&right), "{left:#?} {right:#?}");
    assert!(left.is_before(&first) && right.is_before(&first));
    assert_eq!(undone(&execution).len(), 3);
}

const NESTED_LOOPS: &str = "
workflow: saga_nested_loops
steps:
  before: { activity: act.do, compensate: act.undo }
  rows:
    after: before
    for_each: { items: [1, 2, 3], as: row, concurrency: 3 }
    steps:
      cells:
        for_each: { items: ['a', 'b'], as: cell, concurrency: 1 }
        activity: act.do
        input: { give: { at: '${ cell }${ row }' } }
        compensate: { activity: act.undo, input: { was: '${ output.at }', again: '${ cell }${ row }' } }
  fail: { after: rows, activity: act.do, input: { fail: Broken } }
";

#[tokio::test]
async fn items_of_loops_in_loops_are_undone() {
    let site = with(NESTED_LOOPS).await;
    let execution = site.start("saga_nested_loops", Value::Null).await;
    assert_eq!(site.end(&execution).await.status, Status::RolledBack);
    let undone = undone(&execution);
    assert_eq!((undone.len(), undone.last().map(String::as_str)), (7, Some("before")), "{undone:?}");
    let runs: Vec<_> = undone[..6].iter().map(|step| the_undo(&execution, step)).collect();
    let were: BTreeSet<&str> = runs.iter().map(|run| run.input["was"].as_str().expect("a text")).collect();
    assert_eq!(were, BTreeSet::from(["a1", "a2", "a3", "b1", "b2", "b3"]), "each item once, with what was its own");
    // One after the other forwards, so one after the other backwards.
    let of = |was: &str| runs.iter().find(|run| run.input["was"] == was).expect("it is undone");
    for row in 1..=3 {
        assert!(of(&format!("b{row}")).is_before(of(&format!("a{row}"))), "row {row}");
        assert_eq!(of(&format!("a{row}")).input["again"], format!("a{row}"));
    }
    assert!(runs.iter().all(|run| run.is_before(&the_undo(&execution, "before"))));
}

const CHILDREN: &str = "
workflow: saga_child
steps:
  a: { activity: act.do, compensate: act.undo }
  b: { after: a, activity: act.do, input: { ms: '${ workflow.input.ms }', fail: '${ workflow.input.fail }' }, compensate: act.undo }
---
workflow: saga_parent
steps:
  before: { activity: act.do, compensate: act.undo }
  part: { after: before, child: { workflow: saga_child, input: { ms: 0, fail: '${ workflow.input.child_fails }' } } }
  after: { after: part, activity: act.do, input: { fail: '${ workflow.input.fails }' } }
---
workflow: saga_parent_of_one_at_work
steps:
  part: { child: { workflow: saga_child, input: { ms: 20000 } } }
  beside: { activity: act.do, compensate: act.undo }
";

#[tokio::test]
async fn a_child_that_completed_is_undone_with_its_parent() {
    let site = with(CHILDREN).await;
    let execution = site.start("saga_parent", json!({ "fails": "Broken" })).await;
    assert_eq!(site.end(&execution).await.status, Status::RolledBack);
    let child = execution.of_child("part");
    assert_eq!(site.end(&child).await.status, Status::Completed);
    // Its tasks are those of the saga of its parent.
    assert_eq!(undone(&execution), ["part/b", "part/a", "before"]);
    assert_eq!(the_undo(&execution, "part/b").key, format!("{child}/part/b/~undo"));
    assert_eq!(undone(&child), [] as [&str; 0]);
}

#[tokio::test]
async fn a_child_that_failed_takes_its_own_back_before_its_parent_does() {
    let site = with(CHILDREN).await;
    let execution = site.start("saga_parent", json!({ "child_fails": "Broken" })).await;
    let view = site.end(&execution).await;
    assert_eq!((view.status, view.failed_step.as_deref()), (Status::RolledBack, Some("part")));
    let child = execution.of_child("part");
    assert_eq!(site.end(&child).await.status, Status::RolledBack);
    assert_eq!((undone(&child), undone(&execution)), (vec!["a".to_owned()], vec!["before".to_owned()]));
    assert!(the_undo(&child, "a").is_before(&the_undo(&execution, "before")));
}

#[tokio::test]
async fn a_child_at_work_takes_back_what_it_did_when_its_parent_is_cancelled_with_rollback() {
    let site = with(CHILDREN).await;
    let execution = site.start("saga_parent_of_one_at_work", Value::Null).await;
    let child = execution.of_child("part");
    super::witness::began(&child, "b").await;
    super::witness::began(&execution, "beside").await;
    site.client.cancel_with_rollback(&execution, Some("not today".to_owned())).await.expect("cancelled");
    let view = site.end(&execution).await;
    assert_eq!((view.status, view.reason.as_deref()), (Status::RolledBack, Some("not today")));
    assert_eq!(site.end(&child).await.status, Status::RolledBack);
    // `b` stopped when it was told to, and said that it failed. It had begun, so nobody knows.
    assert_eq!(undone(&child).last().map(String::as_str), Some("a"));
    assert_eq!(undone(&execution), ["beside"]);
}

const EXPANDED: &str = "
workflow: saga_expanded
steps:
  before: { activity: act.do, compensate: act.undo }
  plan: { after: before, activity: saga.plan, queue: saga-plans, expand: true, compensate: { activity: act.undo, queue: default } }
  fail: { after_graft: plan, activity: act.do, input: { fail: Broken } }
";

#[tokio::test]
async fn what_a_step_returned_is_undone_before_the_step_that_returned_it() {
    let site = with(EXPANDED).await;
    let _worker = site.worker("saga-plans", |worker| {
        worker.queue("saga-plans").activity("saga.plan", async |_: ActivityContext, _: Value| {
            let step = |name: &str| NewStep::new(name, "act.do").compensate("act.undo");
            Ok(Outcome::<()>::expand([step("one"), step("two").after(["one"])]))
        })
    });
    let execution = site.start("saga_expanded", Value::Null).await;
    assert_eq!(site.end(&execution).await.status, Status::RolledBack);
    let undone = undone(&execution);
    assert_eq!(undone[0..2], ["plan/two", "plan/one"], "{undone:?}");
    assert_eq!(undone.last().map(String::as_str), Some("before"), "{undone:?}");
}
