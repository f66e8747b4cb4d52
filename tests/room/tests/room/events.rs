//! Events that find no room for what they start.

use sagaline_sdk::client::Error;
use sagaline_telemetry::Health;
use sagaline_testkit::site::eventually;
use sagaline_trigger::execution_of;

use crate::site::{Running, Site, event};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_wait_and_start_what_they_are_for_when_there_is_room() {
    let site = Site::new().await;
    let _orchestrator = site.orchestrator().await;
    let _worker = site.worker("default");
    let settings = sagaline_trigger::Settings::new(site.nats.url(), "sagaline");
    let _trigger = Running::begin(async move |stop| {
        sagaline_trigger::run(settings, Health::new(), stop).await.expect("a trigger");
    });
    let (started, refusal) = site.start_until_refused("held", 90_000).await;
    assert!(matches!(refusal, Error::NoRoom { .. }), "{refusal}");
    let mut by_event = vec![];
    for number in 0..10 {
        let event = event(&format!("e-{number}"), 1000);
        site.client.publish_event(&event).await.expect("published");
        let workflow = sagaline_model::Name::new("held").expect("a name");
        by_event.push(execution_of(&workflow, "/room", &event.id).to_string());
    }
    eventually("all events have come to the trigger", async || {
        let stream = site.connection.jetstream().get_stream("EVENTS").await.expect("the stream");
        let Ok(consumer) = stream.consumer_info("trigger").await else { return false };
        consumer.num_pending == 0 && consumer.num_ack_pending == 10
    })
    .await;
    for id in &by_event {
        assert!(site.client.get(&crate::site::called(id)).await.expect("an answer").is_none(), "{id} was started");
    }

    site.signal(&started).await;
    site.all_complete(&started).await;
    for id in &by_event {
        eventually(&format!("{id} is started"), async || {
            site.client.get(&crate::site::called(id)).await.expect("an answer").is_some()
        })
        .await;
    }
    site.signal(&by_event).await;
    site.all_complete(&by_event).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_publishes_more_than_the_stream_takes_is_told() {
    let site = Site::new().await;
    for number in 0..100 {
        match site.client.publish_event(&event(&format!("e-{number}"), 90_000)).await {
            Ok(_) => {}
            Err(error) => {
                assert!(number > 2, "{error}");
                let told = error.to_string();
                assert!(told.starts_with(&format!("there is no room to publish the event `e-{number}`")), "{told}");
                return;
            }
        }
    }
    panic!("everything was taken");
}
