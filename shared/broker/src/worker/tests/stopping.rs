//! What stops an attempt or its worker: a notice, a copy that runs here already, the end of the process.

use std::time::Duration;

use sagaline_events::Task;
use serde_json::{Value, json};
use tokio::task::yield_now;

use super::{
    super::{Acknowledgement, Delivery, Ended, Served, Stop, TaskPorts},
    done,
    fake::{Did, Script, World, delivery, task},
    published, serve_one, serving, succeeds,
};

#[tokio::test(start_paused = true)]
async fn a_revoked_attempt_is_cancelled_and_its_result_concerns_nobody() {
    let world = World::new();
    let served = serving(&world, Script::Heeds, delivery(&world, &task()), &Stop::default());
    tokio::time::sleep(Duration::from_millis(10)).await;
    world.running().notice("order-2", br#"{"revoked":{"path":"charge","attempt":1}}"#);
    world.running().notice("order-1", br#"{"revoked":{"path":"charge","attempt":2}}"#);
    world.running().notice("order-1", b"not a notice");
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(!served.is_finished(), "none of these named it");
    world.running().notice("order-1", br#"{"revoked":{"path":"charge","attempt":1}}"#);
    assert_eq!(served.await.expect("it ends"), Served::Revoked);
    assert_eq!(world.did(), [Did::Ran(json!(7)), done("ack.1")]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_to_tidy_up_is_cancelled_and_its_result_is_told() {
    let world = World::new();
    let served = serving(&world, Script::Heeds, delivery(&world, &task()), &Stop::default());
    tokio::time::sleep(Duration::from_millis(10)).await;
    world.running().notice("order-1", br#"{"cleanup":{"path":"charge","attempt":1}}"#);
    assert_eq!(served.await.expect("it ends"), Served::Answered);
    assert_eq!(world.did().last(), Some(&done("ack.1")));
    assert_eq!(world.did().len(), 3, "it ran, it answered, and it was acknowledged: {:?}", world.did());
    // Whoever does not wait for it after all has the last word.
    let served = serving(&world, Script::Heeds, delivery(&world, &task()), &Stop::default());
    tokio::time::sleep(Duration::from_millis(10)).await;
    world.running().notice("order-1", br#"{"revoked":{"path":"charge","attempt":1}}"#);
    world.running().notice("order-1", br#"{"cleanup":{"path":"charge","attempt":1}}"#);
    assert_eq!(served.await.expect("it ends"), Served::Revoked);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_runs_here_already_is_not_run_again() {
    let world = World::new();
    let script = Script::Ends(Ended::Succeeded(Value::Null), Duration::from_millis(500));
    let first = serving(&world, script.clone(), delivery(&world, &task()), &Stop::default());
    yield_now().await;
    let second = Delivery { delivered: 2, reply: "ack.2".into(), ..delivery(&world, &task()) };
    assert_eq!(serve_one(&world, script, &second).await, Served::Joined);
    assert_eq!(first.await.expect("it ends"), Served::Answered);
    // Between an answer of the owner and the second start the first could have stored its result: nobody is asked.
    assert_eq!(world.did(), [Did::Ran(json!(7)), published("step_succeeded"), done("ack.2")]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_drains_begins_nothing_and_finishes_what_runs() {
    let world = World::new();
    let stop = Stop::default();
    let script = Script::Ends(Ended::Succeeded(Value::Null), Duration::from_millis(500));
    let running = serving(&world, script, delivery(&world, &task()), &stop);
    let other = Task { path: "ship".to_owned().try_into().expect("a path"), ..task() };
    let asking = Delivery { delivered: 2, reply: "ack.2".into(), ..delivery(&world, &other) };
    let asking = serving(&world, succeeds(), asking, &stop);
    yield_now().await;
    stop.drain.cancel();
    let late = serving(&world, succeeds(), Delivery { reply: "ack.3".into(), ..delivery(&world, &task()) }, &stop);
    assert_eq!(asking.await.expect("it ends"), Served::Released);
    assert_eq!(late.await.expect("it ends"), Served::Released);
    assert_eq!(running.await.expect("it ends"), Served::Answered);
    for reply in ["ack.2", "ack.3"] {
        assert!(world.did().contains(&Did::Told(Acknowledgement::Again, reply.into())), "{reply}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_off_goes_back_to_the_queue() {
    let world = World::new();
    let stop = Stop::default();
    let served = serving(&world, Script::Ignores, delivery(&world, &task()), &stop);
    yield_now().await;
    stop.drain.cancel();
    stop.release.cancel();
    assert_eq!(served.await.expect("it ends"), Served::Released);
    assert_eq!(world.did(), [Did::Ran(json!(7)), Did::Told(Acknowledgement::Again, "ack.1".into())]);
    assert_eq!(world.running().count(), 0);
}
