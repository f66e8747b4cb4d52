//! Nobody knows whether it had its effect; and cancels with rollback.

use sagaline_events::record::Status;
use serde_json::{Value, json};

use super::witness::{began, runs, the_undo, undone, with};
use crate::site::{calls, step_of};

const TIMED_OUT: &str = "
workflow: saga_timed_out
steps:
  a: { activity: act.do, compensate: act.undo }
  b: { after: a, activity: act.do, input: { ms: 60000 }, timeout: 300ms, compensate: act.undo }
";

#[tokio::test]
async fn a_step_that_ran_out_of_its_time_is_undone_for_nobody_knows() {
    let site = with(TIMED_OUT).await;
    let execution = site.start("saga_timed_out", Value::Null).await;
    let view = site.end(&execution).await;
    assert_eq!((view.status, view.failed_step.as_deref()), (Status::RolledBack, Some("b")));
    assert_eq!(undone(&execution), ["b", "a"]);
    // Without an input of its own it gets all that is known.
    let input = the_undo(&execution, "b").input;
    assert_eq!((&input["outcome"], &input["output"]), (&json!("unknown"), &Value::Null));
    assert_eq!((&input["error"]["type"], &input["input"]), (&json!("Timeout"), &json!({ "ms": 60000 })));
    assert_eq!(input["idempotency_key"], format!("{execution}/b"));
}

const SAID: &str = "
workflow: saga_said
steps:
  a: { activity: act.do, input: { give: { n: 1 } }, compensate: act.undo }
  never: { after: a, activity: act.do, input: { fail: Refused }, compensate: '${ NOTE }' }
";

#[tokio::test]
async fn a_step_that_said_that_it_failed_is_undone_only_if_its_definition_asks_for_it() {
    for (note, wanted) in [("act.undo", &["a"][..]), ("{ actions: act.undo, on: attempted }", &["never", "a"])] {
        let site = with(&SAID.replace("'${ NOTE }'", note)).await;
        let execution = site.start("saga_said", Value::Null).await;
        assert_eq!(site.end(&execution).await.status, Status::RolledBack);
        assert_eq!(undone(&execution), wanted);
        assert_eq!(the_undo(&execution, "a").input["output"], json!({ "n": 1 }));
    }
}

const CANCELLED: &str = "
workflow: saga_cancelled
steps:
  a: { activity: act.do, compensate: act.undo }
  b: { after: a, activity: act.do, compensate: act.undo }
  go: { after: b, await: go }
  c: { after: go, activity: act.do, compensate: act.undo }
on_cancel: { activity: stub.give, input: { why: '${ outcome.reason }', undone: '${ outcome.saga.compensated }' } }
on_failure: { activity: stub.give, input: wrong }
";

#[tokio::test]
async fn a_cancel_with_rollback_takes_back_what_was_done_and_then_tells_who_hears_of_cancels() {
    let site = with(CANCELLED).await;
    let execution = site.start("saga_cancelled", Value::Null).await;
    site.step_is(&execution, "go", sagaline_events::record::StepStatus::Waiting).await;
    site.client.cancel_with_rollback(&execution, Some("ordered twice".to_owned())).await.expect("cancelled");
    let view = site.end(&execution).await;
    assert_eq!((view.status, view.reason.as_deref()), (Status::RolledBack, Some("ordered twice")));
    assert_eq!(undone(&execution), ["b", "a"]);
    assert_eq!(calls(&execution, "stub.give"), [json!({ "why": "ordered twice", "undone": ["b", "a"] })]);
    assert_eq!(step_of(&view, "c").attempt, 0);
}

#[tokio::test]
async fn a_cancel_without_rollback_leaves_what_was_done() {
    let site = with(CANCELLED).await;
    let execution = site.start("saga_cancelled", Value::Null).await;
    site.step_is(&execution, "go", sagaline_events::record::StepStatus::Waiting).await;
    site.client.cancel(&execution, None).await.expect("cancelled");
    assert_eq!(site.end(&execution).await.status, Status::Cancelled);
    assert_eq!(undone(&execution), [] as [&str; 0]);
}

const AT_WORK: &str = "
workflow: saga_at_work
steps:
  a: { activity: act.do, input: { ms: 1500, deaf: true, give: { late: true } }, timeout: 30s, compensate: act.undo }
";

/// It is told to stop, and does not hear it.
#[tokio::test]
async fn what_is_at_work_is_waited_for_before_it_is_undone() {
    let site = with(AT_WORK).await;
    let execution = site.start("saga_at_work", Value::Null).await;
    began(&execution, "a").await;
    site.client.cancel_with_rollback(&execution, None).await.expect("cancelled");
    assert_eq!(site.end(&execution).await.status, Status::RolledBack);
    let undo = the_undo(&execution, "a");
    assert_eq!((&undo.input["outcome"], &undo.input["output"]), (&json!("completed"), &json!({ "late": true })));
    assert!(runs(&execution)[0].is_before(&undo), "nothing is undone while it may still be done");
}
