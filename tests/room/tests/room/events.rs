//! Events that find no room for what they start.

use async_nats::jetstream::{
    AckKind,
    consumer::{AckPolicy, pull},
};
use futures::StreamExt;
use sagaline_sdk::client::Error;
use sagaline_testkit::site::eventually;
use sagaline_trigger::execution_of;

use crate::site::{Site, event};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_wait_and_start_what_they_are_for_when_there_is_room() {
    let site = Site::new().await;
    let _orchestrator = site.orchestrator().await;
    let _worker = site.worker("default");
    let _trigger = site.trigger();
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

/// The log gave up history, and the consumer of events was made anew: everything comes again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_execution_is_known_starts_no_second_one_though_its_start_has_left_the_log() {
    let site = Site::new().await;
    let orchestrator = site.orchestrator().await;
    let _worker = site.worker("default");
    let asked = event("e-1", 10);
    let execution = execution_of(&sagaline_model::Name::new("held").expect("a name"), "/room", &asked.id).to_string();
    let trigger = site.trigger();
    site.client.publish_event(&asked).await.expect("published");
    let id = crate::site::called(&execution);
    eventually("it is started", async || site.client.get(&id).await.expect("an answer").is_some()).await;
    site.signal(std::slice::from_ref(&execution)).await;
    site.all_complete(std::slice::from_ref(&execution)).await;
    trigger.stop().await;
    orchestrator.stop().await;

    let jetstream = site.connection.jetstream();
    let log = jetstream.get_stream("RUNS_0").await.expect("the log");
    log.purge().keep(1).await.expect("purged");
    let events = jetstream.get_stream("EVENTS").await.expect("the stream");
    let config = pull::Config {
        durable_name: Some("trigger".to_owned()),
        ack_policy: AckPolicy::Explicit,
        filter_subject: site.names().event(">"),
        ..pull::Config::default()
    };
    events.delete_consumer("trigger").await.expect("deleted");
    let consumer = events.create_consumer(config).await.expect("made anew");
    let mut delivered = consumer.fetch().max_messages(1).messages().await.expect("messages");
    let first = delivered.next().await.expect("it comes again").expect("a message");
    first.ack_with(AckKind::Nak(None)).await.expect("given back");

    let _trigger = site.trigger();
    eventually("it is acknowledged", async || {
        let info = events.consumer_info("trigger").await.expect("the consumer");
        info.num_pending == 0 && info.num_ack_pending == 0
    })
    .await;
    let starts = log.get_last_raw_message_by_subject(&site.names().start(&execution, 1)).await;
    assert!(starts.is_err(), "it was started a second time");
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
