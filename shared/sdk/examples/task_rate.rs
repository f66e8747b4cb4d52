//! How many tasks a worker serves a second when its activity does nothing: `cargo run --release -p sagaline-sdk --example task_rate`.
//!
//! It starts a nats-server of its own, fills a queue, and measures a worker on one thread from its first result to its last.

#![expect(clippy::print_stdout, reason = "it is there for its figure")]

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::jetstream::{self, stream::RetentionPolicy};
use futures::{StreamExt, future::join_all};
use sagaline_broker::{
    names::Names,
    nats::{Installation, connect},
};
use sagaline_events::task::TASK_TYPE;
use sagaline_model::{ActivityName, ExecutionId, Moment, Name};
use sagaline_sdk::worker::{ActivityContext, ActivityError, Task, Worker};
use sagaline_server::{Finder, Server, ServerOptions};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const TASKS: usize = 200_000;
const CONCURRENCY: usize = 512;
/// What fills the queue at a time.
const CHUNK: usize = 2_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("sagaline-task-rate-{}", std::process::id()));
    let binary = Finder::from_env().find_or_install(|_| ())?;
    let mut server = Server::start(ServerOptions::new(binary, &folder)).await?;
    let connection = connect(&server.url(), "sagaline", "task-rate").await?;
    Installation { partitions: 1, ..Installation::default() }.ensure(&connection).await?;
    fill(connection.jetstream(), connection.names()).await?;

    let results = connection.client().subscribe(connection.names().run_all(0)).await?;
    let (done, shutdown) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    // Their own thread: who counts is not who is measured.
    let counting = std::thread::spawn({
        let (done, shutdown) = (done.clone(), shutdown.clone());
        move || count(results, &done, &shutdown)
    });
    let ran = done.clone();
    let noop = move |_: ActivityContext, _: Value| {
        let ran = ran.clone();
        async move {
            ran.fetch_add(1, Ordering::Relaxed);
            Ok::<_, ActivityError>(())
        }
    };
    let own = connect(&server.url(), "sagaline", "worker").await?;
    Worker::new(own).concurrency(CONCURRENCY).activity("noop", noop).run(shutdown).await?;
    let took = counting.join().expect("the counting thread does not panic");
    let rate = TASKS as f64 / took.as_secs_f64();
    println!(
        "{}",
        json!({ "tasks": TASKS, "concurrency": CONCURRENCY, "seconds": took.as_secs_f64(), "tasks_per_s": rate.round() })
    );
    server.stop().await;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// From the first result to the last.
fn count(results: async_nats::Subscriber, ran: &AtomicUsize, shutdown: &CancellationToken) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let took = runtime.block_on(async {
        let mut results = results.take(TASKS);
        results.next().await;
        let began = Instant::now();
        while results.next().await.is_some() {}
        began.elapsed()
    });
    assert_eq!(ran.load(Ordering::Relaxed), TASKS, "each ran once");
    shutdown.cancel();
    took
}

async fn fill(jetstream: &jetstream::Context, names: &Names) -> Result<(), Box<dyn Error>> {
    let stream = jetstream.get_stream(names.queue_stream("default")).await?;
    assert_eq!(stream.cached_info().config.retention, RetentionPolicy::WorkQueue);
    for first in (0..TASKS).step_by(CHUNK) {
        let mut stored = Vec::with_capacity(CHUNK);
        for number in first..first + CHUNK {
            let (subject, headers, payload) = task(names, number)?;
            stored.push(jetstream.publish_with_headers(subject, headers, payload.into()).await?.into_future());
        }
        for stored in join_all(stored).await {
            stored?;
        }
    }
    Ok(())
}

fn task(names: &Names, number: usize) -> Result<(String, async_nats::HeaderMap, Vec<u8>), Box<dyn Error>> {
    let (activity, execution) = (ActivityName::new("noop")?, format!("execution-{number}"));
    let subject = names.task("default", &activity, &execution, "step", 1);
    let task = Task {
        workflow: Name::new("rate")?,
        version: 1,
        reply: names.input(&execution, 1),
        ask: names.ask(0),
        idempotency_key: format!("{execution}/step"),
        execution: ExecutionId::new(execution)?,
        path: "step".to_owned().try_into()?,
        attempt: 1,
        queue: Name::new("default")?,
        activity,
        input: json!({ "order": number, "items": ["a", "b", "c"], "amount": 12.5 }),
        // Later than the worker's session, as it is where tasks are served as they come: none is asked about.
        cause: Moment::from_nanos(i64::MAX / 2),
        timeout: None,
        heartbeat: None,
        report: false,
        claim: false,
        begin_by: None,
        metadata: serde_json::Value::Null,
    };
    let mut headers = async_nats::HeaderMap::new();
    for (name, value) in
        [("ce-specversion", "1.0"), ("ce-id", &subject), ("ce-source", "/rate"), ("ce-type", TASK_TYPE)]
    {
        headers.insert(name, value);
    }
    Ok((subject, headers, serde_json::to_vec(&task)?))
}
