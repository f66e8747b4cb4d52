//! Servers that die and come back, and workers that are gone.

use std::time::Duration;

use sagaline_events::ask::Answer;
use sagaline_sdk::worker::{ActivityContext, Task, Worker};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::common::{Notes, Site, Working, eventually, now, task};

/// That of the consumers which workers make.
const ACK_WAIT: Duration = Duration::from_secs(4);

/// The worker with an activity `slow`, which notes that it begins, and ends when the gate is opened.
fn waiting_at(worker: Worker, notes: &Notes, gate: &CancellationToken) -> Worker {
    let (notes, gate) = (notes.clone(), gate.clone());
    worker.activity("slow", move |context: ActivityContext, _: Value| {
        let (notes, gate) = (notes.clone(), gate.clone());
        async move {
            notes.note(context.execution());
            gate.cancelled().await;
            Ok("done")
        }
    })
}

#[tokio::test]
async fn a_result_outlives_the_death_of_the_server() {
    let mut site = Site::start().await;
    let (notes, gate) = (Notes::default(), CancellationToken::new());
    let _working = Working::begin(waiting_at(site.worker(), &notes, &gate));
    eventually("the worker waits for tasks", async || site.is_waited_for("slow").await).await;
    for execution in ["order-1", "order-2"] {
        // Caused in this session, and before the next: a copy that comes then is asked about.
        site.put(&Task { cause: now(), ..task("slow", execution) }).await;
    }
    notes.eventually(2).await;
    site.server.kill().await;
    gate.cancel();
    // The results are ready while there is nobody to store them.
    tokio::time::sleep(Duration::from_millis(300)).await;
    site.server.restart().await;
    // An owner answers by what is on the log: as long as the test does not know it, copies of the tasks wait.
    site.eventually_inputs(2).await;
    let _owner = site.owner(|| Answer::Wanted(false)).await;
    site.eventually_queued(0).await;
    assert_eq!(notes.all().len(), 2, "each ran once");
}

/// A server that was killed gives out again what it gave out last, to anybody. The owner cannot tell: there is no result yet.
#[tokio::test]
async fn what_one_worker_is_at_work_on_does_not_begin_in_another_after_the_server_was_killed() {
    const TASKS: usize = 16;
    let mut site = Site::start().await;
    let (notes, gate) = (Notes::default(), CancellationToken::new());
    // Slots are left for what comes again.
    let begin = || Working::begin(waiting_at(site.worker().concurrency(2 * TASKS), &notes, &gate));
    let _working = [begin(), begin()];
    eventually("the workers wait for tasks", async || site.is_waited_for("slow").await).await;
    for number in 0..TASKS {
        site.put(&Task { cause: now(), ..task("slow", &format!("order-{number}")) }).await;
    }
    notes.eventually(TASKS).await;
    site.server.kill().await;
    site.server.restart().await;
    eventually("the test is connected again", async || site.connection.is_connected()).await;
    let ended = gate.clone();
    let _owner = site.owner(move || Answer::Wanted(!ended.is_cancelled())).await;
    // So long that whatever nobody shows a sign of life for is given out a second time.
    tokio::time::sleep(ACK_WAIT * 2).await;
    let mut begun = notes.all();
    begun.sort();
    begun.dedup();
    assert_eq!((begun.len(), notes.all().len()), (TASKS, TASKS), "each began once: {:?}", notes.all());
    gate.cancel();
    site.eventually_inputs(TASKS).await;
    site.eventually_queued(0).await;
    assert_eq!((site.inputs().await.len(), notes.all().len()), (TASKS, TASKS));
}

#[tokio::test]
async fn a_worker_that_waits_for_tasks_goes_on_after_the_server_was_killed() {
    let mut site = Site::start().await;
    let echo = |_: ActivityContext, input: Value| async { Ok(input) };
    let _working = Working::begin(site.worker().activity("echo", echo));
    site.put(&task("echo", "order-1")).await;
    site.eventually_inputs(1).await;
    for number in 2..5 {
        site.server.kill().await;
        site.server.restart().await;
        eventually("the test is connected again", async || site.connection.is_connected()).await;
        site.put(&task("echo", &format!("order-{number}"))).await;
        site.eventually_inputs(number).await;
    }
    site.eventually_queued(0).await;
}

#[tokio::test]
async fn the_tasks_of_a_worker_that_is_gone_are_asked_about_and_run_elsewhere() {
    let site = Site::start().await;
    let owner = site.owner(|| Answer::Wanted(true)).await;
    let notes = Notes::default();
    let noted = notes.clone();
    let hangs = move |_: ActivityContext, _: Value| {
        noted.note("hangs");
        std::future::pending::<Result<(), _>>()
    };
    let gone = Working::begin(site.worker().activity("work", hangs));
    site.put(&task("work", "order-1")).await;
    notes.eventually(1).await;
    // Its future is dropped: nothing of it goes on.
    gone.running.abort();
    let echo = |_: ActivityContext, _: Value| async { Ok("done") };
    let _working = Working::begin(site.worker().activity("work", echo));
    site.eventually_inputs(1).await;
    assert_eq!(owner.asked(), 1);
    site.eventually_queued(0).await;
}
