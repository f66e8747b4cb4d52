//! Workers that run every attempt twice, to find what is not idempotent.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sagaline_broker::names::Stream;
use sagaline_events::Input;
use sagaline_sdk::worker::{ActivityContext, ActivityError, Observer, Outcome, Task, Worker};
use serde_json::{Value, json};

use crate::common::{Notes, Site, Working, eventually, task};

/// Notes what differed.
struct Hearing(Notes);

impl Observer for Hearing {
    fn begins(&self, task: &Task) {
        self.0.note(format!("{} begins", task.activity));
    }

    fn differed(&self, task: &Task) {
        self.0.note(format!("{} differed", task.activity));
    }
}

/// An activity that counts how often it runs, for whatever reason.
fn counter(worker: Worker, runs: &Arc<AtomicU32>) -> Worker {
    let runs = runs.clone();
    worker.activity("count", move |_: ActivityContext, _: Value| {
        let n = runs.fetch_add(1, Ordering::Relaxed) + 1;
        async move { Ok(json!({ "n": n })) }
    })
}

/// What was told of differences.
async fn differences(site: &Site) -> Vec<Value> {
    let stored = site.stored(&site.connection.names().stream(Stream::Lifecycle)).await;
    let told = stored.into_iter().filter(|(kind, _)| kind == "sagaline.step.differed.v1");
    told.map(|(_, data)| serde_json::from_slice(&data).expect("JSON")).collect()
}

fn output(inputs: &[Input]) -> &Value {
    let [Input::StepSucceeded(success)] = inputs else { panic!("one success: {inputs:?}") };
    &success.output
}

#[tokio::test]
async fn what_goes_by_its_idempotency_key_runs_twice_and_nothing_is_told() {
    let (site, runs) = (Site::start().await, Arc::new(AtomicU32::new(0)));
    let (charged, count) = (Arc::new(Mutex::new(HashMap::<String, u64>::new())), runs.clone());
    let charge = move |context: ActivityContext, amount: u64| {
        let (charged, count) = (charged.clone(), count.clone());
        async move {
            count.fetch_add(1, Ordering::Relaxed);
            let mut charged = charged.lock().expect("whole");
            let number = charged.len();
            let receipt = *charged.entry(context.idempotency_key().to_owned()).or_insert(number as u64);
            Ok(json!({ "receipt": receipt, "amount": amount }))
        }
    };
    let _working = Working::begin(site.worker().twice(true).activity("charge", charge));
    site.put(&Task { input: json!(5), ..task("charge", "e-1") }).await;
    site.eventually_queued(0).await;
    assert_eq!(output(&site.inputs().await), &json!({"receipt": 0, "amount": 5}));
    site.put(&Task { input: json!(6), ..task("charge", "e-2") }).await;
    site.eventually_queued(0).await;
    assert_eq!((runs.load(Ordering::Relaxed), differences(&site).await), (4, vec![]));
}

#[tokio::test]
async fn what_does_its_work_again_is_told_and_the_first_result_counts() {
    let (site, runs, heard) = (Site::start().await, Arc::new(AtomicU32::new(0)), Notes::default());
    let worker = counter(site.worker(), &runs).observer(Hearing(heard.clone())).twice(true);
    let _working = Working::begin(worker);
    site.put(&task("count", "e-1")).await;
    site.eventually_queued(0).await;
    assert_eq!(output(&site.inputs().await), &json!({"n": 1}));
    eventually("it is told", async || !differences(&site).await.is_empty()).await;
    let told = differences(&site).await;
    let [told] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&told["execution"], &told["step"], &told["attempt"]), (&json!("e-1"), &json!("charge"), &json!(1)));
    assert_eq!((&told["first"], &told["second"]), (&json!(r#"gave {"n":1}"#), &json!(r#"gave {"n":2}"#)), "{told}");
    assert_eq!(heard.all(), ["count begins", "count differed"], "it is one attempt");
}

#[tokio::test]
async fn a_failure_or_a_panic_after_a_success_is_told_and_the_success_counts() {
    let site = Site::start().await;
    let seen = Notes::default();
    let create = move |context: ActivityContext, panics: bool| {
        let seen = seen.clone();
        async move {
            let key = context.idempotency_key().to_owned();
            match (seen.all().contains(&key), panics) {
                (false, _) => {
                    seen.note(key);
                    Ok("created")
                }
                (true, true) => panic!("it is there"),
                (true, false) => Err(ActivityError::new("Exists", "it is there")),
            }
        }
    };
    let _working = Working::begin(site.worker().twice(true).activity("create", create));
    for (execution, panics, second) in
        [("e-1", false, "failed with Exists: it is there"), ("e-2", true, "failed with Panic: the activity panicked")]
    {
        site.put(&Task { input: json!(panics), ..task("create", execution) }).await;
        site.eventually_queued(0).await;
        let of_this = async || {
            let told = differences(&site).await;
            told.into_iter().find(|told| told["execution"] == execution)
        };
        eventually("it is told", async || of_this().await.is_some()).await;
        let told = of_this().await.expect("it is there");
        assert!(told["second"].as_str().is_some_and(|told| told.starts_with(second)), "{told}");
    }
    let inputs = site.inputs().await;
    assert!(inputs.iter().all(|input| matches!(input, Input::StepSucceeded(_))), "{inputs:?}");
}

#[tokio::test]
async fn what_is_tried_again_anyway_does_not_run_twice() {
    let (site, runs) = (Site::start().await, Notes::default());
    let noted = runs.clone();
    let early = move |_: ActivityContext, fails: bool| {
        noted.note(if fails { "fails" } else { "is too early" });
        async move {
            if fails {
                Err(ActivityError::new("Busy", "later"))
            } else {
                Ok(Outcome::<()>::snooze(Duration::from_secs(60), ""))
            }
        }
    };
    let _working = Working::begin(site.worker().twice(true).activity("early", early));
    for (execution, fails) in [("e-1", true), ("e-2", false)] {
        site.put(&Task { input: json!(fails), ..task("early", execution) }).await;
        site.eventually_queued(0).await;
    }
    assert_eq!((runs.all().len(), site.inputs().await.len()), (2, 2));
}

/// Without room for the second run, and without signs of life in it, the first result is not lost.
#[tokio::test]
async fn the_first_result_is_not_lost_for_the_second_run() {
    let (site, runs) = (Site::start().await, Arc::new(AtomicU32::new(0)));
    let count = runs.clone();
    let once_quick = move |context: ActivityContext, _: Value| {
        let run = count.fetch_add(1, Ordering::Relaxed);
        async move {
            if run == 1 {
                context.cancellation().cancelled().await;
            }
            Ok(run)
        }
    };
    let _working = Working::begin(site.worker().twice(true).activity("quick", once_quick));
    let timeout = Some(Duration::from_secs(2).into());
    let heartbeat = Some(Duration::from_millis(400).into());
    site.put(&Task { timeout, heartbeat, ..task("quick", "e-1") }).await;
    site.eventually_queued(0).await;
    let inputs = site.inputs().await;
    assert!(
        matches!(&inputs[..], [Input::StepStarted(_), Input::StepSucceeded(first)] if first.output == json!(0)),
        "{inputs:?}"
    );
    assert_eq!((runs.load(Ordering::Relaxed), differences(&site).await), (2, vec![]));
}
