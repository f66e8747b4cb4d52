//! Several queues, one worker: who gets how much of it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sagaline_events::task::TASK_TYPE;
use sagaline_model::{ActivityName, Moment, Name, QueuePause, QueueSettings};
use sagaline_sdk::worker::{ActivityContext, Observer, Task, Worker};
use serde_json::Value;

use crate::common::{Site, Working, eventually, now, task};

/// The queues of all attempts, in the order in which they ended.
#[derive(Clone, Default)]
struct Ended(Arc<Mutex<Vec<Name>>>);

impl Observer for Ended {
    fn ended(&self, task: &Task, _: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(task.queue.clone());
    }
}

impl Ended {
    fn first(&self, count: usize) -> Vec<Name> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().take(count).cloned().collect()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// Puts so many tasks into a queue, without waiting for each.
async fn fill(site: &Site, queue: &str, count: usize) {
    let (names, client) = (site.connection.names(), site.connection.client());
    for number in 0..count {
        let task = Task { queue: name(queue), ..task("work", &format!("{queue}-{number}")) };
        let subject = names.task(queue, &task.activity, task.execution.as_str(), task.path.as_str(), 1);
        let mut headers = async_nats::HeaderMap::new();
        for (header, value) in [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/t"), ("ce-type", TASK_TYPE)]
        {
            headers.insert(header, value);
        }
        let payload = serde_json::to_vec(&task).expect("a task has text keys only");
        client.publish_with_headers(subject, headers, payload.into()).await.expect("published");
    }
    let stream = names.queue_stream(queue);
    let count = u64::try_from(count).expect("few");
    eventually("all are stored", async || {
        let mut stream = site.connection.jetstream().get_stream(&stream).await.expect("the queue");
        stream.info().await.expect("the queue").state.messages == count
    })
    .await;
}

async fn work(_: ActivityContext, _: Value) -> Result<(), sagaline_sdk::worker::ActivityError> {
    Ok(())
}

fn share(ended: &[Name], queue: &str) -> usize {
    ended.iter().filter(|name| name.as_str() == queue).count()
}

fn worker(site: &Site, ended: &Ended) -> Worker {
    let worker = site.worker().concurrency(64).activity("work", work).observer(ended.clone());
    worker.queue("critical").queue("default").queue("low")
}

/// While all three have tasks, each gets what it weighs, within a twentieth of it.
#[tokio::test(flavor = "multi_thread")]
async fn queues_that_are_full_share_a_worker_by_their_weights() {
    let site = Site::start().await;
    for (queue, count) in [("critical", 7_000), ("default", 4_000), ("low", 2_000)] {
        fill(&site, queue, count).await;
    }
    let ended = Ended::default();
    let _working = Working::begin(worker(&site, &ended));
    eventually("10,000 are done", async || 10_000 <= ended.count()).await;
    let first = ended.first(10_000);
    for (queue, wanted) in [("critical", 6_000_usize), ("default", 3_000), ("low", 1_000)] {
        let got = share(&first, queue);
        assert!(got.abs_diff(wanted) <= wanted / 20, "{queue}: {got} of 10,000");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_that_an_operator_changes_count_at_once() {
    let site = Site::start().await;
    for (queue, count) in [("critical", 3_000), ("default", 3_000), ("low", 8_000)] {
        fill(&site, queue, count).await;
    }
    let (low, critical) = (name("low"), name("critical"));
    site.connection.change_queue(&low, |settings| settings.weight = Some(6)).await.expect("changed");
    let ended = Ended::default();
    let working = Working::begin(worker(&site, &ended));
    site.connection.change_queue(&critical, |settings| settings.weight = Some(1)).await.expect("changed");
    eventually("5,000 are done", async || 5_000 <= ended.count()).await;
    let first = ended.first(5_000);
    let (got, wanted) = (share(&first[1_000..], "low"), 2_400_usize);
    assert!(got.abs_diff(wanted) <= wanted / 10, "{got} of 4,000");
    working.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_strict_order_lower_queues_wait() {
    let site = Site::start().await;
    for queue in ["critical", "default", "low"] {
        fill(&site, queue, 2_000).await;
    }
    let ended = Ended::default();
    let worker = worker(&site, &ended).strict(true).concurrency(16);
    let _working = Working::begin(worker);
    eventually("all are done", async || 6_000 <= ended.count()).await;
    let all = ended.first(6_000);
    // What the last tasks of a queue leave of the slots is for the next.
    for (queue, from) in [("critical", 0), ("default", 2_000), ("low", 4_000)] {
        let got = share(&all[from..from + 2_000], queue);
        assert!(2_000 - 16 <= got, "{queue}: {got} of 2,000");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_runs_no_more_often_at_a_time_than_its_limit() {
    let site = Site::start().await;
    for queue in ["critical", "default", "low"] {
        fill(&site, queue, 40).await;
    }
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, seen) = (running.clone(), most.clone());
    let slow = move |_: ActivityContext, _: Value| {
        let (now, seen) = (now.clone(), seen.clone());
        async move {
            seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    };
    let ended = Ended::default();
    let worker = site.worker().concurrency(64).activity("work", slow).observer(ended.clone()).limit("work", 4);
    let _working = Working::begin(worker.queue("critical").queue("default").queue("low"));
    eventually("all are done", async || 120 == ended.count()).await;
    assert_eq!(most.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn the_limit_of_a_queue_and_activity_is_the_servers() {
    let site = Site::start().await;
    let (queue, activity) = (name("default"), ActivityName::new("work").expect("a name"));
    let limit = |most: u32| {
        let activity = activity.clone();
        move |settings: &mut QueueSettings| {
            settings.activities.insert(activity.clone(), most);
        }
    };
    site.connection.change_queue(&queue, limit(3)).await.expect("changed");
    let ended = Ended::default();
    let _working = Working::begin(site.worker().activity("work", work).observer(ended.clone()));
    eventually("it has its consumer", async || site.is_waited_for("work").await).await;
    let stream = site.connection.jetstream().get_stream("QUEUE_default").await.expect("the stream");
    let most = async || stream.consumer_info("work").await.expect("the consumer").config.max_ack_pending;
    assert_eq!(most().await, 3);
    assert!(site.connection.limit_consumer(&queue, &activity, 5).await.expect("changed"));
    assert_eq!(most().await, 5);
    site.put(&task("work", "order-1")).await;
    eventually("it still serves", async || 1 == ended.count()).await;
}

#[tokio::test]
async fn a_consumer_of_a_paused_queue_is_born_paused() {
    let site = Site::start().await;
    let queue = name("default");
    let pause = |at: Moment| {
        move |settings: &mut QueueSettings| {
            settings.paused = Some(QueuePause { at, note: None });
        }
    };
    site.connection.change_queue(&queue, pause(now())).await.expect("changed");
    let ended = Ended::default();
    let _working = Working::begin(site.worker().activity("work", work).observer(ended.clone()));
    eventually("it has its consumer", async || site.is_waited_for("work").await).await;
    let stream = site.connection.jetstream().get_stream("QUEUE_default").await.expect("the stream");
    site.put(&task("work", "order-1")).await;
    let info = stream.consumer_info("work").await.expect("the consumer");
    assert!(info.paused && info.num_pending == 1 && ended.count() == 0, "{info:?}");
    site.connection.change_queue(&queue, |settings| settings.paused = None).await.expect("changed");
    assert!(site.connection.pause_consumer(&queue, "work", false).await.expect("resumed"));
    eventually("it runs", async || 1 == ended.count()).await;
}
