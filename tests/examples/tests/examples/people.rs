//! People and programs that deal with a running execution: approvals of activities, queries, updates, signals that must fit.

use std::time::Duration;

use sagaline_events::record::StepStatus::Waiting;
use sagaline_model::Name;
use sagaline_sdk::{
    client::{Error, Replied, Verdict},
    worker::{ActivityContext, ActivityError, Outcome, WaitForApproval},
};
use serde_json::{Value, json};

use crate::site::{assert_completed, failure, site};

const LIMITS: &str = "
workflow: people_limits
signals: { paid: { schema: { type: object, required: [sum] } } }
queries: { limit: '${ ctx.limit }', sums: ['${ steps.both.output.paid.sum }', '${ ctx.limit }'] }
updates:
  raise:
    schema: { type: object, required: [by], properties: { by: { type: integer } } }
    when: '${ update.by < 100 }'
    set: { limit: '${ ctx.limit + update.by }' }
    result: { limit: '${ ctx.limit }' }
steps:
  both: { await: { signals: [paid, packed] } }
";

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

#[tokio::test]
async fn an_execution_answers_queries_and_updates_and_takes_what_fits() {
    let site = site().await;
    site.apply(LIMITS, "limits.yaml").await;
    let execution = site.start("people_limits", json!({ "limit": 10 })).await;
    site.step_is(&execution, "both", Waiting).await;
    let query = async |name: &Name| site.client.query(&execution, name).await;
    let update =
        async |data: Value, id: &str| site.client.update(&execution, &name("raise"), data, Some(id.to_owned())).await;
    assert_eq!(query(&name("limit")).await.expect("an answer"), 10);
    // Made once, however often it is sent.
    for _ in 0..2 {
        let raised = update(json!({ "by": 5 }), "u-1").await.expect("it is made");
        assert_eq!(raised, Replied::Taken(json!({ "limit": 15 })));
    }
    assert_eq!(query(&name("limit")).await.expect("an answer"), 15);
    for (data, why) in
        [(json!({ "by": 100 }), "`update.by < 100` does not hold"), (json!({ "by": "x" }), "does not fit")]
    {
        let refused = update(data, why).await.expect_err("it is refused");
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let unknown = query(&name("limits")).await.expect_err("there is none");
    assert!(unknown.to_string().contains("it has `limit`, `sums`"), "{unknown}");
    // Whoever sends what does not fit hears so, and nothing is sent.
    let bad = site.client.signal(&execution, &name("paid"), json!({ "amount": 3 })).await;
    assert!(matches!(bad, Err(Error::InvalidSignal { .. })), "{bad:?}");
    site.signal(&execution, "packed", Value::Null).await;
    site.signal(&execution, "paid", json!({ "sum": 3 })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output["paid"]["sum"], 3);
    assert_eq!(query(&name("sums")).await.expect("as it was in the end"), json!([3, 15]));
    let late = update(json!({ "by": 1 }), "late").await.expect_err("it is over");
    assert!(late.to_string().contains("over already"), "{late}");
    // Its record knows what it answered.
    assert_eq!(update(json!({ "by": 5 }), "u-1").await.expect("as before"), Replied::Taken(json!({ "limit": 15 })));
}

#[tokio::test]
async fn an_update_before_the_start_waits_for_it() {
    let site = site().await;
    site.apply(LIMITS, "limits.yaml").await;
    let execution = sagaline_sdk::client::fresh_id();
    let sent = site.client.update(&execution, &name("raise"), json!({ "by": 1 }), Some("early".to_owned())).await;
    assert_eq!(sent.expect("it is kept"), Replied::Kept);
    site.start_as(&execution, "people_limits", json!({ "limit": 1 })).await;
    site.step_is(&execution, "both", Waiting).await;
    assert_eq!(site.client.query(&execution, &name("limit")).await.expect("an answer"), 2);
}

const ASKS: &str = "
workflow: people_ask
steps:
  spend: { activity: people.spend, input: '${ workflow.input }' }
  tell: { after: spend, set: { told: '${ steps.spend.output.approver }' } }
";

async fn spend(_: ActivityContext, input: Value) -> Result<Outcome<Value>, ActivityError> {
    let within = Duration::from_millis(input["within_ms"].as_u64().unwrap_or(60_000));
    match input["amount"].as_u64() {
        Some(..100) => Ok(Outcome::Output(json!({ "approved": true, "approver": "auto" }))),
        _ => Ok(Outcome::wait_for_approval(WaitForApproval::by(["boss"]).within(within))),
    }
}

#[tokio::test]
async fn an_activity_asks_for_an_approval_if_it_takes_one() {
    let site = site().await;
    site.apply(ASKS, "asks.yaml").await;
    let _worker = site.worker("spender", |worker| worker.activity("people.spend", spend));
    let small = site.run("people_ask", json!({ "amount": 5 })).await;
    assert_eq!(small.output["told"], "auto");
    let verdict = |approved| Verdict {
        step: "spend".to_owned().try_into().expect("a step"),
        by: Some("boss".to_owned()),
        approved,
        data: Value::Null,
    };
    for approved in [true, false] {
        let execution = site.start("people_ask", json!({ "amount": 500 })).await;
        site.step_is(&execution, "spend", Waiting).await;
        site.client.approve(&execution, verdict(approved)).await.expect("the boss may");
        let view = site.end(&execution).await;
        match approved {
            true => assert_eq!(view.output["told"], "boss"),
            false => assert_eq!(failure(&view, "spend", "Rejected").message, "`boss` rejected it"),
        }
    }
    let late = site.run("people_ask", json!({ "amount": 500, "within_ms": 200 })).await;
    failure(&late, "spend", "Timeout");
    // Whoever resumes what is not paused answers the one approval that is pending.
    let execution = site.start("people_ask", json!({ "amount": 500 })).await;
    site.step_is(&execution, "spend", Waiting).await;
    let context = json!({ "approved": true, "approver": "boss" }).as_object().cloned().unwrap_or_default();
    site.client.resume(&execution, context).await.expect("it is sent");
    assert_eq!(site.end(&execution).await.output["told"], "boss");
}
