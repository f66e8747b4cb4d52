//! `examples/order.yaml` and `examples/order_processing.yaml`.

use sagaline_events::record::{
    Status,
    StepStatus::{Cancelled, Completed, Failed, Skipped, Waiting},
};
use sagaline_model::ExecutionId;
use sagaline_sdk::client::Verdict;
use serde_json::{Value, json};

use crate::site::{Site, assert_completed, assert_steps, calls, came_before, failure, site, step_of, why};

const WORKFLOW: &str = "order_processing";

async fn place(order: &str) -> (Site, ExecutionId) {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "order_id": order })).await;
    (site, execution)
}

#[tokio::test]
async fn an_order_goes_through_though_a_message_is_lost() {
    let (site, execution) = place("A-1").await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "order_id": "A-1", "payment": "p-1", "tracking": "t-1", "mailed": true }));
    assert_steps(&view, Completed, &["mail", "count", "close"]);
    // Borne by `on_error: continue`.
    assert_steps(&view, Failed, &["text"]);
    assert_steps(&view, Skipped, &["look_into"]);
    // The carrier took it at the second try.
    assert_eq!(step_of(&view, "ship").attempt, 2);
    for (earlier, later) in [("reserve", "capture"), ("authorize", "capture"), ("mail", "close"), ("text", "close")] {
        assert!(came_before(&execution, earlier, later), "{earlier} and {later}");
    }
    assert_eq!(calls(&execution, "payments.capture"), [json!({ "authorization": "a-1" })]);
}

#[tokio::test]
async fn an_order_that_fails_is_marked_and_the_customer_hears_of_it() {
    let (site, execution) = place("out-of-stock").await;
    let view = site.end(&execution).await;
    // The handler changes nothing of how it ended. Whether the card was authorized by then, which is taken back, is chance.
    assert_eq!(why(&view, "reserve", "OutOfStock").message, "the last one is gone");
    assert_eq!(calls(&execution, "payments.void").len(), usize::from(view.status == Status::RolledBack));
    assert_steps(&view, Completed, &["on_failure", "on_failure/mark", "on_failure/apologize"]);
    let marked = json!({ "order_id": "out-of-stock", "why": "OutOfStock", "at": "reserve" });
    assert_eq!(calls(&execution, "orders.mark_failed"), [marked]);
    // It reads what steps had returned before.
    assert_eq!(calls(&execution, "messages.mail"), [json!({ "customer": "ann", "why": "the last one is gone" })]);
    assert_eq!(calls(&execution, "payments.capture"), [] as [Value; 0]);
    assert_eq!(step_of(&view, "capture").attempt, 0);
}

#[tokio::test]
async fn a_doubtful_order_waits_for_somebody_to_look_into_it() {
    for (approved, told) in [(true, "completed"), (false, "failed")] {
        let (site, execution) = place("doubtful").await;
        site.step_is(&execution, "look_into/opinion", Waiting).await;
        assert_eq!(calls(&execution, "payments.authorize"), [] as [Value; 0]);
        site.began(&execution, "messages.post", 1).await;
        let verdict = |by: &str| Verdict {
            step: "opinion".to_owned().try_into().expect("a step"),
            by: Some(by.to_owned()),
            approved,
            data: json!({ "note": "seen" }),
        };
        let refused = site.client.approve(&execution, verdict("eve")).await.expect_err("eve may not");
        assert!(refused.to_string().contains("`eve` is none of those who may approve"), "{refused}");
        site.client.approve(&execution, verdict("fraud-team")).await.expect("they may");
        let view = site.end(&execution).await;
        assert_eq!(view.status.as_str(), told);
        if approved {
            assert_steps(&view, Skipped, &["look_into/refuse", "look_into/reject"]);
            let late = site.client.approve(&execution, verdict("fraud-team")).await.expect_err("it is over");
            assert!(late.to_string().contains("the execution was over already (completed)"), "{late}");
        } else {
            let error = failure(&view, "look_into/refuse", "FraudDetected");
            assert_eq!(error.message, "order doubtful: `fraud-team` rejected it");
        }
    }
}

#[tokio::test]
async fn an_order_that_nobody_looks_into_in_time_is_refused() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "order_id": "doubtful", "review_within": "300ms" })).await;
    let view = site.end(&execution).await;
    let error = failure(&view, "look_into/refuse", "FraudDetected");
    assert_eq!(error.message, "order doubtful: nobody approved or rejected it in time");
}

#[tokio::test]
async fn an_order_that_looks_like_fraud_is_refused_at_once() {
    let (site, execution) = place("fraud").await;
    let view = site.end(&execution).await;
    let error = failure(&view, "look_into/reject", "FraudDetected");
    assert_eq!(error.message, "order fraud did not pass the screening");
    assert_eq!(calls(&execution, "stock.reserve"), [] as [Value; 0]);
}

#[tokio::test]
async fn an_order_that_is_none_is_looked_at_once() {
    let (site, execution) = place("bad").await;
    let view = site.end(&execution).await;
    failure(&view, "validate", "InvalidOrder");
    assert_eq!(step_of(&view, "validate").attempt, 1);
    assert_eq!(calls(&execution, "fraud.screen"), [] as [Value; 0]);
    assert_steps(&view, Completed, &["on_failure/mark"]);
}

#[tokio::test]
async fn an_order_is_cancelled_while_it_waits() {
    let (site, execution) = place("doubtful").await;
    site.step_is(&execution, "look_into/opinion", Waiting).await;
    site.client.cancel(&execution, Some("the customer changed her mind".to_owned())).await.expect("cancelled");
    let view = site.end(&execution).await;
    assert_eq!((view.status.as_str(), view.reason.as_deref()), ("cancelled", Some("the customer changed her mind")));
    assert_steps(&view, Cancelled, &["look_into/opinion", "look_into"]);
    // A cancel is no failure: it has a handler of its own.
    let marked = json!({ "order_id": "doubtful", "why": "the customer changed her mind" });
    assert_eq!(calls(&execution, "orders.mark_cancelled"), [marked]);
    assert_eq!(calls(&execution, "orders.mark_failed"), [] as [Value; 0]);
}

#[tokio::test]
async fn the_first_example_needs_nothing_but_what_comes_with_sagaline() {
    let site = site().await;
    let view = site.run("order", json!({ "order_id": "A-100", "total": 59.9, "card": "visa" })).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "order_id": "A-100", "payment": "payment-A-100", "confirmed": true }));
    assert_steps(&view, Skipped, &["decline"]);

    let view = site.run("order", json!({ "order_id": "A-101", "total": 59.9, "card": "declined" })).await;
    assert_eq!(why(&view, "decline", "CardDeclined").message, "the card of order A-101 was declined");
    assert_eq!(view.status, Status::RolledBack);
    assert_steps(&view, Skipped, &["charge"]);
    assert_eq!(step_of(&view, "decline").attempt, 1);
}
