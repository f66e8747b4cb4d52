//! How an execution goes as a whole: how much at once, until when, what its activities know of their steps.

use std::{sync::Arc, time::Duration};

use sagaline_events::record::Status;
use sagaline_sdk::worker::{ActivityContext, ActivityError};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::site::{assert_completed, site};

const ITEMS: usize = 40;
const SLOTS: usize = 5;

const NARROW: &str = "
workflow: narrow
step_concurrency: '${ workflow.input.slots }'
metadata: { owner: data-team }
steps:
  left: { for_each: '${ workflow.input.items }', activity: narrow.work, queue: narrow, metadata: { side: left } }
  right: { for_each: '${ workflow.input.items }', activity: narrow.work, queue: narrow, metadata: { side: right } }
output: { left: '${ size(steps.left.output) }', sides: '${ steps.left.output[0] + steps.right.output[0] }' }
";

/// A worker could run all of them at once, and the loops would let it.
#[tokio::test]
async fn no_more_steps_are_at_work_than_the_execution_has_slots() {
    let site = site().await;
    site.apply(NARROW, "narrow").await;
    let (inside, counted) = watch::channel((0_usize, 0_usize));
    let (gate, closed) = watch::channel(false);
    let inside = Arc::new(inside);
    let work = move |context: ActivityContext, _: Value| {
        let (inside, mut gate) = (inside.clone(), closed.clone());
        async move {
            inside.send_modify(|(now, most)| {
                *now += 1;
                *most = (*most).max(*now);
            });
            gate.wait_for(|open| *open).await?;
            inside.send_modify(|(now, _)| *now -= 1);
            Ok::<_, ActivityError>(context.metadata()["side"].clone())
        }
    };
    let _worker = site.worker("wide", |worker| worker.queue("narrow").concurrency(100).activity("narrow.work", work));
    let items: Vec<usize> = (0..ITEMS).collect();
    let execution = site.start("narrow", json!({ "items": items, "slots": SLOTS })).await;
    eventually("as many run as may", async || counted.borrow().0 == SLOTS).await;
    let told = site.client.why(&execution).await.expect("an answer").expect("it is there");
    assert!(format!("{told:?}").contains("it waits for a slot: step_concurrency is 5"), "{told:?}");

    gate.send(true).expect("the worker waits for it");
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "left": ITEMS, "sides": "leftright" }));
    assert_eq!(*counted.borrow(), (0, SLOTS));
}

#[tokio::test]
async fn an_execution_is_over_at_its_deadline() {
    let site = site().await;
    let keys = "workflow: punctual\ndeadline: '${ workflow.input.until }'\nsteps: { hear: { await: nothing } }\n";
    site.apply(keys, "punctual").await;
    let until = std::time::SystemTime::now() + Duration::from_millis(600);
    let until = until.duration_since(std::time::UNIX_EPOCH).expect("it is later than 1970").as_millis();
    let until = sagaline_model::Moment::from_millis(i64::try_from(until).expect("it is not that late"));
    let view = site.run("punctual", json!({ "until": until })).await;
    assert_eq!(view.status, Status::TimedOut);
    let late = view.ended_at.expect("it ended").since(until);
    assert!(until <= view.ended_at.expect("it ended") && late < sagaline_model::Span::from_secs(30), "{late}");
}
