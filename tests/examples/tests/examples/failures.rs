//! What a failure may lead to besides the end: another try of the whole, somebody's help, a note.

use sagaline_events::record::{Status, StepStatus};
use sagaline_sdk::worker::{ActivityContext, ActivityError};
use serde_json::{Value, json};

use crate::site::{assert_completed, failure, note, site};

const NIGHTLY: &str = "
workflow: nightly
retry_workflow: { attempts: 3, initial: 50ms, backoff: fixed }
steps:
  load: { activity: shaky.load, queue: shaky, input: '${ execution.attempt }' }
  close: { after: load, activity: shaky.load, queue: shaky, input: 9 }
";

/// Fails until the whole is tried for the third time.
async fn load(context: ActivityContext, input: Value) -> Result<Value, ActivityError> {
    note(&context, &input);
    if input.as_u64() < Some(3) {
        return Err(ActivityError::new("Locked", "somebody else loads"));
    }
    Ok(json!({ "attempt": context.attempt() }))
}

#[tokio::test]
async fn an_execution_that_failed_begins_anew_and_completes() {
    let site = site().await;
    site.apply(NIGHTLY, "nightly").await;
    let _worker = site.worker("shaky", |worker| worker.queue("shaky").activity("shaky.load", load));
    let execution = site.start("nightly", Value::Null).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!((view.attempt, &view.output), (Some(3), &json!({ "attempt": 3 })));
    assert_eq!(crate::site::calls(&execution, "shaky.load"), [json!(1), json!(2), json!(3), json!(9)]);
}

const NOTED: &str = "
workflow: noted
on_step_error: { activity: shaky.note, queue: notes }
steps: { charge: { activity: shaky.refuse, queue: notes, retry: { attempts: 2, initial: 10ms } } }
";

#[tokio::test]
async fn every_failed_attempt_is_noted_beside_the_execution() {
    let site = site().await;
    site.apply(NOTED, "noted").await;
    let noted = async |context: ActivityContext, input: Value| {
        note(&context, &input);
        Ok::<_, ActivityError>(json!({ "joins": "nothing" }))
    };
    let refuse = async |_: ActivityContext, _: Value| Err::<Value, _>(ActivityError::new("Declined", "no funds"));
    let _worker = site
        .worker("notes", |worker| worker.queue("notes").activity("shaky.note", noted).activity("shaky.refuse", refuse));
    let execution = site.start("noted", Value::Null).await;
    let view = site.end(&execution).await;
    failure(&view, "charge", "Declined");
    let mut told = crate::site::calls(&execution, "shaky.note");
    told.sort_by_key(|told| told["attempt"].as_u64());
    let facts = |told: &Value| json!([told["step"], told["attempt"], told["will_retry"], told["error"]["type"]]);
    assert_eq!(
        told.iter().map(facts).collect::<Vec<_>>(),
        [json!(["charge", 1, true, "Declined"]), json!(["charge", 2, false, "Declined"])]
    );
}

const CAREFUL: &str = "
workflow: careful
steps: { transfer: { activity: shaky.transfer, queue: careful, input: '${ ctx.account }', on_error: pause } }
output: '${ steps.transfer.output }'
";

#[tokio::test]
async fn a_step_that_failed_waits_for_somebody_to_mend_its_input() {
    let site = site().await;
    site.apply(CAREFUL, "careful").await;
    let transfer = async |context: ActivityContext, account: Value| match account.as_str() {
        Some("right") => Ok(json!(context.attempt())),
        _ => Err(ActivityError::new("NoAccount", "there is no such account").not_retryable()),
    };
    let _worker = site.worker("careful", |worker| worker.queue("careful").activity("shaky.transfer", transfer));
    let execution = site.start("careful", json!({ "account": "wrong" })).await;
    site.step_is(&execution, "transfer", StepStatus::Failed).await;
    let view = site.client.get(&execution).await.expect("an answer").expect("it is there");
    assert_eq!(view.status, Status::Paused);
    assert_eq!(view.reason.as_deref(), Some("step `transfer` failed with NoAccount: there is no such account"));
    let context = json!({ "account": "right" }).as_object().cloned().unwrap_or_default();
    site.client.resume(&execution, context).await.expect("it is stored");
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!(2));
}
