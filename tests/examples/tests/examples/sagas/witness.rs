//! The activities of these tests, and what they wrote down. What they do is said by their input.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sagaline_events::{record::Status, saga::SagaView};
use sagaline_model::ExecutionId;
use sagaline_sdk::worker::{ActivityContext, ActivityError, Worker};
use sagaline_testkit::site::{eventually, eventually_within};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::site::{Site, site};

/// One run of one attempt.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) activity: String,
    pub(crate) step: String,
    pub(crate) key: String,
    pub(crate) attempt: u32,
    pub(crate) input: Value,
    begun: Instant,
    ended: Option<Instant>,
    pub(crate) succeeded: bool,
}

static RUNS: LazyLock<Mutex<BTreeMap<String, Vec<Run>>>> = LazyLock::new(Mutex::default);
/// What is broken now, by name.
static BROKEN: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that ran for this execution, in the order in which it began.
pub(crate) fn runs(execution: &ExecutionId) -> Vec<Run> {
    lock(&RUNS).get(execution.as_str()).cloned().unwrap_or_default()
}

/// The successful runs that undid something, in the order in which they began: the paths of the steps.
pub(crate) fn undone(execution: &ExecutionId) -> Vec<String> {
    let undo = runs(execution).into_iter().filter(|run| run.succeeded);
    undo.filter_map(|run| run.step.split_once("/~undo").map(|(step, _)| step.to_owned())).collect()
}

/// What undid the steps, by its activity.
pub(crate) fn undone_by(execution: &ExecutionId) -> Vec<String> {
    let undo = runs(execution).into_iter().filter(|run| run.succeeded && run.step.contains("/~undo"));
    undo.map(|run| run.activity).collect()
}

/// The one run that undid this step.
#[track_caller]
pub(crate) fn the_undo(execution: &ExecutionId, step: &str) -> Run {
    let of_step = |run: &Run| run.succeeded && run.step.split_once("/~undo").is_some_and(|(undone, _)| undone == step);
    let mut found: Vec<Run> = runs(execution).into_iter().filter(of_step).collect();
    assert_eq!(found.len(), 1, "`{step}` of {execution} is not undone once: {:#?}", runs(execution));
    found.remove(0)
}

impl Run {
    /// Whether it had ended before the other one began.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        self.ended.is_some_and(|ended| ended <= other.begun)
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        !self.is_before(other) && !other.is_before(self)
    }
}

pub(crate) fn breaks(what: &str) {
    lock(&BROKEN).insert(what.to_owned());
}

pub(crate) fn mend(what: &str) {
    lock(&BROKEN).remove(what);
}

/// A worker with the activities of these tests.
pub(crate) fn serve(mut worker: Worker) -> Worker {
    for name in ["act.do", "act.undo"] {
        worker = worker.activity(name, async |context: ActivityContext, input: Value| {
            let place = begin(&context, &input);
            let answer = act(&context, &input).await;
            end(&context, place, answer.is_ok());
            answer
        });
    }
    const SHOP: [&str; 10] = [
        "shop.validate",
        "shop.reserve",
        "shop.release",
        "shop.pay",
        "shop.refund",
        "shop.ship",
        "shop.call_back",
        "shop.confirm",
        "shop.notify",
        "shop.mark_failed",
    ];
    for name in SHOP {
        worker = worker.activity(name, async |context: ActivityContext, input: Value| {
            let place = begin(&context, &input);
            let answer = shop(context.activity(), &input);
            end(&context, place, answer.is_ok());
            answer
        });
    }
    worker
}

fn begin(context: &ActivityContext, input: &Value) -> usize {
    let run = Run {
        activity: context.activity().to_owned(),
        step: context.step().to_owned(),
        key: context.idempotency_key().to_owned(),
        attempt: context.attempt(),
        input: input.clone(),
        begun: Instant::now(),
        ended: None,
        succeeded: false,
    };
    let mut all = lock(&RUNS);
    let of_this = all.entry(context.execution().to_owned()).or_default();
    of_this.push(run);
    of_this.len() - 1
}

fn end(context: &ActivityContext, place: usize, succeeded: bool) {
    if let Some(run) = lock(&RUNS).get_mut(context.execution()).and_then(|runs| runs.get_mut(place)) {
        (run.ended, run.succeeded) = (Some(Instant::now()), succeeded);
    }
}

/// Takes `ms`, then fails if `fail` says so or `broken` is broken, and gives `give` otherwise. With `deaf` it takes its time whatever it is
/// told; without, it stops when nobody waits for it any more.
async fn act(context: &ActivityContext, input: &Value) -> Result<Value, ActivityError> {
    let time = sleep(Duration::from_millis(input["ms"].as_u64().unwrap_or_default()));
    if input["deaf"] == true {
        time.await;
    } else {
        tokio::select! {
            () = time => {}
            () = context.cancellation().cancelled() => return Err(ActivityError::new("Stopped", "nobody waits for it")),
        }
    }
    let broken = input["broken"].as_str().is_some_and(|what| lock(&BROKEN).contains(what));
    match (input["fail"].as_str(), broken) {
        (Some(kind), _) => Err(ActivityError::new(kind, "as it was told to").not_retryable()),
        (None, true) => Err(ActivityError::new("Broken", "it does not answer")),
        (None, false) => Ok(input["give"].clone()),
    }
}

/// An order is named after where it fails.
fn shop(activity: &str, input: &Value) -> Result<Value, ActivityError> {
    let verb = activity.trim_start_matches("shop.");
    let order = input["order"].as_str().or(input["order_id"].as_str()).unwrap_or_default();
    if order == format!("fails-to-{verb}") {
        return Err(ActivityError::new("AsNamed", format!("it cannot {verb}")).not_retryable());
    }
    match verb {
        "reserve" => Ok(json!({ "reservation": format!("r-{order}") })),
        "pay" => Ok(json!({ "payment": format!("p-{order}") })),
        "ship" => Ok(json!({ "shipment": format!("s-{order}") })),
        "call_back" if input["shipment"] == "s-gone-and-fails-to-confirm" => {
            Err(ActivityError::new("OnItsWay", "it has left").not_retryable())
        }
        "confirm" if order == "gone-and-fails-to-confirm" => {
            Err(ActivityError::new("AsNamed", "it cannot confirm").not_retryable())
        }
        _ => Ok(Value::Null),
    }
}

/// The site, with these definitions applied.
pub(crate) async fn with(definitions: &str) -> Site {
    let site = site().await;
    site.apply(definitions, "sagas.yaml").await;
    site
}

pub(crate) async fn is(site: &Site, execution: &ExecutionId, status: Status) {
    eventually_within(Duration::from_secs(40), &format!("{execution} is {}", status.as_str()), async || {
        site.client.get(execution).await.expect("an answer").is_some_and(|view| view.status == status)
    })
    .await;
}

pub(crate) async fn saga(site: &Site, execution: &ExecutionId) -> SagaView {
    site.client.saga(execution).await.expect("an answer").expect("it has a saga")
}

/// Waits until a run of this step has begun.
pub(crate) async fn began(execution: &ExecutionId, step: &str) {
    eventually(&format!("`{step}` of {execution} begins"), async || runs(execution).iter().any(|run| run.step == step))
        .await;
}
