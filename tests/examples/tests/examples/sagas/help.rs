//! What cannot be undone is stuck until somebody helps: they try it again, pass it by, or say that they did it by hand.

use sagaline_events::{
    FramePath,
    record::{Status, StepStatus},
    saga::{InterventionKind, SagaResolve, SagaRetry, SagaSkip, SagaStatus, UndoneStatus},
};
use sagaline_model::ExecutionId;
use sagaline_sdk::client::{Explanation, SagaFilter};
use serde_json::{Value, json};

use super::witness::{breaks, is, mend, runs, saga, undone, with};
use crate::site::{Site, step_of};

const STUCK: &str = "
workflow: saga_stuck
steps:
  a: { activity: act.do, compensate: act.undo }
  b:
    after: a
    activity: act.do
    compensate: { activity: act.undo, input: { broken: '${ execution.id }' }, retry: { attempts: 2, initial: 100ms } }
  beside: { activity: act.do, compensate: act.undo }
  fail: { after: [b, beside], activity: act.do, input: { fail: Broken } }
";

/// An execution whose `b` cannot be undone as long as something is broken.
async fn stuck() -> (Site, ExecutionId) {
    let site = with(STUCK).await;
    let execution = sagaline_sdk::client::fresh_id();
    breaks(execution.as_str());
    site.start_as(&execution, "saga_stuck", Value::Null).await;
    is(&site, &execution, Status::Stuck).await;
    (site, execution)
}

fn path(text: &str) -> FramePath {
    text.to_owned().try_into().expect("a path")
}

fn ann() -> Option<String> {
    Some("ann".to_owned())
}

#[tokio::test]
async fn what_is_stuck_is_seen_and_goes_on_when_somebody_has_mended_it() {
    let (site, execution) = stuck().await;
    // What does not depend on it is undone all the same; what does waits.
    assert_eq!(undone(&execution), ["beside"]);
    let view = saga(&site, &execution).await;
    let of = |step: &str| view.steps.iter().find(|view| view.step.as_str() == step).expect("it is there");
    assert_eq!(
        (view.status, of("b").status, of("a").status),
        (SagaStatus::Stuck, UndoneStatus::Stuck, UndoneStatus::Pending)
    );
    assert_eq!((of("b").attempt, of("b").error.as_ref().expect("why").kind.as_str()), (2, "Broken"));
    let listed =
        site.client.sagas(SagaFilter { stuck: true, workflow: Some(view.workflow.clone()) }, None).next(100).await;
    assert!(listed.expect("a list").iter().any(|saga| saga.execution == execution));
    let Some(Explanation::Open(why)) = site.client.why(&execution).await.expect("an answer") else {
        panic!("it is open")
    };
    assert!(
        why.iter().any(|why| why.command.contains(&format!("sagaline sagas get {execution}"))
            || why.command.contains("sagas retry")),
        "{why:#?}"
    );

    mend(execution.as_str());
    let why = Some("it answers again".to_owned());
    let view =
        site.client.saga_retry(&execution, SagaRetry { by: ann(), why: why.clone(), ..SagaRetry::default() }).await;
    let did = &view.expect("it is tried again").interventions[0];
    assert_eq!((did.what, &did.by, &did.why), (InterventionKind::Retried, &ann(), &why));
    let view = site.end(&execution).await;
    assert_eq!(view.status, Status::RolledBack);
    assert_eq!(undone(&execution), ["beside", "b", "a"]);
    assert_eq!(step_of(&view, "b").status, StepStatus::Compensated);
    let attempts: Vec<u32> =
        runs(&execution).iter().filter(|run| run.step == "b/~undo").map(|run| run.attempt).collect();
    assert_eq!(attempts, [1, 2, 3], "nothing is tried again by itself, and no number twice");
    // Its record says who helped.
    let record = saga(&site, &execution).await;
    assert_eq!((record.status, record.interventions.len()), (SagaStatus::Completed, 1));
    let refused = site.client.saga_retry(&execution, SagaRetry::default()).await.expect_err("it is over");
    assert!(refused.to_string().contains("it is over (completed)"), "{refused}");
}

#[tokio::test]
async fn a_step_that_is_stuck_may_be_passed_by() {
    let (site, execution) = stuck().await;
    let skip = |step: &str| SagaSkip { step: path(step), by: ann(), why: Some("it was never there".to_owned()) };
    let refused = site.client.saga_skip(&execution, skip("a")).await.expect_err("it is not stuck");
    assert!(refused.to_string().contains("`a` is not stuck"), "{refused}");
    site.client.saga_skip(&execution, skip("b")).await.expect("it is passed by");
    let view = site.end(&execution).await;
    assert_eq!(view.status, Status::RolledBack);
    assert_eq!(undone(&execution), ["beside", "a"]);
    assert_eq!(step_of(&view, "b").status, StepStatus::Completed);
    let record = saga(&site, &execution).await;
    let b = record.steps.iter().find(|view| view.step.as_str() == "b").expect("it is there");
    assert_eq!((record.status, b.status), (SagaStatus::Completed, UndoneStatus::Skipped));
}

#[tokio::test]
async fn somebody_who_did_the_rest_by_hand_closes_it_with_a_reason() {
    let (site, execution) = stuck().await;
    let resolve = SagaResolve { by: ann(), why: "refunded by hand, ticket 4711".to_owned() };
    let view = site.client.saga_resolve(&execution, resolve).await.expect("it is over");
    assert_eq!(view.status, SagaStatus::Resolved);
    assert_eq!(site.end(&execution).await.status, Status::RolledBack);
    assert_eq!(undone(&execution), ["beside"], "nothing more is undone");
    let did = &saga(&site, &execution).await.interventions[0];
    assert_eq!((did.what, did.why.as_deref()), (InterventionKind::Resolved, Some("refunded by hand, ticket 4711")));
}

const FAULTY: &str = "
workflow: saga_faulty
steps:
  a:
    activity: act.do
    input: { give: { other: 1 } }
    compensate: { activity: act.undo, input: { id: '${ output.id + 1 }' } }
  fail: { after: a, activity: act.do, input: { fail: Broken } }
";

#[tokio::test]
async fn a_compensation_whose_input_cannot_be_computed_is_given_one() {
    let site = with(FAULTY).await;
    let execution = site.start("saga_faulty", Value::Null).await;
    is(&site, &execution, Status::Stuck).await;
    let view = saga(&site, &execution).await;
    assert_eq!(view.steps[0].error.as_ref().expect("why").kind, "ExpressionError");
    assert_eq!(undone(&execution), [] as [&str; 0]);
    let retry = SagaRetry { step: Some(path("a")), input: Some(json!({ "id": 7 })), by: ann(), why: None };
    site.client.saga_retry(&execution, retry).await.expect("it is tried again");
    assert_eq!(site.end(&execution).await.status, Status::RolledBack);
    assert_eq!(super::witness::the_undo(&execution, "a").input, json!({ "id": 7 }));
}

#[tokio::test]
async fn an_execution_that_has_nothing_to_undo_has_no_saga() {
    let site = with(
        "workflow: saga_none\nsteps: { a: { activity: act.do, input: { fail: Broken }, compensate: act.undo } }\n",
    )
    .await;
    let execution = site.start("saga_none", Value::Null).await;
    assert_eq!(site.end(&execution).await.status, Status::Failed);
    assert_eq!(site.client.saga(&execution).await.expect("an answer"), None);
    let refused = site.client.saga_resolve(&execution, SagaResolve { by: None, why: "why not".to_owned() }).await;
    assert!(refused.expect_err("there is none").to_string().contains("nothing of"), "it says why");
}
