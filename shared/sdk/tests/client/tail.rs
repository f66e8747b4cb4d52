//! Following events: from now on, from earlier, by subject, and over whatever happens to the streams and the server.

use sagaline_broker::names::Stream;
use sagaline_events::Envelope;
use sagaline_model::Moment;
use sagaline_sdk::client::{Client, Tail, TailFilter, TailFrom, Tailed, TailedEvent};
use sagaline_testkit::site::Nats;

use crate::common::{client, client_at, soon, tell};

async fn tail(client: &Client, filter: &str, from: TailFrom) -> Tail {
    let filter = TailFilter::parse(client.connection().names().namespace(), filter).expect("a filter");
    client.tail(&filter, from).await.expect("a tail")
}

async fn event(client: &Client, kind: &str, id: u32) {
    client.publish_event(&Envelope::new(id.to_string(), "/test", kind, "{}")).await.expect("published");
}

async fn next(tail: &mut Tail) -> Box<TailedEvent> {
    match soon(tail.next()).await {
        Tailed::Event(event) => event,
        other => panic!("an event was expected, not {other:?}"),
    }
}

async fn ids(tail: &mut Tail, count: usize) -> Vec<String> {
    let mut ids = vec![];
    for _ in 0..count {
        ids.push(next(tail).await.event.id);
    }
    ids
}

#[tokio::test]
async fn what_happens_from_now_on_is_heard_with_its_whole_subject() {
    let client = client().await;
    event(&client, "order.created", 1).await;
    let mut tail = tail(&client, ">", TailFrom::Now).await;
    event(&client, "order.paid", 2).await;
    let heard = next(&mut tail).await;
    let namespace = client.connection().names().namespace().to_owned();
    assert_eq!((heard.subject, heard.event.id), (format!("{namespace}.events.order.paid"), "2".to_owned()));

    tell(client.connection(), "step", "completed", "o-1", "{}").await;
    let heard = next(&mut tail).await;
    // Told without the headers of a CloudEvent: nobody knows of which execution it is, but that it is.
    assert_eq!(heard.subject, format!("{namespace}.lifecycle.step.completed.order"));
}

#[tokio::test]
async fn the_newest_come_first_and_then_what_happens() {
    let client = client().await;
    for id in 1..=5 {
        event(&client, "order.created", id).await;
    }
    let mut last = tail(&client, "events.order.*", TailFrom::Last(2)).await;
    event(&client, "order.created", 6).await;
    assert_eq!(ids(&mut last, 3).await, ["4", "5", "6"]);
    let mut more = tail(&client, "events", TailFrom::Last(100)).await;
    assert_eq!(ids(&mut more, 6).await, ["1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn only_what_matches_is_heard() {
    let client = client().await;
    for (id, kind) in [(1, "order.created"), (2, "mail.sent"), (3, "order.paid"), (4, "order.a.b")] {
        event(&client, kind, id).await;
    }
    let since = Moment::EPOCH;
    let mut orders = tail(&client, "events.order.*", TailFrom::Since(since)).await;
    assert_eq!(ids(&mut orders, 2).await, ["1", "3"]);
    let mut all = tail(&client, "events.order.>", TailFrom::Since(since)).await;
    assert_eq!(ids(&mut all, 3).await, ["1", "3", "4"]);
}

#[tokio::test]
async fn the_events_of_one_execution_are_told_from_those_of_others() {
    let client = client().await;
    let mut one = tail(&client, "lifecycle.*.*.*.o-2", TailFrom::Now).await;
    for (number, execution) in ["o-1", "o-2", "o-3", "o-2"].into_iter().enumerate() {
        let names = client.connection().names();
        let mut headers = async_nats::HeaderMap::new();
        let id = number.to_string();
        for (name, value) in
            [("specversion", "1.0"), ("id", &*id), ("source", "/t"), ("type", "t"), ("subject", execution)]
        {
            headers.insert(format!("ce-{name}"), value);
        }
        let subject = names.lifecycle("step", "completed", "order", execution);
        client.connection().client().publish_with_headers(subject, headers, "{}".into()).await.expect("published");
    }
    assert_eq!(ids(&mut one, 2).await, ["1", "3"]);
}

#[tokio::test]
async fn what_is_removed_before_it_was_read_is_told_as_lost() {
    const EVENTS: u32 = 3000;
    let client = client().await;
    for id in 1..=EVENTS {
        let subject = client.connection().names().event("order.created");
        let mut headers = async_nats::HeaderMap::new();
        for (name, value) in [("specversion", "1.0"), ("id", &*id.to_string()), ("source", "/t"), ("type", "t")] {
            headers.insert(format!("ce-{name}"), value);
        }
        client.connection().client().publish_with_headers(subject, headers, "".into()).await.expect("published");
    }
    client.connection().client().flush().await.expect("a flush");
    let mut slow = tail(&client, "events.>", TailFrom::Last(EVENTS as usize)).await;
    drop(ids(&mut slow, EVENTS as usize).await);

    let mut slow = tail(&client, "events.>", TailFrom::Since(Moment::EPOCH)).await;
    assert_eq!(ids(&mut slow, 1).await, ["1"]);
    let stream = client.connection().names().stream(Stream::Events);
    let stream = client.connection().jetstream().get_stream(stream).await.expect("the stream");
    stream.purge().sequence(2901).await.expect("purged");

    // What was read ahead comes; then the loss; then the rest, whole.
    let (mut heard, mut lost) = (2, None);
    loop {
        match soon(slow.next()).await {
            Tailed::Event(event) => {
                assert_eq!(event.sequence, heard, "nothing is left out unsaid");
                heard += 1;
                if event.sequence == u64::from(EVENTS) {
                    break;
                }
            }
            Tailed::Lost { first, last, .. } => {
                assert_eq!((first, last), (heard, 2900));
                (lost, heard) = (Some(last), last + 1);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(lost, Some(2900));
}

#[tokio::test]
async fn after_a_cut_it_goes_on_from_where_it_was_and_says_so() {
    let mut server = Nats::start("tail").await;
    let client = client_at(&server.url(), server.installation()).await;
    let mut tail = tail(&client, "events.>", TailFrom::Now).await;
    event(&client, "order.created", 1).await;
    assert_eq!(ids(&mut tail, 1).await, ["1"]);

    server.kill().await;
    server.restart().await;
    for id in 2..=4 {
        event(&client, "order.created", id).await;
    }
    let (mut heard, mut news) = (vec![], vec![]);
    while heard.len() < 3 {
        match soon(tail.next()).await {
            Tailed::Event(event) => heard.push(event.event.id),
            other => news.push(other),
        }
    }
    assert_eq!(heard, ["2", "3", "4"]);
    let said = |wanted: fn(&Tailed) -> bool| news.iter().any(wanted);
    assert!(said(|news| matches!(news, Tailed::CutOff { .. })), "{news:?}");
    assert!(said(|news| matches!(news, Tailed::Back { .. })), "{news:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_made_anew_is_read_from_its_beginning() {
    let client = client().await;
    let mut tail = tail(&client, "events.>", TailFrom::Now).await;
    for id in 1..=3 {
        event(&client, "order.created", id).await;
    }
    assert_eq!(ids(&mut tail, 3).await, ["1", "2", "3"]);
    let name = client.connection().names().stream(Stream::Events);
    let jetstream = client.connection().jetstream();
    let config = jetstream.get_stream(&name).await.expect("the stream").cached_info().config.clone();
    jetstream.delete_stream(&name).await.expect("deleted");
    jetstream.create_stream(config).await.expect("made anew");
    event(&client, "order.created", 4).await;

    let mut news = vec![];
    let heard = loop {
        match soon(tail.next()).await {
            Tailed::Event(event) => break event.event.id,
            other => news.push(other),
        }
    };
    assert_eq!(heard, "4");
    assert!(news.iter().any(|news| matches!(news, Tailed::Anew { .. })), "{news:?}");
}
