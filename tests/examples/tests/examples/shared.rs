//! What executions share: so many at once, and a breaker that all of them go by.

use std::time::Duration;

use sagaline_events::record::{Status, StepStatus};
use sagaline_model::ExecutionId;
use sagaline_sdk::{
    client::ListFilter,
    worker::{ActivityContext, ActivityError},
};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::site::{Site, assert_completed, failure, site};

/// Each is at work until it gets its signal.
async fn with(workflow: &str, concurrency: &str) -> Site {
    let site = site().await;
    let keys = format!("workflow: {workflow}\nconcurrency: {concurrency}\nsteps: {{ hold: {{ await: done }} }}\n");
    site.apply(&keys, workflow).await;
    site
}

impl Site {
    async fn is(&self, execution: &ExecutionId, status: Status) {
        eventually(&format!("{execution} is {}", status.as_str()), async || {
            let view = self.client.get(execution).await.expect("an answer");
            view.is_some_and(|view| view.status == status)
        })
        .await;
    }

    async fn holds(&self, execution: &ExecutionId) {
        self.step_is(execution, "hold", StepStatus::Waiting).await;
    }

    async fn done(&self, execution: &ExecutionId) {
        self.signal(execution, "done", Value::Null).await;
        assert_completed(&self.end(execution).await);
    }
}

#[tokio::test]
async fn one_after_the_other_in_the_order_in_which_they_came() {
    let site = with("turns", "1").await;
    let first = site.start("turns", Value::Null).await;
    site.holds(&first).await;
    let second = site.start("turns", Value::Null).await;
    site.is(&second, Status::Pending).await;
    let third = site.start("turns", Value::Null).await;
    site.is(&third, Status::Pending).await;
    let told = site.client.why(&third).await.expect("an answer").expect("it is there");
    assert!(format!("{told:?}").contains("`~limit:turns`"), "{told:?}");
    let filter = ListFilter { status: vec![Status::Pending, Status::Waiting], ..ListFilter::default() };
    let listed = site.client.list(filter, None).next(500).await.expect("a list");
    let keys: Vec<_> = listed.iter().map(|listed| listed.view.execution.as_str()).collect();
    assert!(keys.contains(&second.as_str()) && keys.contains(&third.as_str()), "{keys:?}");
    assert!(!keys.iter().any(|key| key.starts_with('~')), "the limit itself is no execution: {keys:?}");

    site.done(&first).await;
    site.holds(&second).await;
    site.is(&third, Status::Pending).await;
    // Whoever is cancelled while it waits leaves the line.
    let fourth = site.start("turns", Value::Null).await;
    site.is(&fourth, Status::Pending).await;
    site.client.cancel(&third, None).await.expect("cancelled");
    assert_eq!(site.end(&third).await.status, Status::Cancelled);
    site.done(&second).await;
    site.holds(&fourth).await;
    site.done(&fourth).await;
}

#[tokio::test]
async fn those_with_another_key_have_places_of_their_own() {
    let site = with("tenants_turns", "{ limit: 1, key: '${ workflow.input.tenant }' }").await;
    let blue = site.start("tenants_turns", json!({ "tenant": "blue & co" })).await;
    let red = site.start("tenants_turns", json!({ "tenant": "red" })).await;
    site.holds(&blue).await;
    site.holds(&red).await;
    let other = site.start("tenants_turns", json!({ "tenant": "blue & co" })).await;
    site.is(&other, Status::Pending).await;
    site.done(&blue).await;
    site.holds(&other).await;
    site.done(&other).await;
    site.done(&red).await;
}

#[tokio::test]
async fn who_finds_no_place_may_be_skipped() {
    let site = with("skipped_turns", "{ limit: 1, on_limit: skip }").await;
    let first = site.start("skipped_turns", Value::Null).await;
    site.holds(&first).await;
    let second = site.run("skipped_turns", Value::Null).await;
    assert_eq!(second.status, Status::Cancelled);
    let reason = second.reason.expect("a reason");
    assert!(reason.contains("1 of `~limit:skipped_turns` were at work already"), "{reason}");
    site.done(&first).await;
    let third = site.start("skipped_turns", Value::Null).await;
    site.holds(&third).await;
    site.done(&third).await;
}

#[tokio::test]
async fn who_came_last_may_take_the_place_of_the_first() {
    let site = with("newest_turns", "{ limit: 1, on_limit: cancel_old }").await;
    let old = site.start("newest_turns", Value::Null).await;
    site.holds(&old).await;
    let new = site.start("newest_turns", Value::Null).await;
    let view = site.end(&old).await;
    assert_eq!(view.status, Status::Cancelled);
    assert_eq!(view.reason, Some(format!("`{new}` took its place in `~limit:newest_turns`")));
    site.holds(&new).await;
    site.done(&new).await;
}

const GUARDED: &str = "
workflow: WORKFLOW
steps:
  pay:
    activity: guarded.pay
    queue: guarded
    breaker: { name: bank, threshold: 2, reset: 1s, when_open: WHEN }
    retry: { attempts: 9, initial: 10ms, backoff: fixed, jitter: false, no_retry_on: [BreakerOpen] }
";

/// Two executions fail once each; the breaker opens for both, and for whoever comes. Then one of them tries, and it closes.
#[tokio::test]
async fn a_breaker_opens_over_all_executions_and_closes_again() {
    let site = site().await;
    for (workflow, when) in [("patient_pay", "delay"), ("hasty_pay", "fail")] {
        site.apply(&GUARDED.replace("WORKFLOW", workflow).replace("WHEN", when), workflow).await;
    }
    let (bank, is_up) = watch::channel(false);
    let (calls, counted) = watch::channel(0_usize);
    let calls = std::sync::Arc::new(calls);
    let pay = move |_: ActivityContext, _: Value| {
        calls.send_modify(|calls| *calls += 1);
        let up = *is_up.borrow();
        async move { if up { Ok(json!("paid")) } else { Err(ActivityError::new("BankDown", "no answer")) } }
    };
    let _worker = site.worker("bank", |worker| worker.queue("guarded").activity("guarded.pay", pay));

    let first = site.start("patient_pay", Value::Null).await;
    let second = site.start("patient_pay", Value::Null).await;
    // It is open now and then, and tried now and then: whoever is not willing to wait fails at once while it is not closed.
    site.step_is(&first, "pay", StepStatus::Waiting).await;
    let told = eventually_why(&site, &first).await;
    assert!(told.contains("~breaker:bank"), "{told}");
    let hasty = site.run("hasty_pay", Value::Null).await;
    let error = failure(&hasty, "pay", "BreakerOpen");
    assert!(error.message.contains("the breaker `bank` is open until"), "{}", error.message);
    let failed = *counted.borrow();
    assert!(failed >= 2, "{failed}");

    bank.send(true).expect("the worker looks at it");
    assert_completed(&site.end(&first).await);
    assert_completed(&site.end(&second).await);
    // Closed: nobody waits any more.
    let begun = std::time::Instant::now();
    assert_completed(&site.run("hasty_pay", Value::Null).await);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

/// Why an execution waits, once it waits for its breaker.
async fn eventually_why(site: &Site, execution: &ExecutionId) -> String {
    let told = std::sync::Mutex::new(String::new());
    eventually("it waits for its breaker", async || {
        let why = format!("{:?}", site.client.why(execution).await.expect("an answer"));
        let is_waiting = why.contains("is open, or others are trying");
        *told.lock().expect("no panic") = why;
        is_waiting
    })
    .await;
    told.into_inner().expect("no panic")
}
