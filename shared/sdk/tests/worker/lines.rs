//! Queues and consumers: missing, made late, removed under way.

use std::sync::{Arc, Mutex, PoisonError};

use async_nats::jetstream::consumer::{AckPolicy, pull};
use sagaline_broker::nats::Installation;
use sagaline_model::{ActivityName, Name};
use sagaline_sdk::worker::{ActivityContext, Observer, PullerState, Task};
use serde_json::{Value, json};

use crate::common::{Site, Working, eventually, task};

#[derive(Clone, Default)]
struct States(Arc<Mutex<Vec<PullerState>>>);

impl Observer for States {
    fn pulling(&self, _: &Name, _: &ActivityName, state: &PullerState) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(state.clone());
    }
}

impl States {
    fn last(&self) -> Option<PullerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }
}

async fn echo(_: ActivityContext, input: Value) -> Result<Value, sagaline_sdk::worker::ActivityError> {
    Ok(input)
}

#[tokio::test]
async fn a_queue_that_is_made_later_is_served_then() {
    let site = Site::start().await;
    let states = States::default();
    let _working = Working::begin(site.worker().queue("late").activity("echo", echo).observer(states.clone()));
    let told = |text: &str| matches!(states.last(), Some(PullerState::Waiting(why)) if why.contains(text));
    eventually("it says what is missing", async || told("queue `late` has no stream `QUEUE_late`")).await;
    let late = Name::new("late").expect("a name");
    Installation::default().ensure_queue(&site.connection, &late).await.expect("a queue");
    eventually("it is ready", async || states.last() == Some(PullerState::Ready)).await;
    site.put(&Task { queue: late, ..task("echo", "order-1") }).await;
    site.eventually_inputs(1).await;
}

#[tokio::test]
async fn a_consumer_that_an_operator_removed_is_made_anew() {
    let site = Site::start().await;
    let _working = Working::begin(site.worker().activity("echo", echo));
    site.put(&task("echo", "order-1")).await;
    site.eventually_inputs(1).await;
    let stream = site.connection.jetstream().get_stream("QUEUE_default").await.expect("the stream");
    stream.delete_consumer("echo").await.expect("removed");
    site.put(&task("echo", "order-2")).await;
    site.eventually_inputs(2).await;
    site.eventually_queued(0).await;
    let consumer = stream.consumer_info("echo").await.expect("it is there again");
    assert_eq!((consumer.config.ack_policy, consumer.config.ack_wait.as_secs()), (AckPolicy::Explicit, 4));
}

#[tokio::test]
async fn a_consumer_that_an_operator_changed_stays_as_it_is() {
    let site = Site::start().await;
    let stream = site.connection.jetstream().get_stream("QUEUE_default").await.expect("the stream");
    let config = pull::Config {
        durable_name: Some("echo".into()),
        filter_subject: "sagaline.queue.default.echo.>".into(),
        max_ack_pending: 1,
        ..pull::Config::default()
    };
    stream.create_consumer(config).await.expect("created");
    let _working = Working::begin(site.worker().activity("echo", echo));
    for number in 0..5 {
        site.put(&Task { input: json!(number), ..task("echo", &format!("order-{number}")) }).await;
    }
    site.eventually_inputs(5).await;
    let consumer = stream.consumer_info("echo").await.expect("it is there");
    assert_eq!(consumer.config.max_ack_pending, 1);
}

#[tokio::test]
async fn a_consumer_that_cannot_serve_is_told_of() {
    let site = Site::start().await;
    let stream = site.connection.jetstream().get_stream("QUEUE_default").await.expect("the stream");
    let config = pull::Config {
        durable_name: Some("echo".into()),
        filter_subject: "sagaline.queue.default.other.>".into(),
        ..pull::Config::default()
    };
    stream.create_consumer(config).await.expect("created");
    let states = States::default();
    let _working = Working::begin(site.worker().activity("echo", echo).observer(states.clone()));
    let told = |text: &str| matches!(states.last(), Some(PullerState::Waiting(why)) if why.contains(text));
    eventually("it says what to do", async || told("nats consumer rm QUEUE_default echo")).await;
    stream.delete_consumer("echo").await.expect("removed");
    site.put(&task("echo", "order-1")).await;
    site.eventually_inputs(1).await;
}
