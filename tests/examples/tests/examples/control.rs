//! Races, cases, what is tried, and waiting for any of several: with real tasks in real queues.

use futures::TryStreamExt;
use sagaline_events::record::StepStatus::{Cancelled, Completed, Failed, Skipped, TimedOut};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{NAMESPACE, Site, assert_completed, assert_steps, calls, failure, site};

async fn with(workflow: &str, steps: &str) -> Site {
    let site = site().await;
    site.apply(&format!("workflow: {workflow}\nsteps:{steps}"), workflow).await;
    site
}

#[tokio::test]
async fn the_worker_of_who_lost_a_race_is_told() {
    let site = with(
        "race",
        "
  quote:
    race:
      slow: { activity: stub.hold }
      fast: { await: offer }
  buy: { after: quote, activity: stub.give, input: '${ steps.quote.output }' }
",
    )
    .await;
    let execution = site.start("race", Value::Null).await;
    site.began(&execution, "stub.hold", 1).await;
    site.signal(&execution, "offer", json!({ "price": 7 })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "price": 7 }));
    assert_steps(&view, Completed, &["quote", "quote/fast", "buy"]);
    assert_steps(&view, Cancelled, &["quote/slow"]);
    eventually("the worker is told", async || calls(&execution, "stub.hold") == [Value::Null, json!("cancelled")])
        .await;
}

#[tokio::test]
async fn the_task_of_who_lost_a_race_leaves_its_queue() {
    let site = with(
        "queued_race",
        "
  quote:
    race:
      unserved: { activity: nobody.serves.this }
      fast: { await: offer }
",
    )
    .await;
    let execution = site.start("queued_race", Value::Null).await;
    let queued = async || {
        let queue = site.client.connection().names().queue_stream("default");
        let stream = site.client.connection().jetstream().get_stream(queue).await.expect("the queue");
        let subjects = stream.info_with_subjects(format!("{NAMESPACE}.queue.default.*.{execution}.>")).await;
        subjects.expect("its subjects").try_collect::<Vec<_>>().await.expect("its subjects").len()
    };
    eventually("the task is queued", async || queued().await == 1).await;
    site.signal(&execution, "offer", Value::Null).await;
    assert_completed(&site.end(&execution).await);
    eventually("the task is gone", async || queued().await == 0).await;
}

#[tokio::test]
async fn who_fails_in_a_race_is_out_of_it() {
    let site = with(
        "race_with_failures",
        "
  quote:
    race:
      broken: { activity: stub.fail, input: Down }
      other: { await: { signal: offer, timeout: '${ workflow.input.patience }' } }
",
    )
    .await;
    let execution = site.start("race_with_failures", json!({ "patience": "1h" })).await;
    site.step_is(&execution, "quote/broken", Failed).await;
    site.signal(&execution, "offer", json!({ "price": 9 })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "price": 9 }));

    // Nobody is left who could win.
    // Long enough for the other to fail first, also while everything starts.
    let view = site.run("race_with_failures", json!({ "patience": "3s" })).await;
    failure(&view, "quote/other", "Timeout");
    assert_steps(&view, Failed, &["quote/broken"]);
    // The race has the error of who was the last to fail.
    assert_steps(&view, TimedOut, &["quote", "quote/other"]);
}

#[tokio::test]
async fn one_case_is_run_and_no_other() {
    let site = with(
        "switch",
        "
  route:
    switch:
      - { when: '${ workflow.input.stock > 10 }', steps: { ship: { activity: stub.give, input: { by: ship } } } }
      - { when: '${ workflow.input.stock > 0 }', steps: { part: { activity: stub.give, input: { by: part } } } }
      - steps: { order: { activity: stub.give, input: { by: order } } }
  end: { after: route, activity: stub.give, input: '${ steps.route.output.by }' }
",
    )
    .await;
    for (stock, by) in [(11, "ship"), (3, "part"), (0, "order")] {
        let execution = site.start("switch", json!({ "stock": stock })).await;
        let view = site.end(&execution).await;
        assert_completed(&view);
        assert_eq!(calls(&execution, "stub.give"), [json!({ "by": by }), json!(by)]);
        for case in ["ship", "part", "order"] {
            assert_steps(&view, if case == by { Completed } else { Skipped }, &[&format!("route/{case}")]);
        }
    }
}

#[tokio::test]
async fn only_errors_that_are_named_are_caught() {
    let site = with(
        "try",
        "
  pay:
    try:
      charge: { activity: stub.fail, input: '${ workflow.input.error }' }
      beside: { activity: stub.hold }
    catch:
      errors: [Declined]
      steps: { tell: { activity: stub.give, input: { why: '${ error.type }' } } }
  done: { after: pay, activity: stub.give, input: '${ ctx.why }' }
",
    )
    .await;
    let execution = site.start("try", json!({ "error": "Declined" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "why": "Declined" }));
    assert_steps(&view, Failed, &["pay/charge"]);
    assert_steps(&view, Cancelled, &["pay/beside"]);
    assert_eq!(calls(&execution, "stub.give"), [json!({ "why": "Declined" }), json!("Declined")]);

    let view = site.run("try", json!({ "error": "Down" })).await;
    failure(&view, "pay/charge", "Down");
}

#[tokio::test]
async fn one_of_several_is_enough_to_go_on() {
    let site = with(
        "any",
        "
  mail: { await: mail }
  text: { await: text }
  answer: { after_any: [mail, text], activity: stub.give, input: '${ steps.text.output }' }
",
    )
    .await;
    let execution = site.start("any", Value::Null).await;
    site.signal(&execution, "text", json!("hello")).await;
    site.began(&execution, "stub.give", 1).await;
    assert_eq!(calls(&execution, "stub.give"), [json!("hello")]);
    // The other is not cancelled: the execution waits for it.
    site.step_is(&execution, "answer", Completed).await;
    site.signal(&execution, "mail", Value::Null).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_steps(&view, Completed, &["mail", "text", "answer"]);
}
