//! How a worker ends.

use std::time::{Duration, Instant};

use sagaline_events::ask::Answer;
use sagaline_sdk::worker::{ActivityContext, Worker, WorkerError};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::common::{Notes, Site, Working, task};

#[tokio::test]
async fn what_runs_may_come_to_its_end() {
    let site = Site::start().await;
    let (notes, gate) = (Notes::default(), CancellationToken::new());
    let (noted, open) = (notes.clone(), gate.clone());
    let slow = move |_: ActivityContext, _: Value| {
        let (noted, open) = (noted.clone(), open.clone());
        async move {
            noted.note("began");
            open.cancelled().await;
            Ok("done")
        }
    };
    let working = Working::begin(site.worker().activity("slow", slow));
    site.put(&task("slow", "order-1")).await;
    notes.eventually(1).await;
    let ending = tokio::spawn(working.shut_down());
    site.put(&task("slow", "order-2")).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!ending.is_finished());
    gate.cancel();
    ending.await.expect("it ends");
    assert_eq!((site.inputs().await.len(), site.queued().await), (1, 1));
    assert_eq!(notes.all().len(), 1, "nothing began after the shutdown");
}

#[tokio::test]
async fn what_does_not_end_in_time_goes_to_another_worker_at_once() {
    let site = Site::start().await;
    let owner = site.owner(|| Answer::Wanted(true)).await;
    let notes = Notes::default();
    let noted = notes.clone();
    let hangs = move |context: ActivityContext, _: Value| {
        let noted = noted.clone();
        async move {
            noted.note("began");
            let cancellation = context.cancellation().clone();
            tokio::spawn(async move {
                cancellation.cancelled().await;
                noted.note("what it left behind was told");
            });
            std::future::pending::<Result<(), _>>().await
        }
    };
    let first = Working::begin(site.worker().drain_within(Duration::from_millis(200)).activity("work", hangs));
    site.put(&task("work", "order-1")).await;
    notes.eventually(1).await;
    first.shut_down().await;
    notes.eventually(2).await;
    let began = Instant::now();
    let echo = |_: ActivityContext, _: Value| async { Ok("done") };
    let _second = Working::begin(site.worker().activity("work", echo));
    site.eventually_inputs(1).await;
    assert!(began.elapsed() < Duration::from_secs(3), "it waited for the ack wait: {:?}", began.elapsed());
    assert_eq!(owner.asked(), 1);
}

#[tokio::test]
async fn a_worker_without_a_server_says_so() {
    let echo = |_: ActivityContext, input: Value| async { Ok(input) };
    let worker = Worker::new("nats://127.0.0.1:1").activity("echo", echo);
    let error = worker.run(CancellationToken::new()).await.expect_err("nobody is there");
    assert!(matches!(error, WorkerError::Connect(_)), "{error}");
    assert!(error.to_string().contains("nats://127.0.0.1:1"), "{error}");
}
