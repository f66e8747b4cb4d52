//! A queue fills up.

use std::time::{Duration, Instant};

use sagaline_broker::{ports::Outcome, room::Fill};
use sagaline_sdk::client::Error;
use sagaline_testkit::site::eventually;
use serde_json::Value;

use crate::site::{Site, blob};

/// Its task has twice the size of its start, and waits in a queue of its own.
const SLOW: &str = "\
workflow: slow
steps:
  count: { activity: count, queue: slow, input: { a: \"${ workflow.input }\", b: \"${ workflow.input }\" } }
output: { done: true }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_leads_to_it_is_refused_and_everything_ends_once_workers_come() {
    let site = Site::new().await;
    site.apply(SLOW).await;
    let _orchestrator = site.orchestrator().await;
    let (mut started, refusal) = site.start_until_refused("slow", 50_000).await;
    let Error::NoRoom { fill: Fill { ref stream, .. }, .. } = refusal else { panic!("{refusal}") };
    assert_eq!(stream, "QUEUE_slow");
    site.start("held", "other", Value::Null).await.expect("it leads elsewhere");

    // Some who ignore the word: more tasks than the queue has room for, none of which may be lost, or cost much while they wait.
    for number in 0..20 {
        let id = format!("raw-{number}");
        let outcome = site.raw_start("slow", &id, blob(50_000)).await;
        assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
        started.push(id);
    }
    eventually("the queue takes no more", async || 97 <= site.percent("QUEUE_slow").await).await;
    let _worker = site.worker("slow");
    site.all_complete(&started).await;
    site.starts_are_taken("slow", "later").await;
    site.all_complete(&["later".to_owned()]).await;
}

/// Thousands of tasks that find no room are tried again and again, but not as often as the processor can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_without_room_wait_without_spinning() {
    let site = Site::new().await;
    site.apply(SLOW).await;
    let _orchestrator = site.orchestrator().await;
    // Room for a hundred of a thousand.
    site.set_max_bytes("QUEUE_slow", 50_000).await;
    let started: Vec<String> = (0..1000).map(|number| format!("raw-{number}")).collect();
    for id in &started {
        let outcome = site.raw_start("slow", id, Value::Null).await;
        assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    }
    eventually("all have begun", async || {
        let mut open = site.client.get(&crate::site::called("raw-999")).await.expect("an answer");
        open.take().is_some()
    })
    .await;
    let waiting = site.info("QUEUE_slow").await.state.messages;
    assert!(waiting < 300, "{waiting} tasks found room");
    let (cpu, begun) = (cpu_time(), Instant::now());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let share = (cpu_time() - cpu).as_secs_f64() / begun.elapsed().as_secs_f64();
    eprintln!("900 tasks without room take {:.0} % of a core, the test and all services together", share * 100.0);
    assert!(share < 0.8, "{share}");
    site.set_max_bytes("QUEUE_slow", 4 << 20).await;
    let _worker = site.worker("slow");
    site.all_complete(&started).await;
}

/// Of this process, so far.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a process knows itself");
    let after_name = stat.rsplit_once(')').expect("the name is in brackets").1;
    let fields: Vec<u64> = after_name.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // Of user and system, in hundredths of a second; the state before them is a letter.
    Duration::from_millis((fields[10] + fields[11]) * 10)
}
