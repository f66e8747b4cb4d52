//! `examples/order_saga.yaml`, failing at each step in turn.

use sagaline_events::record::{Status, StepStatus::Compensated};
use serde_json::json;

use super::witness::{runs, saga, the_undo, undone, undone_by};
use crate::site::{assert_completed, assert_steps, site};

const WORKFLOW: &str = "order_saga";

/// What must be undone if this fails, the first to be undone first.
const CASES: [(&str, &[&str]); 5] = [
    ("validate", &[]),
    ("reserve", &[]),
    ("pay", &["reserve"]),
    ("ship", &["pay", "reserve"]),
    ("confirm", &["ship", "pay", "reserve"]),
];

#[tokio::test]
async fn an_order_that_fails_is_taken_back_from_where_it_failed() {
    let site = site().await;
    for (fails_at, wanted) in CASES {
        let order = format!("fails-to-{fails_at}");
        let execution = site.start(WORKFLOW, json!({ "order_id": order, "total": 5 })).await;
        let view = site.end(&execution).await;
        assert_eq!(undone(&execution), wanted, "{fails_at}: {:#?}", runs(&execution));
        let status = if wanted.is_empty() { Status::Failed } else { Status::RolledBack };
        assert_eq!((view.status, view.failed_step.as_deref()), (status, Some(fails_at)), "{view:#?}");
        assert_eq!(view.error.as_ref().expect("an error").kind, "AsNamed");
        assert_steps(&view, Compensated, wanted);
        // One after the other: none begins before the one before it has ended.
        let order_of_undo: Vec<_> = wanted.iter().map(|step| the_undo(&execution, step)).collect();
        for pair in order_of_undo.windows(2) {
            assert!(pair[0].is_before(&pair[1]), "{pair:#?}");
        }
        for (step, run) in wanted.iter().zip(&order_of_undo) {
            assert_eq!(run.key, format!("{execution}/{step}/~undo"), "{run:#?}");
        }
        // After everything is undone, and told what was.
        let handled = runs(&execution).into_iter().find(|run| run.activity == "shop.mark_failed").expect("it ran");
        assert!(order_of_undo.iter().all(|undo| undo.is_before(&handled)), "{fails_at}");
        if !wanted.is_empty() {
            assert_eq!(handled.input, json!({ "order": order, "why": "AsNamed", "undone": wanted }));
        }
        assert_eq!(site.client.saga(&execution).await.expect("an answer").is_some(), !wanted.is_empty());
    }
}

#[tokio::test]
async fn a_compensation_gets_what_its_definition_says() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "order_id": "fails-to-ship", "total": 5 })).await;
    assert_eq!(site.end(&execution).await.status, Status::RolledBack);
    let refund =
        json!({ "payment": "p-fails-to-ship", "charged_under": format!("{execution}/pay"), "outcome": "completed" });
    assert_eq!(the_undo(&execution, "pay").input, refund);
    assert_eq!(the_undo(&execution, "reserve").input, json!({ "reservation": "r-fails-to-ship" }));
}

#[tokio::test]
async fn an_order_that_went_through_is_left_alone_also_if_a_mail_is_lost() {
    let site = site().await;
    for order in ["A-1", "fails-to-notify"] {
        let execution = site.start(WORKFLOW, json!({ "order_id": order, "total": 5 })).await;
        assert_completed(&site.end(&execution).await);
        assert_eq!(undone_by(&execution), [] as [&str; 0]);
        assert_eq!(site.client.saga(&execution).await.expect("an answer"), None);
    }
}

#[tokio::test]
async fn what_may_be_skipped_holds_nothing_up() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "order_id": "gone-and-fails-to-confirm", "total": 5 })).await;
    let view = site.end(&execution).await;
    assert_eq!(view.status, Status::RolledBack, "{view:#?}");
    assert_eq!(undone(&execution), ["pay", "reserve"]);
    let saga = saga(&site, &execution).await;
    let statuses: Vec<_> = saga.steps.iter().map(|step| (step.step.as_str(), step.status)).collect();
    use sagaline_events::saga::UndoneStatus::{Compensated, Skipped};
    assert_eq!(statuses, [("ship", Skipped), ("pay", Compensated), ("reserve", Compensated)]);
}

#[tokio::test]
async fn what_was_rolled_back_is_tried_again_from_the_beginning() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "order_id": "fails-to-pay", "total": 5 })).await;
    assert_eq!(site.end(&execution).await.status, Status::RolledBack);
    let options = |from: Option<&str>| sagaline_sdk::client::RetryOptions {
        from: from.map(|from| from.parse().expect("a name")),
        ..Default::default()
    };
    let refused = site.client.retry(&execution, options(Some("pay"))).await.expect_err("nothing is left to go on from");
    assert!(refused.to_string().contains("can only begin anew"), "{refused}");
    let again = site.client.retry(&execution, options(None)).await.expect("it starts").execution;
    assert_eq!(site.end(&again).await.status, Status::RolledBack);
    let keys: Vec<String> = runs(&again).into_iter().map(|run| run.key).collect();
    assert!(keys.iter().all(|key| key.starts_with(&format!("{again}/"))), "{keys:?}");
    assert!(keys.contains(&format!("{again}/reserve")), "everything is done again: {keys:?}");
}
