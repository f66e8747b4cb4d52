//! A loop over many items: how many run at once, who runs them, and in which order their results come.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sagaline_events::record::{ItemsView, StepStatus::Running};
use sagaline_sdk::worker::{ActivityContext, ActivityError};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::site::{assert_completed, site, step_of};

const ITEMS: usize = 300;
const AT_ONCE: usize = 20;

/// Two workers, neither of which could run all that may run at once.
const WORKERS: [&str; 2] = ["left", "right"];
const OF_A_WORKER: usize = 12;

const WORKFLOW: &str = "
workflow: crowd
steps:
  each:
    for_each: { items: '${ workflow.input.items }', as: number, concurrency: 20 }
    activity: crowd.double
    queue: crowd
    input: { number: '${ number }', place: '${ index }' }
output: '${ steps.each.output }'
";

/// Who runs, and how many ran at once at most.
#[derive(Default)]
struct Crowd {
    inside: usize,
    most: usize,
    /// The attempts that each worker ran.
    ran: BTreeMap<&'static str, usize>,
}

#[derive(Clone)]
struct Shared {
    crowd: Arc<Mutex<Crowd>>,
    /// Nobody leaves before it is open.
    gate: watch::Receiver<bool>,
}

impl Shared {
    fn with<T>(&self, then: impl FnOnce(&mut Crowd) -> T) -> T {
        then(&mut self.crowd.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn double(mut self, worker: &'static str, input: Value) -> Result<Value, ActivityError> {
        self.with(|crowd| {
            crowd.inside += 1;
            crowd.most = crowd.most.max(crowd.inside);
            *crowd.ran.entry(worker).or_default() += 1;
        });
        self.gate.wait_for(|open| *open).await?;
        let number = input["number"].as_u64().unwrap_or_default();
        // So that they do not leave in the order in which they came.
        tokio::time::sleep(Duration::from_millis(number * 7 % 5)).await;
        self.with(|crowd| crowd.inside -= 1);
        Ok(json!({ "doubled": number * 2, "place": input["place"] }))
    }
}

#[tokio::test]
async fn three_hundred_items_are_done_twenty_at_a_time_by_two_workers() {
    let site = site().await;
    site.apply(WORKFLOW, "crowd").await;
    let (gate, closed) = watch::channel(false);
    let crowd = Shared { crowd: Arc::default(), gate: closed };
    let worker = |name| {
        let crowd = crowd.clone();
        let double = move |_: ActivityContext, input: Value| crowd.clone().double(name, input);
        site.worker(name, |worker| worker.queue("crowd").concurrency(OF_A_WORKER).activity("crowd.double", double))
    };
    let _workers = WORKERS.map(worker);

    let items: Vec<usize> = (0..ITEMS).map(|number| number + 1_000).collect();
    let execution = site.start("crowd", json!({ "items": items })).await;
    eventually("as many run as may", async || crowd.with(|crowd| crowd.inside) == AT_ONCE).await;
    let view = site.client.get(&execution).await.expect("an answer").expect("it is there");
    let each = step_of(&view, "each");
    assert_eq!((each.status, each.items), (Running, Some(ItemsView { total: ITEMS, done: 0 })));

    gate.send(true).expect("the workers wait for it");
    let view = site.end(&execution).await;
    assert_completed(&view);
    let place = |(place, item): (usize, &usize)| json!({ "doubled": item * 2, "place": place });
    let wanted: Vec<Value> = items.iter().enumerate().map(place).collect();
    assert_eq!(view.output, Value::Array(wanted));
    crowd.with(|crowd| {
        assert_eq!((crowd.most, crowd.inside), (AT_ONCE, 0));
        assert_eq!(crowd.ran.values().sum::<usize>(), ITEMS, "each item runs once");
        assert!(WORKERS.iter().all(|worker| crowd.ran[worker] >= AT_ONCE - OF_A_WORKER), "{:?}", crowd.ran);
    });
}

#[tokio::test]
async fn an_item_that_fails_ends_the_loop_or_leaves_its_place() {
    let site = site().await;
    for (policy, workflow) in [("fail", "fragile"), ("skip", "tolerant"), ("continue", "noting")] {
        let text = format!(
            "
workflow: {workflow}
steps:
  each:
    for_each: {{ items: [Good, Bad, Fine], concurrency: 1, on_item_error: {policy} }}
    switch:
      - {{ when: \"${{ item == 'Bad' }}\", steps: {{ refuse: {{ activity: stub.fail, input: '${{ item }}' }} }} }}
      - steps: {{ keep: {{ activity: stub.give, input: {{ kept: '${{ item }}' }} }} }}
output: '${{ steps.each.output }}'
"
        );
        site.apply(&text, workflow).await;
        let view = site.run(workflow, Value::Null).await;
        let kept = |item: &str| json!({ "kept": item });
        match policy {
            "fail" => {
                crate::site::failure(&view, "each/item:2/refuse", "Bad");
            }
            "skip" => assert_eq!(view.output, json!([kept("Good"), null, kept("Fine")])),
            _ => {
                assert_eq!((&view.output[0], &view.output[2]), (&kept("Good"), &kept("Fine")));
                assert_eq!(view.output[1]["error"]["type"], "Bad");
            }
        }
    }
}
