//! Following lifecycle events.

use std::sync::{Arc, Mutex};

use sagaline_sdk::client::{LifecycleEvent, LifecycleFilter, SubscriptionSettings};
use tokio::sync::Semaphore;

use crate::common::{client, eventually, tell};

type Seen = Arc<Mutex<Vec<LifecycleEvent>>>;

fn note(seen: &Seen) -> impl Fn(LifecycleEvent) -> std::future::Ready<()> + Clone + Send + use<> {
    let seen = Arc::clone(seen);
    move |event| {
        seen.lock().expect("no panic").push(event);
        std::future::ready(())
    }
}

#[tokio::test]
async fn events_of_an_execution_are_handled_in_order_by_several_workers() {
    let client = client().await;
    let seen = Seen::default();
    let settings = SubscriptionSettings { workers: 4, buffer: 1000 };
    let following = client.subscribe(&LifecycleFilter::default(), settings, note(&seen)).await.expect("a subscription");
    for number in 0..200 {
        let execution = format!("o-{}", number % 5);
        tell(client.connection(), "step", "completed", &execution, &format!(r#"{{"n":{number}}}"#)).await;
    }
    eventually("all are handled", || following.lag().handled == 200).await;
    let seen = seen.lock().expect("no panic");
    for execution in 0..5 {
        let of_it = seen.iter().filter(|event| event.execution == format!("o-{execution}"));
        let numbers: Vec<u64> =
            of_it.map(|event| event.read::<serde_json::Value>().expect("JSON")["n"].as_u64().expect("n")).collect();
        assert!(numbers.len() == 40 && numbers.is_sorted(), "{numbers:?}");
    }
    assert_eq!((following.lag().dropped, following.lag().gaps), (0, 0));
}

#[tokio::test]
async fn only_what_passes_the_filter_is_heard() {
    let client = client().await;
    let seen = Seen::default();
    let filter =
        LifecycleFilter { kind: Some("workflow".into()), execution: Some("o-1".into()), ..LifecycleFilter::default() };
    let following =
        client.subscribe(&filter, SubscriptionSettings::default(), note(&seen)).await.expect("a subscription");
    for (kind, what, execution) in [
        ("workflow", "started", "o-1"),
        ("step", "completed", "o-1"),
        ("workflow", "started", "o-2"),
        ("workflow", "failed", "o-1"),
    ] {
        tell(client.connection(), kind, what, execution, "{}").await;
    }
    eventually("both are handled", || following.lag().handled == 2).await;
    let whats: Vec<_> = seen.lock().expect("no panic").iter().map(|event| event.what.clone()).collect();
    assert_eq!(whats, ["started", "failed"]);
}

#[tokio::test]
async fn what_comes_too_fast_is_dropped_and_counted_and_said() {
    let client = client().await;
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let slow = {
        let (seen, gate) = (Arc::clone(&seen), Arc::clone(&gate));
        move |event: LifecycleEvent| {
            let (seen, gate) = (Arc::clone(&seen), Arc::clone(&gate));
            async move {
                gate.acquire().await.expect("open").forget();
                seen.lock().expect("no panic").push(event);
            }
        }
    };
    let settings = SubscriptionSettings { workers: 1, buffer: 2 };
    let following = client.subscribe(&LifecycleFilter::default(), settings, slow).await.expect("a subscription");
    let tell_many = async |from: u64, count: u64| {
        for number in from..from + count {
            tell(client.connection(), "step", "completed", "o-1", &format!(r#"{{"n":{number}}}"#)).await;
        }
    };
    tell_many(0, 1).await;
    // One is in the handler, two wait, the rest finds no room.
    tell_many(1, 9).await;
    eventually("all are received", || following.lag().received == 10).await;
    let dropped = following.lag().dropped;
    assert!((7..=8).contains(&dropped), "{dropped}");

    gate.add_permits(100);
    eventually("what waited is handled", || following.lag().handled == 10 - dropped).await;
    tell_many(10, 1).await;
    eventually("the next is handled", || following.lag().handled == 11 - dropped).await;
    // Which event is the one after a gap depends on when the handler took the first; together they say all that is missing.
    let told: u64 = seen.lock().expect("no panic").iter().map(|event| event.missed).sum();
    assert_eq!(told, dropped, "the event after a gap says how much is missing");
}
